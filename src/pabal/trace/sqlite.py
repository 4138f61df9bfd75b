"""Trace events in one SQLite database."""
