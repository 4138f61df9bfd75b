"""The protocol SMTP, both sides."""
