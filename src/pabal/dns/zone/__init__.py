"""Authoritative data: zones, derived records, answers."""
