"""Transfer encodings taken off piece by piece, for what must not be in memory.

Sans-IO. Cost: linear, whatever the pieces.
Source: RFC 2045 §6.7 (quoted-printable), §6.8 (base64).
"""

import binascii
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_BASE64: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)
_NOT_BASE64: Final = bytes(octet for octet in range(256) if octet not in _BASE64)

LINE_MAX_OCTETS: Final = 64 * 1024
"""Longest line of quoted-printable waited for; RFC 2045 §6.7 allows 76."""


def decoder_of(encoding: str) -> Callable[[Iterable[bytes]], Iterator[bytes]] | None:
    """Return what takes ``encoding`` (lower case) off pieces; ``None``: unknown."""
    if encoding == "base64":
        return _base64
    if encoding == "quoted-printable":
        return _quoted_printable
    if encoding in {"7bit", "8bit", "binary"}:
        return iter
    return None


def _base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    kept = b""
    for piece in pieces:
        kept += piece.translate(None, _NOT_BASE64)
        whole = len(kept) & ~3
        yield binascii.a2b_base64(kept[:whole])
        kept = kept[whole:]
    if len(kept) > 1:
        # What is cut off in the middle still has its first octets.
        yield binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def _quoted_printable(pieces: Iterable[bytes]) -> Iterator[bytes]:
    kept = b""
    for piece in pieces:
        kept += piece
        end = kept.rfind(b"\n") + 1
        if not end and len(kept) > LINE_MAX_OCTETS:
            end = len(kept) - 2
        yield binascii.a2b_qp(kept[:end])
        kept = kept[end:]
    yield binascii.a2b_qp(kept)
