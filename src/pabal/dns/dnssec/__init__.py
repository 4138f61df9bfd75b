"""Signed names: canonical forms, signatures, keys and proofs of absence, all pure."""
