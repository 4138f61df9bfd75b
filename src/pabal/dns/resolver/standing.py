"""What is known of zones: whether they are signed, and by which keys.

Sans-IO: takes the time as an argument; memory is bounded by ``STANDINGS_MAX``.
Source: RFC 4035 §5.2 (secure and insecure delegations).
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import dns.name

from pabal.dns.dnssec.algorithm import VerifyingKey
from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Security
from pabal.dns.resolver.absence import ProvenAbsence
from pabal.dns.resolver.anchors import TrustAnchor
from pabal.dns.resolver.cache import lineage

STANDINGS_MAX: Final = 20_000
"""Most names whose zone is remembered: about 1 KB each, keys included."""

STANDING_MAX_S: Final = 86_400
"""Longest a standing is believed, seconds: keys may be withdrawn meanwhile."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The zone a name is in.

    Attributes:
        zone: The zone; above the first insecure cut, known for sure.
        security: ``SECURE``: with ``keys``; ``INSECURE``: nobody vouches for it;
            ``BOGUS``: its keys do not hold; ``INDETERMINATE``: no anchor above it.
        expires_at: End of life, seconds (``Clock.monotonic``).
        keys: What may sign it.
        reason: Why it is not secure, for people.
        code: The kind of fault.
        ttl_max_s: How long an answer may be kept because of it, seconds; ``None``: as
            long as it says.
        is_last: Nothing is below the name: no cut either.
    """

    zone: dns.name.Name
    security: Security
    expires_at: float
    keys: tuple[VerifyingKey, ...] = ()
    reason: str = ""
    code: ExtendedError | None = None
    ttl_max_s: int | None = None
    is_last: bool = False


@dataclass(slots=True)
class TrustPoints:
    """Where trust begins and ends, and what was found since; one a process.

    Attributes:
        anchors: Keys known beforehand, by zone.
        negative: Zones that count as unsigned, and until when (``Clock.now``).
        absence: What is proven not to be there.
    """

    anchors: dict[dns.name.Name, TrustAnchor]
    negative: Mapping[dns.name.Name, float] = field(default_factory=dict)
    absence: ProvenAbsence = field(default_factory=ProvenAbsence)
    _standings: OrderedDict[dns.name.Name, Standing] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def __len__(self) -> int:
        return len(self._standings)

    def get(self, name: dns.name.Name, now: float) -> Standing | None:
        """Return what is remembered of exactly ``name``."""
        standing = self._standings.get(name)
        if standing is None:
            return None
        if standing.expires_at <= now:
            del self._standings[name]
            return None
        self._standings.move_to_end(name)
        return standing

    def put(self, name: dns.name.Name, standing: Standing) -> None:
        """Remember ``standing`` of ``name``; the least recently used goes first."""
        self._standings[name] = standing
        self._standings.move_to_end(name)
        if len(self._standings) > STANDINGS_MAX:
            self._standings.popitem(last=False)

    def distrusted_s(self, zone: dns.name.Name, wall: float) -> float:
        """Return how long ``zone`` still counts as unsigned at ``wall``, seconds."""
        return max(0.0, self.negative.get(zone, wall) - wall)

    def retract(self, name: dns.name.Name) -> None:
        """Forget that ``name`` and what is above it are bogus."""
        for above in lineage(name):
            standing = self._standings.get(above)
            if standing is not None and standing.security is Security.BOGUS:
                del self._standings[above]

    def anchor(self, zone: dns.name.Name, anchor: TrustAnchor | None) -> None:
        """Let trust begin with ``anchor`` of ``zone`` from now on, or not there."""
        if self.anchors.get(zone) == anchor:
            return
        if anchor is None:
            self.anchors.pop(zone, None)
        else:
            self.anchors[zone] = anchor
        self.flush()

    def flush(self) -> None:
        """Forget everything found; anchors stay."""
        self._standings.clear()
        self.absence.flush()
