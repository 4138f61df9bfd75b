"""Mailboxes that live as long as the process: complete, for tests and for trying."""
