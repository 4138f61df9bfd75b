"""What happened to a message, hop by hop."""
