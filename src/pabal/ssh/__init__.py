"""The console over SSH: what an administrator can do, from elsewhere."""
