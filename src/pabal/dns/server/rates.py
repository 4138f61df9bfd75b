"""How many answers a network gets: what a forged flood may do with this server.

No I/O. Cheap where all is well: the driver tells of one datagram in a batch, counted
for all of them, and only a network that is over its rate is looked at answer by answer.

Source: RFC 5358 §4 (reflection); the scheme is BIND's response rate limiting.
Security: an address is forged in no time, so nothing here is held for one alone, and
what is held is bounded.
"""

import enum
import ipaddress
from typing import Final

from pabal.base.clock import Clock

IPV4_PREFIX_OCTETS: Final = 3
IPV6_PREFIX_OCTETS: Final = 7
"""A /24 and a /56 are one client, as in BIND."""

WINDOW_S: Final = 15
"""How long somebody who was far over the rate pays for it, at most."""

ALL_FACTOR: Final = 5
"""A network may have so many times the rate in answers to different questions."""

SUSPECT_S: Final = 10
"""How long a network over its rate is looked at answer by answer."""

ACCOUNTS_MAX: Final = 100_000
"""Accounts kept at once; beyond, all begin anew."""


class Verdict(enum.Enum):
    """What becomes of an answer."""

    SEND = "send it"
    DROP = "say nothing"
    TRUNCATE = "say: ask over TCP"


def network_of(address: bytes) -> bytes:
    """Return the prefix of ``address``, 4 or 16 octets, that is one client."""
    if len(address) == 4:
        return address[:IPV4_PREFIX_OCTETS]
    return address[:IPV6_PREFIX_OCTETS]


class _Accounts:
    """A balance for each key: filled each second, emptied by answers."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._balances: dict[object, tuple[int, int]] = {}

    def spend(self, key: object, count: int) -> bool:
        """Take ``count`` from the account of ``key``; return whether it was there."""
        now = int(self._clock.monotonic())
        balance, since = self._balances.get(key, (self._rate, now))
        if now != since:
            balance = min(self._rate, balance + self._rate * (now - since))
        balance = max(balance - count, -self._rate * WINDOW_S)
        if len(self._balances) >= ACCOUNTS_MAX:
            self._balances.clear()
        self._balances[key] = balance, now
        return balance >= 0


class RateLimiter:
    """Judges answers over UDP to clients that are no friends.

    Args (of the constructor):
        rate: Equal answers a second to one network; 0 switches the limiter off.
        slip: Of the answers held back, each so many-th is sent truncated; 0: none.
        client_rate: Queries a second from one address; 0: any number.
    """

    def __init__(self, rate: int, slip: int, client_rate: int, clock: Clock) -> None:
        self._clock = clock
        self._slip = slip
        self._same = _Accounts(rate, clock) if rate else None
        self._all = _Accounts(rate * ALL_FACTOR, clock) if rate else None
        self._clients = _Accounts(client_rate, clock) if client_rate else None
        least = min(filter(None, (rate, client_rate)), default=0)
        self._noted = _Accounts(least, clock) if least else None
        self._suspects: dict[bytes, float] = {}
        self._held_back = 0

    @property
    def has_suspects(self) -> bool:
        """Whether any network is being looked at."""
        return bool(self._suspects)

    def note(self, address: bytes, count: int) -> bool:
        """Count datagrams of which the last came from ``address``, 4 or 16 octets.

        Returns:
            Whether its network has become suspect with this.
        """
        if self._noted is None:
            return False
        network = network_of(address)
        if self._noted.spend(network, count):
            return False
        known = network in self._suspects
        if len(self._suspects) >= ACCOUNTS_MAX:
            self._suspects.clear()
        self._suspects[network] = self._clock.monotonic() + SUSPECT_S
        return not known

    def suspects(self, host: str) -> bool:
        """Return whether the network of ``host`` is being looked at."""
        if not self._suspects:
            return False
        network = network_of(_packed(host))
        until = self._suspects.get(network)
        if until is None:
            return False
        if until < self._clock.monotonic():
            del self._suspects[network]
            return False
        return True

    def judge(self, host: str, answer: object) -> Verdict:
        """Return what becomes of an answer to suspect ``host``.

        Args:
            answer: Equal for answers that are one and the same to a victim.
        """
        address = _packed(host)
        network = network_of(address)
        if self._clients is not None and not self._clients.spend(address, 1):
            return Verdict.DROP
        if self._same is None or self._all is None:
            return Verdict.SEND
        same = self._same.spend((network, answer), 1)
        if self._all.spend(network, 1) and same:
            return Verdict.SEND
        self._held_back += 1
        if self._slip and self._held_back % self._slip == 0:
            return Verdict.TRUNCATE
        return Verdict.DROP


def _packed(host: str) -> bytes:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).packed
    except ValueError:
        return bytes(16)
