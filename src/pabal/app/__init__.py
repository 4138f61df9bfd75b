"""Composition: builds the objects of one process, and of the tools beside it."""
