"""Domains, accounts, aliases, credentials."""
