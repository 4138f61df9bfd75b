"""Who vouches for a message: DKIM now, SPF, DMARC and ARC later."""
