"""Bodies without their transfer encoding, piece by piece.

Sans-IO. For what may be large: an attachment of 50 MB costs a piece of memory.
Source: RFC 2045 §6.7 (quoted-printable), §6.8 (base64).
"""

from collections.abc import Iterator
from typing import Final

from pabal.message.mime import Octets, Part, decode_body, decode_quoted
from pabal.message.words import clean_base64, decode_base64

BLANKS_MAX: Final = 998
"""Blanks before the end of a line that is cut: no line is longer (RFC 5322 §2.1.1)."""

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
            cut = _inside_line(data)
        yield decode_quoted(data[:cut])
        rest = data[cut:]
    if rest:
        yield decode_quoted(rest)


def _inside_line(data: bytes) -> int:
    """Return where a line without end can be cut: not in "=XX", nor before blanks."""
    end = len(data.rstrip(b" \t"))
    if len(data) - end > BLANKS_MAX:
        end = len(data)
    sign = data.rfind(b"=", max(0, end - 2), end)
    if sign < 0:
        return end
    # "==" is broken and means "=": of a run of them pairs are taken.
    return len(data[:sign].rstrip(b"=")) or max(0, (end - 3) // 2 * 2)
