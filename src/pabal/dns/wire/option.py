"""EDNS options: code, length, data.

Sans-IO. Source: RFC 6891 §6.1.2; RFC 5001 §2 (NSID), RFC 7873 §4 (COOKIE),
RFC 7828 §3 (keepalive), RFC 7830 §3 (Padding), RFC 8914 §2 (Extended DNS Error).
Client Subnet is none of ours: it is passed over like whatever is unknown, and no answer
has it, which says so (RFC 7871 §7.2.1); no question of the resolver has it, so nobody
learns who asked (§2).
"""

from struct import Struct
from typing import Final

NSID: Final = 3
COOKIE: Final = 10
KEEPALIVE: Final = 11
PADDING: Final = 12
ERROR: Final = 15

PADDED_TO_OCTETS: Final = 468
"""Answers are padded to a multiple of this (RFC 8467 §4.1)."""

BOGUS: Final = 6
NOT_READY: Final = 14
PROHIBITED: Final = 18
NOT_AUTHORITATIVE: Final = 20
NO_REACHABLE_AUTHORITY: Final = 22
"""INFO-CODEs of RFC 8914 §4."""

_HEAD: Final = Struct("!HH")
_CODE: Final = Struct("!H")

ERROR_TEXT_MAX_OCTETS: Final = 120
"""An explanation must not make an answer large."""


def read_options(rdata: bytes) -> dict[int, bytes]:
    """Return the data of each option by its code; the first of a code counts.

    ``rdata`` is that of an OPT record whose options were checked to fill it.
    """
    found: dict[int, bytes] = {}
    position = 0
    while position < len(rdata):
        code, size = _HEAD.unpack_from(rdata, position)
        position += _HEAD.size
        found.setdefault(code, rdata[position : position + size])
        position += size
    return found


def option(code: int, data: bytes) -> bytes:
    """Return one option as octets."""
    return _HEAD.pack(code, len(data)) + data


def error_option(code: int, text: str = "") -> bytes:
    """Return an Extended DNS Error; ``text`` is for people and may be cut."""
    words = text.encode()[:ERROR_TEXT_MAX_OCTETS]
    words = words.decode(errors="ignore").encode()  # not in the middle of a character
    return option(ERROR, _CODE.pack(code) + words)


def keepalive(idle_s: float) -> bytes:
    """Return the option that says how long a connection may be silent (RFC 7828)."""
    tenths = min(int(idle_s * 10), 0xFFFF)
    return option(KEEPALIVE, _CODE.pack(tenths))


def with_options(message: bytes, options: bytes) -> bytes:
    """Return ``message``, which ends in an OPT record without options, with them."""
    if not options:
        return message
    return message[:-2] + _CODE.pack(len(options)) + options


def padding(size_octets: int) -> bytes:
    """Return the option that pads a message of ``size_octets`` (RFC 8467 §4.1)."""
    return option(PADDING, bytes(-(size_octets + _HEAD.size) % PADDED_TO_OCTETS))
