"""What each IMAP command does: asks the store, answers the client; no sockets."""
