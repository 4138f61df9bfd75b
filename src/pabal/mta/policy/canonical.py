"""Canonical forms of headers and bodies that survive what servers do to messages.

Pure. Octets are rewritten in bulk; a body passes in chunks and is never held whole.
Source: RFC 6376 §3.4 (canonicalisation), §3.7 (body hash).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

_BLANKS: Final = re.compile(rb"[ \t]+")
_SPACES: Final = b" \t\r\n"
_LINE_ENDS: Final = b"\r\n"


def relaxed_field(field: bytes) -> bytes:
    """Return a header field, its line end included, in relaxed form (§3.4.2)."""
    name, _, value = field.partition(b":")
    value = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \r\n")
    return name.strip(b" \t").lower() + b":" + value + b"\r\n"


def simple_field(field: bytes) -> bytes:
    """Return a header field in simple form: as it is (§3.4.1)."""
    return field


def relaxed_piece(octets: bytes) -> bytes:
    """Return octets of a body in relaxed form (§3.4.4), their end apart.

    Cost: linear; a run of blanks is halved until one is left.
    """
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets.replace(b" \r\n", b"\r\n")


def simple_piece(octets: bytes) -> bytes:
    """Return octets of a body in simple form (§3.4.3), their end apart."""
    return octets


def body_digest(chunks: Iterable[bytes], *, relaxed: bool) -> bytes:
    """Return the SHA-256 of a body in canonical form.

    Cost: linear in the octets, whatever the chunks. What may be trailing is kept back
    until something follows it.
    """
    digest = hashlib.sha256()
    piece: Callable[[bytes], bytes] = relaxed_piece if relaxed else simple_piece
    ends = _SPACES if relaxed else _LINE_ENDS
    kept: list[bytes] = []
    empty = True
    for chunk in chunks:
        solid = chunk.rstrip(ends)
        if not solid:
            kept.append(chunk)
            continue
        kept.append(solid)
        digest.update(piece(b"".join(kept)))
        kept = [chunk[len(solid) :]]
        empty = False
    # The end: no empty lines but one line end; an empty relaxed body stays empty.
    if not empty or not relaxed:
        digest.update(b"\r\n")
    return digest.digest()


def choose(fields: Sequence[bytes], names: Iterable[bytes]) -> list[bytes]:
    """Return the fields called ``names`` (lower case), from the bottom up (§5.4.2).

    A name more often than there are fields stands for nothing: it makes adding one
    break the signature.
    """
    by_name: dict[bytes, list[bytes]] = {}
    for field in fields:
        name = field.partition(b":")[0].strip(b" \t").lower()
        by_name.setdefault(name, []).append(field)
    chosen: list[bytes] = []
    for name in names:
        left = by_name.get(name)
        if left:
            chosen.append(left.pop())
    return chosen
