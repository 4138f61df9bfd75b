"""How mail leaves: over SMTP to the next hop."""
