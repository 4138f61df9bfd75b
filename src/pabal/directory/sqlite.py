"""The directory in one SQLite database."""
