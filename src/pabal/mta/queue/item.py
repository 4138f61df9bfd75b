"""What is in the queue."""
