"""Answers and referrals, kept for their TTL."""
