"""Structured MIME field values: a main value and its parameters.

Sans-IO. Tolerant: what cannot be read is left out, nothing raises.
Source: RFC 2045 §5.1 (syntax), RFC 2231 §3 (continuations), §4 (charsets).
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from pabal.message.charset import decode

PARAMETERS_MAX: Final = 100
"""Parameters of one field that are looked at."""

VALUE_MAX_OCTETS: Final = 16 * 1024
"""Octets of a field value looked at: long file names in RFC 2231 need some 2,000."""

_CACHE_MAX: Final = 512
"""Values remembered: ``text/plain; charset=utf-8`` is in nearly every message."""

_CACHED_OCTETS: Final = 128
"""Longest value remembered, so the memory stays small."""

_PARAMETER: Final = re.compile(
    rb"""
    ;\s*([^\s=;"]+)\s*=\s*          # name
    (?:"((?:[^"\\]|\\.)*)"?         # quoted string, perhaps never closed
      |([^;]*))                     # token, or what should have been quoted
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_COMMENT: Final = re.compile(rb"\s*\([^()]*\)\s*")
_SECTION: Final = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")

Parameters = tuple[tuple[str, str], ...]
"""Names in lower case and decoded values, in order."""

_Section = tuple[int, bool, bytes]


def parse_parameters(value: bytes) -> tuple[str, Parameters]:
    """Return the main value of ``value`` in lower case, and its parameters.

    RFC 2231 pieces are joined and decoded under their plain name; raw octets beyond
    ASCII are guessed. Encoded words stay as they are: they have no business here.
    """
    if len(value) <= _CACHED_OCTETS:
        return _parse_cached(value)
    return _parse(value[:VALUE_MAX_OCTETS])


def parameter(parameters: Parameters, name: str) -> str:
    """Return the value of the first parameter ``name``; empty when there is none."""
    for key, value in parameters:
        if key == name:
            return value
    return ""


def format_extended(value: str) -> bytes:
    """Return ``value`` as an extended value (RFC 2231 §4): ``utf-8''%ED%95%9C``."""
    return b"utf-8''" + quote(value, safe="", errors="replace").encode("ascii")


def _parse(value: bytes) -> tuple[str, Parameters]:
    head, semicolon, _ = value.partition(b";")
    if b"(" in head:
        head = _COMMENT.sub(b"", head)
    main = head.strip().lower().decode("latin-1")
    if not semicolon:
        return main, ()
    plain: dict[str, str] = {}
    sections: dict[str, list[_Section]] = {}
    for count, match in enumerate(_PARAMETER.finditer(value, len(head))):
        if count >= PARAMETERS_MAX:
            break
        name = match[1].lower().decode("latin-1")
        octets = _octets(match[2], match[3])
        if "*" not in name:
            plain.setdefault(name, decode(octets))
        elif section := _SECTION.fullmatch(name):
            index = int(section[2] or 0)
            piece = (index, bool(section[3]), octets)
            sections.setdefault(section[1], []).append(piece)
    # The extended form is the better one where both are given (RFC 6266 §4.3).
    plain.update((name, _join(pieces)) for name, pieces in sections.items())
    return main, tuple(plain.items())


_parse_cached = lru_cache(maxsize=_CACHE_MAX)(_parse)


def _octets(quoted: bytes | None, token: bytes) -> bytes:
    if quoted is not None:
        return _ESCAPE.sub(rb"\1", quoted) if b"\\" in quoted else quoted
    return _COMMENT.sub(b"", token).strip() if b"(" in token else token.strip()


def _join(pieces: list[_Section]) -> str:
    """Return the text of continuations, in the order of their numbers."""
    pieces.sort(key=lambda piece: piece[0])
    charset: str | None = None
    joined = b""
    for position, (_, extended, octets) in enumerate(pieces):
        data = octets
        if extended and position == 0 and octets.count(b"'") >= 2:
            label, _, data = octets.split(b"'", 2)
            charset = label.decode("latin-1")
        joined += unquote_to_bytes(data) if extended else data
    return decode(joined, charset)
