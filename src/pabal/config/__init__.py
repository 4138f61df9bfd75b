"""Reads pabal.toml; every error at once, each with its place."""
