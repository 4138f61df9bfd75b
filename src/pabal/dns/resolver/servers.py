"""What is remembered of servers: how fast, whether lame, whether they know EDNS.

Sans-IO: takes the time as an argument; memory is bounded by ``SERVERS_MAX``.
Source: RFC 6298 §2 (round-trip estimate), RFC 2308 §7.2 (dead servers).
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.name

from pabal.base.ids import Chance
from pabal.dns.resolver.hints import Server

SERVERS_MAX: Final = 20_000
"""Most servers remembered; the least recently asked is forgotten first."""

LAME_ZONES_MAX: Final = 16
"""Most zones remembered a server as lame for; the oldest is forgotten first."""

RTT_GUESS_S: Final = 0.1
"""Round trip assumed of a server never asked: good enough to be tried."""

RTT_BAND_S: Final = 0.1
"""Servers at most this much slower than the best are chosen by chance."""

TIMEOUT_FIRST_S: Final = 0.8
"""Wait for a server never asked: longer than any honest round trip on Earth."""

TIMEOUT_MIN_S: Final = 0.25
"""Least wait: servers that recurse or wake up need it."""

TIMEOUT_MAX_S: Final = 3.0
"""Most wait: by then another server is the better try."""

BACKOFF_MAX: Final = 6
"""Most doublings of the estimate of a silent server (0.1 s becomes 6.4 s)."""

SILENT_SECONDS: Final = 60.0
"""How long a silent server stays behind the others (RFC 2308 §7.2: at most 300)."""

LAME_SECONDS: Final = 900.0
"""How long a lame server stays behind the others: the default of Unbound."""

SILENCE_S: Final = 1.0
"""Questions lost within that time are one silence: many may be under way at once."""

DEAD_AFTER: Final = 4
"""Silences in a row after which a server counts as gone: one try is enough then."""

EDNS_SECONDS: Final = 900.0
"""How long a server that choked on EDNS is asked without; then it may know it."""

FAMILY_SECONDS: Final = 60.0
"""How long an unreachable address family stays behind the other."""


@dataclass(slots=True)
class _Record:
    rtt_s: float = 0.0
    deviation_s: float = 0.0
    silences: int = 0
    silent_at: float = -math.inf
    silent_until: float = 0.0
    plain_until: float = 0.0
    lame: OrderedDict[dns.name.Name, float] = field(default_factory=OrderedDict)


@dataclass(slots=True)
class ServerMemory:
    """One a process; every resolution reads and feeds it."""

    servers_max: int = SERVERS_MAX
    _records: OrderedDict[tuple[str, int], _Record] = field(
        default_factory=OrderedDict, init=False, repr=False
    )
    _family_down_until: dict[bool, float] = field(
        default_factory=dict, init=False, repr=False
    )

    def __len__(self) -> int:
        return len(self._records)

    def choose(
        self,
        servers: Sequence[Server],
        zone: dns.name.Name,
        now: float,
        chance: Chance,
    ) -> Server:
        """Return the server of non-empty ``servers`` to ask next for ``zone``."""
        costs = {server: self._cost(server, zone, now) for server in servers}
        limit = min(costs.values()) + RTT_BAND_S
        found = [server for server, cost in costs.items() if cost <= limit]
        # Chance costs a system call: a forwarder is often the only one.
        return found[0] if len(found) == 1 else chance.shuffled(found)[0]

    def timeout_s(self, server: Server, tries: int) -> float:
        """Return how long to wait for ``server`` after ``tries`` silent ones."""
        record = self._records.get((server.address, server.port))
        if record is None or record.rtt_s == 0.0:
            wait = TIMEOUT_FIRST_S
        else:
            # RFC 6298 §2.3: RTO = SRTT + 4 × RTTVAR.
            wait = max(TIMEOUT_MIN_S, record.rtt_s + 4 * record.deviation_s)
        return min(TIMEOUT_MAX_S, wait * 2.0**tries)

    def speaks_edns(self, server: Server, now: float) -> bool:
        """Return whether ``server`` is not known to choke on EDNS."""
        record = self._records.get((server.address, server.port))
        return record is None or record.plain_until <= now

    def answered(self, server: Server, rtt_s: float) -> None:
        """Remember that ``server`` answered after ``rtt_s`` seconds."""
        record = self._record(server)
        if record.rtt_s == 0.0:
            record.rtt_s, record.deviation_s = rtt_s, rtt_s / 2
        else:
            record.deviation_s += (abs(record.rtt_s - rtt_s) - record.deviation_s) / 4
            record.rtt_s += (rtt_s - record.rtt_s) / 8
        record.silences = 0
        record.silent_at = -math.inf
        record.silent_until = 0.0

    def silent(self, server: Server, now: float) -> None:
        """Remember that ``server`` did not answer."""
        record = self._record(server)
        # A hundred questions lost in one moment are one silence.
        if now - record.silent_at >= SILENCE_S:
            record.silences = min(BACKOFF_MAX, record.silences + 1)
            record.silent_at = now
        record.silent_until = now + SILENT_SECONDS

    def is_dead(self, server: Server, now: float) -> bool:
        """Return whether ``server`` was silent several times in a row, and lately."""
        record = self._records.get((server.address, server.port))
        return (
            record is not None
            and record.silences >= DEAD_AFTER
            and record.silent_until > now
        )

    def unreachable(self, server: Server, now: float) -> None:
        """Remember that the network knows no way to ``server``."""
        self.silent(server, now)
        self._family_down_until[_is_ipv6(server)] = now + FAMILY_SECONDS

    def lame(
        self,
        server: Server,
        zone: dns.name.Name,
        now: float,
        seconds: float = LAME_SECONDS,
    ) -> None:
        """Remember that ``server`` does not serve ``zone`` though it should.

        Or serves it badly: for ``seconds`` the others are asked first.
        """
        zones = self._record(server).lame
        zones[zone] = now + seconds
        zones.move_to_end(zone)
        if len(zones) > LAME_ZONES_MAX:
            zones.popitem(last=False)

    def without_edns(self, server: Server, now: float) -> None:
        """Remember that ``server`` chokes on EDNS (RFC 6891 §7)."""
        self._record(server).plain_until = now + EDNS_SECONDS

    def _cost(self, server: Server, zone: dns.name.Name, now: float) -> float:
        cost = RTT_GUESS_S
        record = self._records.get((server.address, server.port))
        if record is not None:
            cost = record.rtt_s or RTT_GUESS_S
            if record.silent_until > now:
                cost = max(cost, RTT_GUESS_S) * 2**record.silences + RTT_BAND_S
            if record.lame.get(zone, 0.0) > now:
                cost += LAME_SECONDS
        if self._family_down_until.get(_is_ipv6(server), 0.0) > now:
            cost += FAMILY_SECONDS
        return cost

    def _record(self, server: Server) -> _Record:
        key = (server.address, server.port)
        record = self._records.setdefault(key, _Record())
        self._records.move_to_end(key)
        if len(self._records) > self.servers_max:
            self._records.popitem(last=False)
        return record


def _is_ipv6(server: Server) -> bool:
    return ":" in server.address
