"""From a domain to the hosts that take its mail (RFC 5321 §5)."""
