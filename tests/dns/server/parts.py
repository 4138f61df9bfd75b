"""A resolver that knows a few answers, and the pieces around an ``Answering``."""

import asyncio
from dataclasses import dataclass, field, replace

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.ports import ResolutionError, Resolved, Steps
from pabal.dns.server.access import Access, parse_access_list
from pabal.dns.server.answering import Answering, Recursion
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.zones import Zones
from tests.support.zones import HEAD, FixedClock, octets, zones

FRIEND = "127.0.0.1"
STRANGER = "203.0.113.9"

TEXT = HEAD + (
    "www A 192.0.2.2\nwww A 192.0.2.3\nout CNAME www.other.test.\n"
    "child NS ns.other.test.\n" + "".join(f"big A 192.0.2.{i}\n" for i in range(60))
)


@dataclass
class KnowingResolver:
    """Answers from a dict; everything else fails."""

    answers: dict[str, Resolved] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        key = f"{name} {rdtype.name}"
        self.asked.append(key)
        if self.gate is not None:
            await self.gate.wait()
        if key not in self.answers:
            raise ResolutionError("no server answered")
        return self.answers[key]


def positive(name: str, *addresses: str, ttl: int = 60) -> Resolved:
    return Resolved(0, (dns.rrset.from_text(name, ttl, "IN", "A", *addresses),))


def withhold(held: Zones, name: str = "example.com") -> None:
    """Let nobody see a zone yet."""
    origin, state = octets(name), held.state
    waiting = replace(state.served[origin], withheld=True)
    held.adopt(replace(state, served={**state.served, origin: waiting}))


@dataclass
class Bench:
    answering: Answering
    resolver: KnowingResolver
    clock: FixedClock
    zones: Zones

    def now(self, data: bytes, host: str = STRANGER, *, udp: bool = True) -> bytes:
        answer = self.answering.now(data, host, udp=udp)
        assert isinstance(answer, bytes)
        return answer

    async def whole(self, data: bytes, host: str = FRIEND) -> bytes:
        answer = self.answering.now(data, host, udp=True)
        if isinstance(answer, Recursion):
            return await self.answering.later(answer)
        assert isinstance(answer, bytes)
        return answer

    def hot(self, data: bytes, host: str) -> bytes | None:
        """Return what the driver finds by itself."""
        cache = self.answering.cache_of(host)
        return None if cache is None else cache.hit(data)


def bench(
    *,
    query: tuple[str, ...] = ("any",),
    recursion: tuple[str, ...] = ("127.0.0.0/8",),
    settings: DnsSettings | None = None,
) -> Bench:
    settings = settings or DnsSettings("ns.test")
    held = zones(example_com=TEXT)
    clock = FixedClock()
    resolver = KnowingResolver()
    access = Access(
        parse_access_list(query, "dns.allow_query"),
        parse_access_list(recursion, "dns.allow_recursion"),
    )
    answering = Answering(held, resolver, access, settings, clock)
    return Bench(answering, resolver, clock, held)
