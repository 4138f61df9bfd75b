"""Which recipient is tried when: pure, the time is an argument."""
