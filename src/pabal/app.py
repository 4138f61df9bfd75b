"""Composition root of one process: builds objects, opens listeners, stops in order."""
