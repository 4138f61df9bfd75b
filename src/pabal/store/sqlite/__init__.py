"""The embedded engine: one SQLite file an account."""
