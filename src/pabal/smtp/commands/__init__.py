"""What each command of SMTP does."""
