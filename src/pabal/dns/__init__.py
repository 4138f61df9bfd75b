"""Names to answers."""
