"""IMAP octets and values: pure, no state, no I/O."""
