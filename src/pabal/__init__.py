"""Pabal: mail and names for a domain, in one program."""
