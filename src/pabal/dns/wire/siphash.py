"""SipHash-2-4: a keyed digest of a few octets.

Sans-IO. Source: RFC 9018 §4.4 (what DNS cookies are made with).
"""

from struct import Struct
from typing import Final

_MASK: Final = 0xFFFF_FFFF_FFFF_FFFF
_WORD: Final = Struct("<Q")
_TWO: Final = Struct("<QQ")

KEY_OCTETS: Final = 16


def siphash(key: bytes, data: bytes) -> bytes:
    """Return the eight octets of ``data`` under ``key`` of sixteen octets.

    Cost: some twenty microseconds for a cookie; callers remember what they made.
    """
    k0, k1 = _TWO.unpack(key)
    state = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    padded = data + bytes(7 - len(data) % 8) + bytes((len(data) & 0xFF,))
    for (word,) in _WORD.iter_unpack(padded):
        v0, v1, v2, v3 = _rounds((*state[:3], state[3] ^ word), 2)
        state = v0 ^ word, v1, v2, v3
    v0, v1, v2, v3 = _rounds((state[0], state[1], state[2] ^ 0xFF, state[3]), 4)
    return _WORD.pack(v0 ^ v1 ^ v2 ^ v3)


def _rounds(state: tuple[int, int, int, int], count: int) -> tuple[int, int, int, int]:
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0 = v0 + v1 & _MASK
        v1 = (v1 << 13 | v1 >> 51) & _MASK ^ v0
        v0 = (v0 << 32 | v0 >> 32) & _MASK
        v2 = v2 + v3 & _MASK
        v3 = (v3 << 16 | v3 >> 48) & _MASK ^ v2
        v0 = v0 + v3 & _MASK
        v3 = (v3 << 21 | v3 >> 43) & _MASK ^ v0
        v2 = v2 + v1 & _MASK
        v1 = (v1 << 17 | v1 >> 47) & _MASK ^ v2
        v2 = (v2 << 32 | v2 >> 32) & _MASK
    return v0, v1, v2, v3
