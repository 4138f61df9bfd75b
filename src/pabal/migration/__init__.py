"""Mailboxes of other servers come here, and ours go where their owner wants."""
