"""Recursion: iterator, cache, driver."""
