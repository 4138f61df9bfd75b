"""What sources of messages have in common."""

import hashlib
from typing import Final

from pabal.base.errors import PabalError

SLICE: Final = 500
"""Messages listed, looked up and read at once: bounds memory."""

SLICE_OCTETS: Final = 8 * 1024 * 1024
"""Octets of messages read ahead of the store."""

_KEY_OCTETS: Final = 8


class SourceError(PabalError):
    """Where messages should come from cannot be read; says what and why."""


def key_of(text: bytes) -> int:
    """Return 63 bits of a digest: what a store keeps as a key."""
    digest = hashlib.blake2b(text, digest_size=_KEY_OCTETS).digest()
    return int.from_bytes(digest) >> 1
