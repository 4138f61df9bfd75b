"""BIND's named.conf: read, checked at the very character, taken over."""
