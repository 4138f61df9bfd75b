"""The connection driver every server and client uses."""
