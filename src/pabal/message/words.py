"""Encoded words: text beyond ASCII in header fields.

Sans-IO. Reading is tolerant and never raises; writing follows the RFC.
Source: RFC 2047 §2 (syntax), §4 (encodings), §5 (where), §6.2 (display).
"""

import binascii
import re
from typing import Final

from pabal.message.charset import decode

WORD_MAX_OCTETS: Final = 75
"""Longest encoded word, delimiters included (RFC 2047 §2)."""

VALUE_MAX_OCTETS: Final = 64 * 1024
"""Octets of one field value that are decoded; the rest is left out of the text."""

_WORD: Final = re.compile(rb"=\?([^?*\s]{1,40})(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=")
_HEX: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64: Final = bytes(
    set(range(256))
    - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
_Q_SAFE: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/"
)
"""Octets that stand for themselves anywhere a word may be (RFC 2047 §5 (3))."""

_ROOM: Final = WORD_MAX_OCTETS - len("=?utf-8?B??=")


def decode_words(value: bytes) -> str:
    """Return the text of an unfolded field ``value``; never raises.

    Octets outside encoded words may be raw UTF-8 or CP949: they are guessed.
    """
    value = value[:VALUE_MAX_OCTETS]
    if b"=?" not in value:
        return value.decode("ascii") if value.isascii() else decode(value)
    pieces: list[str] = []
    charset, pending, position = "", b"", 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        label = match[1].decode("latin-1").lower()
        octets = _word_octets(match[2], match[3])
        position = match.end()
        # White space between words is not text (RFC 2047 §6.2); words of one charset
        # are decoded together, since many programs cut characters in two.
        if charset == label and not between.strip():
            pending += octets
            continue
        if charset:
            pieces.append(decode(pending, charset))
        if not charset or between.strip():
            pieces.append(decode(between))
        charset, pending = label, octets
    if charset:
        pieces.append(decode(pending, charset))
    pieces.append(decode(value[position:]))
    return "".join(pieces)


def encode_words(text: str, taken: int = 0) -> bytes:
    """Return ``text`` for an unstructured field or a phrase, words parted by spaces.

    ASCII text stays as it is unless it looks like an encoded word. Line ends and
    other control characters become spaces: nobody injects a field.

    Args:
        taken: Octets on the line already, so that the first word fits behind them.
    """
    text = "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in text)
    if text.isascii() and "=?" not in text:
        return text.encode("ascii")
    octets = text.encode("utf-8", "replace")
    plain = sum(octet in _Q_SAFE or octet == 32 for octet in octets)
    return _encode(text, "Q" if plain * 2 >= len(octets) else "B", taken)


def _word_octets(encoding: bytes, data: bytes) -> bytes:
    if encoding in b"Bb":
        return decode_base64(data)
    data = data.replace(b"_", b" ")
    return _HEX.sub(lambda m: bytes((int(m[1], 16),)), data) if b"=" in data else data


def decode_base64(data: bytes) -> bytes:
    """Return the octets of base64 ``data``; what is not of the alphabet is skipped."""
    clean = clean_base64(data).rstrip(b"=")
    if b"=" in clean:
        # Padded pieces one behind the other, as some programs write them.
        return b"".join(map(_unpad, clean.split(b"=")))
    return _unpad(clean)


def clean_base64(data: bytes) -> bytes:
    """Return ``data`` without what is neither of the alphabet nor padding."""
    return data.translate(None, _NOT_BASE64)


def _unpad(clean: bytes) -> bytes:
    """Return the octets of base64 without padding; a lone last letter is dropped."""
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def _encode(text: str, encoding: str, taken: int) -> bytes:
    words: list[str] = []
    current, used = "", min(taken, _ROOM // 2)
    if encoding == "B":
        used = used // 4 * 3 + 3 if taken else 0
    for character in text:
        octets = character.encode("utf-8", "replace")
        cost = _q_cost(octets) if encoding == "Q" else len(octets)
        room = _ROOM if encoding == "Q" else _ROOM // 4 * 3
        if used + cost > room:
            words.append(current)
            current, used = "", 0
        current += character
        used += cost
    words.append(current)
    return b" ".join(_one_word(word, encoding) for word in words)


def _q_cost(octets: bytes) -> int:
    return sum(1 if octet in _Q_SAFE or octet == 32 else 3 for octet in octets)


def _one_word(text: str, encoding: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if encoding == "B":
        data = binascii.b2a_base64(octets, newline=False).decode("ascii")
    else:
        data = "".join(
            chr(octet) if octet in _Q_SAFE else "_" if octet == 32 else f"={octet:02X}"
            for octet in octets
        )
    return f"=?utf-8?{encoding}?{data}?=".encode("ascii")
