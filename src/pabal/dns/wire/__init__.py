"""The octets of DNS on the hot path: queries taken apart, answers put together."""
