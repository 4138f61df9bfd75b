"""The queue in one SQLite database."""
