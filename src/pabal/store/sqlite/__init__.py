"""Mailboxes in SQLite, one file an account.

An account is a directory ``<root>/<account id>`` with ``mailbox.db``: the first part of
every key, the account, is the file itself, so the tables need no column for it and a
mailbox can be copied, moved and checked alone.
"""
