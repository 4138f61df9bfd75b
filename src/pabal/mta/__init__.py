"""Takes responsibility for mail and gets rid of it."""
