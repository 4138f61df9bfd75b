"""What a message says about its sender: DKIM now, SPF, DMARC, ARC later."""
