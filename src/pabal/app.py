"""Composition root of one process: builds every object, opens listeners, stops in order."""
