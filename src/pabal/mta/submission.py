"""Mail from our own users."""
