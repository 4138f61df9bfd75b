"""Two mail servers and their name server on one machine."""
