"""How often what was answered: by zone, type and RCODE.

No I/O. Answers that lie ready cost nothing more for being counted. They come out of
iterators written in C; one that has so many left that nobody sees its end knows how
many are left, so how many went is a subtraction, made when somebody wants to know or
when the entry goes. What is answered the long way is counted one by one.

Security: names and types are strangers'. Only zones of ours are told apart and only
types with a mnemonic; both together are bounded.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress, cycle, repeat
from operator import length_hint
from typing import Final, Protocol

import dns.rdatatype

from pabal.dns.ports import Security
from pabal.dns.server.rates import Verdict
from pabal.dns.wire import codes
from pabal.dns.wire.query import Query
from pabal.dns.wire.response import Rendered, Response

GROUPS_MAX: Final = 20_000
"""Zones, types and RCODEs told apart, some 200 octets each: 4 MB a process. Beyond,
what is asked of further zones is counted without their names."""

OTHER_TYPE: Final = 0
"""Stands for all types that have no mnemonic; itself reserved (RFC 6895 §3.1)."""

NO_ZONE: Final = b""
"""Stands for what is in no zone of ours: what the resolver knew, or was refused."""

RCODE_BITS: Final = 15
"""In the fourth octet of a header (RFC 1035 §4.1.1)."""

_ENDLESS: Final = sys.maxsize
"""Answers an entry has: at a million a second they last 290,000 years."""

_KNOWN: Final = frozenset(map(int, dns.rdatatype.RdataType))


class Group:
    """Answers that are counted together.

    Attributes:
        zone: Folded apex; ``NO_ZONE`` if none of ours.
        rdtype: What was asked for, or ``OTHER_TYPE``.
        rcode: With its upper bits (RFC 6891 §6.1.3).
        is_truncated: Whether TC was set.
        ready: How many lay ready. Behind by what entries have not told yet.
        worked: How many did not.
    """

    __slots__ = ("is_truncated", "rcode", "rdtype", "ready", "worked", "zone")

    def __init__(
        self,
        zone: bytes = NO_ZONE,
        rdtype: int = OTHER_TYPE,
        rcode: int = 0,
        *,
        is_truncated: bool = False,
    ) -> None:
        self.zone, self.rdtype, self.rcode = zone, rdtype, rcode
        self.is_truncated = is_truncated
        self.ready = self.worked = 0

    @property
    def count(self) -> int:
        """How many there were."""
        return self.ready + self.worked


class Entry(Protocol):
    """Gives the octets after the id, again and again, turned each time.

    It stops when the answer has lived out its TTL.
    """

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""
        ...

    def __next__(self) -> bytes:
        """Return the next version."""
        ...

    def settle(self) -> None:
        """Tell the group how many were taken since this was called last."""
        ...


class Lasting(repeat):  # type: ignore[type-arg]  # repeat[bytes] cannot be written yet
    """An answer with one version. Taking it is the C code of its parent, no frame."""

    __slots__ = ("group", "left")
    group: Group
    left: int

    def settle(self) -> None:
        """Tell the group how many were taken since this was called last."""
        left = length_hint(self)
        self.group.ready += self.left - left
        self.left = left


class Turning(compress):  # type: ignore[type-arg]  # nor compress[bytes]
    """An answer whose versions take turns: each comes with a tick, and those end."""

    __slots__ = ("group", "left", "ticks")
    group: Group
    left: int
    ticks: "repeat[bool]"

    def settle(self) -> None:
        """Tell the group how many were taken since this was called last."""
        left = length_hint(self.ticks)
        self.group.ready += self.left - left
        self.left = left


def lasting(versions: Sequence[bytes], group: Group) -> Lasting | Turning:
    """Return an entry that never stops: our own zones, until they change."""
    entry: Lasting | Turning
    if len(versions) > 1:
        ticks = repeat(object=True, times=_ENDLESS)
        entry = Turning(cycle(versions), ticks)
        entry.ticks = ticks
    else:
        # With one version there is nothing to turn, and less memory to look at.
        entry = Lasting(versions[0], _ENDLESS)
    entry.group = group
    entry.left = _ENDLESS
    return entry


@dataclass(slots=True)
class Counts:
    """What one process answered.

    Attributes:
        streamed: Messages that came another way than UDP: by that and ``ipv4`` or
            ``ipv6``.
        malformed: No question could be read from them, by the RCODE that was said;
            ``None``: nothing was.
        control: Transfers, updates, NOTIFY and what else servers ask, by its name and
            the RCODE that was said first.
        held_back: Answers the rate limiter kept, by what became of them.
        resolved: Answers of the resolver by what DNSSEC says of them.
        dropped: Answers a policy of the resolver kept.
    """

    streamed: dict[tuple[str, str], int] = field(default_factory=dict)
    malformed: dict[int | None, int] = field(default_factory=dict)
    control: dict[tuple[str, int], int] = field(default_factory=dict)
    held_back: dict[Verdict, int] = field(default_factory=dict)
    resolved: dict[Security, int] = field(default_factory=dict)
    dropped: int = 0
    _groups: dict[tuple[bytes, int, int, bool], Group] = field(default_factory=dict)

    def group(
        self, zone: bytes, rdtype: int, rcode: int, *, is_truncated: bool = False
    ) -> Group:
        """Return what to count such answers with."""
        key = zone, rdtype, rcode, is_truncated
        found = self._groups.get(key)
        if found is not None:
            return found
        if rdtype not in _KNOWN:
            return self.group(zone, OTHER_TYPE, rcode, is_truncated=is_truncated)
        if len(self._groups) >= GROUPS_MAX and zone:
            return self.group(NO_ZONE, rdtype, rcode, is_truncated=is_truncated)
        made = Group(zone, rdtype, rcode, is_truncated=is_truncated)
        self._groups[key] = made
        return made

    def groups(self) -> Sequence[Group]:
        """Return all there are."""
        return tuple(self._groups.values())

    def group_of(self, zone: bytes, rdtype: int, octets: bytes) -> Group:
        """Return what an answer without extended RCODE is counted with."""
        rcode, tc = octets[3] & RCODE_BITS, bool(octets[2] & codes.TC >> 8)
        return self.group(zone, rdtype, rcode, is_truncated=tc)

    def note(
        self, zone: bytes, query: Query, response: Response, rendered: Rendered
    ) -> Group:
        """Count one answer that did not lie ready; return with what."""
        truncated = bool(rendered.octets[2] & codes.TC >> 8)
        rcode, rdtype = response.rcode, query.rdtype
        group = self.group(zone, rdtype, rcode, is_truncated=truncated)
        group.worked += 1
        return group

    def note_malformed(self, rcode: int | None) -> None:
        """Count what is no question; ``rcode``: what was said, if anything."""
        self.malformed[rcode] = self.malformed.get(rcode, 0) + 1

    def note_resolved(self, security: Security) -> None:
        """Count an answer of the resolver."""
        self.resolved[security] = self.resolved.get(security, 0) + 1

    def note_verdict(self, verdict: Verdict) -> None:
        """Count what the rate limiter kept."""
        if verdict is not Verdict.SEND:
            self.held_back[verdict] = self.held_back.get(verdict, 0) + 1

    def note_streamed(self, transport: str, host: str) -> None:
        """Count a message that came by ``transport`` from ``host``."""
        key = transport, "ipv6" if ":" in host else "ipv4"
        self.streamed[key] = self.streamed.get(key, 0) + 1

    def note_control(self, kind: str, answer: bytes) -> None:
        """Count what another server asked, by the first message it got."""
        key = kind, answer[3] & RCODE_BITS
        self.control[key] = self.control.get(key, 0) + 1
