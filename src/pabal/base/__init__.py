"""What every package stands on; no word of any protocol in it."""
