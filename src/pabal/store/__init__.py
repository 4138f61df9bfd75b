"""Mailboxes, neutral to protocols: ids, UIDs, flags, modseqs, changes, search."""
