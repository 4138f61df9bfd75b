"""Bodies without their transfer encoding, piece by piece.

Sans-IO. For what may be large: an attachment of 50 MB costs a piece of memory.
Source: RFC 2045 §6.7 (quoted-printable), §6.8 (base64).
"""

import binascii
from collections.abc import Iterator
from typing import Final

from pabal.message.mime import Octets, Part, decode_body
from pabal.message.words import clean_base64, decode_base64

PIECE_OCTETS: Final = 256 * 1024
"""Octets of the encoded body decoded at once."""


def decode_pieces(
    octets: Octets, part: Part, size: int = PIECE_OCTETS
) -> Iterator[bytes]:
    """Yield the decoded body of ``part``; joined it is what ``decode_body`` returns.

    Args:
        size: Octets of the encoded body to take at once.
    """
    if part.encoding == "base64":
        yield from _base64(octets, part, size)
    elif part.encoding == "quoted-printable":
        yield from _quoted_printable(octets, part, size)
    elif part.encoding in {"x-uuencode", "uuencode", "x-uue"}:
        yield decode_body(octets, part)
    else:
        yield from _slices(octets, part, size)


def _slices(octets: Octets, part: Part, size: int) -> Iterator[bytes]:
    for start in range(part.body_start, part.body_end, size):
        yield octets[start : min(start + size, part.body_end)]


def _base64(octets: Octets, part: Part, size: int) -> Iterator[bytes]:
    rest = b""
    for piece in _slices(octets, part, size):
        clean = rest + clean_base64(piece)
        # Four letters are three octets; padding ends a group wherever it stands.
        cut = clean.rfind(b"=") + 1
        cut += (len(clean) - cut) // 4 * 4
        yield decode_base64(clean[:cut])
        rest = clean[cut:]
    if rest:
        yield decode_base64(rest)


def _quoted_printable(octets: Octets, part: Part, size: int) -> Iterator[bytes]:
    rest = b""
    for piece in _slices(octets, part, size):
        data = rest + piece
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > size * 2:
            # A line without end: only "=XX" is not cut.
            sign = data.rfind(b"=", len(data) - 2)
            cut = len(data)
            if sign >= 0:
                # "==" is broken and means "=": of a run of them pairs are taken.
                cut = len(data[:sign].rstrip(b"=")) or (len(data) - 3) // 2 * 2
        yield binascii.a2b_qp(data[:cut])
        rest = data[cut:]
    if rest:
        yield binascii.a2b_qp(rest)
