"""DNS cookies: who holds one is at the address it says it is.

No I/O. Source: RFC 7873 §5.2 (what a server does), RFC 9018 §4 (how it makes them).
Security: a valid cookie lifts the rate limits that forged addresses call for.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from pabal.base.clock import Clock
from pabal.dns.wire.siphash import siphash
from pabal.net.endpoint import plain_address

CLIENT_OCTETS: Final = 8
SERVER_OCTETS: Final = 16
"""RFC 7873 §4; servers' cookies of other makes have 8 to 32 octets."""

LIFE_S: Final = 3600
RENEWED_AFTER_S: Final = 1800
AHEAD_MAX_S: Final = 300
"""RFC 9018 §4.3: valid for an hour, renewed after half of one, clocks differ."""

KNOWN_MAX: Final = 65_536
"""Cookies remembered as good; more, and they are checked anew."""

_TIME: Final = Struct("!I")
_VERSION: Final = b"\x01\x00\x00\x00"
"""Version 1 and three reserved octets (RFC 9018 §4.1 and §4.2)."""


@dataclass(frozen=True, slots=True)
class CookieCheck:
    """What came of a COOKIE option.

    Attributes:
        answer: The data of the option in the answer.
        valid: Whether the client has shown to be where it says.
    """

    answer: bytes
    valid: bool


class Cookies:
    """Makes and checks cookies of one server (or of all that share ``secret``).

    Args (of the constructor):
        secret: Sixteen octets; the same in every process that answers at one address.
    """

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._known: dict[tuple[str, bytes], CookieCheck] = {}
        self._known_until = 0.0

    def check(self, data: bytes, host: str) -> CookieCheck | None:
        """Return what to make of the option of a client at ``host``.

        ``None`` if the option is malformed (RFC 7873 §5.2.2).
        """
        size = len(data) - CLIENT_OCTETS
        if size and not 8 <= size <= 32:
            return None
        now = self._clock.now()
        if now >= self._known_until or len(self._known) >= KNOWN_MAX:
            self._known.clear()
            # Remembered answers carry a time: they may not grow old here.
            self._known_until = now + AHEAD_MAX_S
        known = self._known.get((host, data))
        if known is None:
            known = self._known[host, data] = self._check(data, host, int(now))
        return known

    def _check(self, data: bytes, host: str, now: int) -> CookieCheck:
        client, server = data[:CLIENT_OCTETS], data[CLIENT_OCTETS:]
        address = plain_address(host).packed
        if len(server) == SERVER_OCTETS and server[:4] == _VERSION:
            age_s = now - _TIME.unpack_from(server, 4)[0]
            fresh = -AHEAD_MAX_S <= age_s <= LIFE_S
            if fresh and server == self._make(client, server[4:8], address):
                if age_s <= RENEWED_AFTER_S:
                    return CookieCheck(data, valid=True)
                return CookieCheck(self._new(client, now, address), valid=True)
        return CookieCheck(self._new(client, now, address), valid=False)

    def _new(self, client: bytes, now: int, address: bytes) -> bytes:
        stamp = _TIME.pack(now & 0xFFFF_FFFF)
        return client + self._make(client, stamp, address)

    def _make(self, client: bytes, stamp: bytes, address: bytes) -> bytes:
        """Return the server's part (RFC 9018 §4.4)."""
        head = _VERSION + stamp
        return head + siphash(self._secret, client + head + address)
