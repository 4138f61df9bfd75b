"""A message for a server that takes seven bits: the same one, otherwise encoded.

Pure. Bodies of parts with octets above 127 become quoted-printable or base64, and their
header says so; nothing else is touched. Header fields with such octets stay as they
are: they are no better where 8BITMIME is offered.

Source: RFC 6152 §3 (who must convert), RFC 2045 §6.4 (what may be encoded), §6.7, §6.8,
RFC 1847 §2.1 (what must not be), RFC 1428 §3 (text of which nobody says what it is).
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from pabal.base.errors import PabalError
from pabal.message.header import select_not
from pabal.message.mime import Octets, Part, scan
from pabal.message.spool import CHUNK_OCTETS

BASE64_OCTETS: Final = 57
"""Octets of a line of base64 (RFC 2045 §6.8): 76 characters."""

QUOTED_PER_OCTET: Final = 6
"""Of text with more than one octet in so many above 127, base64 is the shorter."""

_ENCODING: Final = b"content-transfer-encoding"
_HIGH: Final = bytes(range(128, 256))
_MASKED: Final = bytes(range(128)) + b"?" * 128
_HIGH_OCTET: Final = re.compile(rb"[\x80-\xff]")
_SIGNED: Final = frozenset({"signed"})
_MARKED: Final = frozenset({"7bit", "8bit", "binary"})
"""Encodings that change nothing."""


class NotConvertibleError(PabalError):
    """The message may not be, or cannot be, made one of seven bits."""


def is_seven_bit(octets: Octets, start: int, end: int) -> bool:
    """Return whether no octet within ``start:end`` is above 127."""
    return all(piece.isascii() for piece in _pieces(octets, start, end))


def seven_bit(octets: Octets) -> Iterator[bytes]:
    """Yield the message ``octets`` with bodies of seven bits.

    Cost: linear; some pieces of ``CHUNK_OCTETS`` in memory.

    Raises:
        NotConvertibleError: A part is signed, or cannot be encoded.
    """
    return _part(octets, scan(octets), top=True)


def _part(octets: Octets, part: Part, *, top: bool = False) -> Iterator[bytes]:
    """Yield a part, its header included."""
    if is_seven_bit(octets, part.body_start, part.body_end):
        yield from _pieces(octets, part.header_start, part.body_end)
        return
    header = octets[part.header_start : part.body_start]
    if part.children:
        if part.subtype in _SIGNED:
            raise NotConvertibleError("a signed part must not be changed")
        if part.encoding in _MARKED:
            header = _marked(header, part, "7bit", top=top)
        yield header
        yield from _multipart(octets, part)
    elif part.message is not None:
        yield _marked(header, part, "7bit", top=top)
        yield from _part(octets, part.message, top=True)
    else:
        yield from _leaf(octets, part, header, top=top)


def _multipart(octets: Octets, part: Part) -> Iterator[bytes]:
    """Yield the body of a multipart; what stands between parts is for nobody."""
    position = part.body_start
    for child in part.children:
        yield _between(octets, position, child.header_start)
        yield from _part(octets, child)
        position = child.body_end
    yield _between(octets, position, part.body_end)


def _between(octets: Octets, start: int, end: int) -> bytes:
    """Return delimiters, prologue and epilogue.

    Raises:
        NotConvertibleError: The boundary itself is not ASCII.
    """
    found = octets[start:end]
    if found.isascii():
        return found
    lines = found.split(b"\n")
    if any(line.startswith(b"--") and not line.isascii() for line in lines):
        raise NotConvertibleError("a boundary has octets above 127")
    return found.translate(_MASKED)


def _leaf(octets: Octets, part: Part, header: bytes, *, top: bool) -> Iterator[bytes]:
    start, end = part.body_start, part.body_end
    pieces = _pieces(octets, start, end)
    if part.type == "message" and not part.subtype.startswith("global"):
        # RFC 2046 §5.2: these must not be encoded; RFC 6532 §3.5: global ones may.
        raise NotConvertibleError(f"message/{part.subtype} must not be encoded")
    if part.type == "multipart":
        raise NotConvertibleError("a multipart without parts")
    if part.encoding == "base64":
        # Octets that are none of base64 mean nothing (RFC 2045 §6.8).
        yield header
        yield from (piece.translate(None, _HIGH) for piece in pieces)
    elif part.encoding == "quoted-printable":
        yield header
        yield from (_HIGH_OCTET.sub(_quoted, piece) for piece in pieces)
    elif part.encoding not in _MARKED:
        raise NotConvertibleError(f"encoding {part.encoding} is not known")
    elif part.type == "text" and _is_mostly_ascii(octets, start, end):
        yield _marked(header, part, "quoted-printable", top=top)
        yield from _quoted_printable(octets, start, end)
    else:
        yield _marked(header, part, "base64", top=top)
        yield from _base64(octets, start, end)


def _is_mostly_ascii(octets: Octets, start: int, end: int) -> bool:
    high = sum(
        len(piece) - len(piece.translate(None, _HIGH))
        for piece in _pieces(octets, start, end)
    )
    return high * QUOTED_PER_OCTET <= end - start


def _quoted(match: re.Match[bytes]) -> bytes:
    return b"=%02X" % match[0][0]


def _quoted_printable(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    """Yield text quoted-printable, whole lines at a time."""
    while start < end:
        piece = octets[start : min(start + CHUNK_OCTETS, end)]
        cut = piece.rfind(b"\n") + 1 or len(piece)
        piece = piece[:cut]
        start += cut
        encoded = binascii.b2a_qp(piece, istext=True)
        # Soft line ends are those of the text, if it has any.
        encoded = encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        # A line longer than all of a piece goes on in the next.
        yield encoded if piece.endswith(b"\n") or start >= end else encoded + b"=\r\n"


def _base64(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    size = CHUNK_OCTETS // BASE64_OCTETS * BASE64_OCTETS
    for place in range(start, end, size):
        piece = octets[place : min(place + size, end)]
        lines = (
            binascii.b2a_base64(piece[at : at + BASE64_OCTETS], newline=False)
            for at in range(0, len(piece), BASE64_OCTETS)
        )
        yield b"\r\n".join(lines)
        if place + size < end or octets[end - 1 : end] == b"\n":
            yield b"\r\n"


def _marked(header: bytes, part: Part, encoding: str, *, top: bool) -> bytes:
    """Return ``header`` saying ``encoding``."""
    kept = select_not(header, (_ENCODING,))
    end = len(kept) - (2 if kept.endswith(b"\n\r\n") or kept == b"\r\n" else 0)
    added = f"Content-Transfer-Encoding: {encoding}\r\n"
    names = kept.lower()
    if part.type == "text" and not _has(names, b"content-type"):
        added = f"Content-Type: text/plain; charset=unknown-8bit\r\n{added}"
    if top and not _has(names, b"mime-version"):
        added = f"MIME-Version: 1.0\r\n{added}"
    return kept[:end] + added.encode() + (kept[end:] or b"\r\n")


def _has(header: bytes, name: bytes) -> bool:
    return header.startswith(name + b":") or b"\n" + name + b":" in header


def _pieces(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    for place in range(start, end, CHUNK_OCTETS):
        yield octets[place : min(place + CHUNK_OCTETS, end)]
