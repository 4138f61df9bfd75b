"""The octets of SMTP and the values they mean."""
