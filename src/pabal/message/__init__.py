"""Messages as octets: addresses, headers, MIME parts, charsets, dates."""
