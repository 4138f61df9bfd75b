"""One resolution without I/O: ask for the next query, feed the answer."""
