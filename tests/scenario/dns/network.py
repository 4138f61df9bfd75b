"""A network of name servers in memory: what scenarios and unit tests resolve against.

Each server holds zones, or canned replies, and may misbehave. No sockets, no waiting: a
silent server moves the fake clock on.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zonefile

from pabal.dns.ports import Resolved
from pabal.dns.resolver.query import (
    Query,
    ServerClosedError,
    ServerTimeoutError,
    ServerUnreachableError,
    SuspectReplyError,
    Verdict,
)
from pabal.dns.resolver.scrub import alias_target, server_names, synthesise
from pabal.dns.resolver.transport import Datagrams

T = TypeVar("T")
RRset = dns.rrset.RRset
ROUND_TRIP_S = 0.01
SLOW_TRIP_S = 0.3


@dataclass
class FakeClock:
    seconds: float = 1000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


class FakeChance:
    """The same numbers every time; "random" order is the order of the alphabet."""

    def __init__(self, seed: int = 1) -> None:
        self._source = random.Random(seed)

    def uniform(self, low: float, high: float) -> float:
        return self._source.uniform(low, high)

    def bits(self, count: int) -> int:
        return self._source.getrandbits(count)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return sorted(items, key=str)


@dataclass
class Zone:
    """Records below an origin, answered as RFC 1034 §4.3.2 says."""

    origin: dns.name.Name
    rrsets: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], RRset]

    @classmethod
    def read(cls, origin: str, lines: Iterable[str]) -> "Zone":
        name = dns.name.from_text(origin)
        rrsets = dns.zonefile.read_rrsets(
            "\n".join(lines) + "\n",
            origin=name,
            relativize=False,
            default_ttl=3600,
            rdclass=dns.rdataclass.IN,
        )
        return cls(name, {(r.name, r.rdtype): r for r in rrsets})

    def cut(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> RRset | None:
        """Return the NS set of the highest delegation at or above ``name``."""
        for depth in range(len(self.origin) + 1, len(name) + 1):
            owner = name.split(depth)[1]
            ns = self.rrsets.get((owner, dns.rdatatype.NS))
            if ns and not (owner == name and rdtype == dns.rdatatype.DS):
                return ns
        return None

    def fill(self, reply: dns.message.Message) -> None:
        question = reply.question[0]
        name, rdtype = question.name, question.rdtype
        while True:
            ns = self.cut(name, rdtype)
            if ns is not None:
                if not reply.answer:
                    reply.flags &= ~dns.flags.AA
                    self._refer(reply, ns)
                return
            wanted = self.rrsets.get((name, rdtype))
            if wanted is not None:
                reply.answer.append(wanted)
                if rdtype == dns.rdatatype.NS:
                    self._add_addresses(reply, wanted)
                return
            alias = self.rrsets.get((name, dns.rdatatype.CNAME)) or self._dname(
                reply, name
            )
            target = alias_target(alias)
            if alias is None or target is None:
                self._deny(reply, name)
                return
            reply.answer.append(alias)
            name = target
            if not name.is_subdomain(self.origin) or len(reply.answer) > 20:
                return

    def _dname(self, reply: dns.message.Message, name: dns.name.Name) -> RRset | None:
        for rrset in self.rrsets.values():
            if rrset.rdtype == dns.rdatatype.DNAME:
                alias = synthesise(name, rrset)
                if alias is not None:
                    reply.answer.append(rrset)
                    return alias
        return None

    def _refer(self, reply: dns.message.Message, ns: RRset) -> None:
        reply.authority.append(ns)
        self._add_addresses(reply, ns)

    def _add_addresses(self, reply: dns.message.Message, ns: RRset) -> None:
        for host in server_names(ns):
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                glue = self.rrsets.get((host, rdtype))
                if glue is not None:
                    reply.additional.append(glue)

    def _deny(self, reply: dns.message.Message, name: dns.name.Name) -> None:
        soa = self.rrsets.get((self.origin, dns.rdatatype.SOA))
        if soa is not None:
            reply.authority.append(soa)
        if not any(owner.is_subdomain(name) for owner, _ in self.rrsets):
            reply.set_rcode(dns.rcode.NXDOMAIN)


class FakeLocal:
    """Zones served by this machine itself."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._zones = zones

    def local(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Resolved | None:
        for zone in self._zones:
            if name.is_subdomain(zone.origin) and zone.cut(name, rdtype) is None:
                reply = dns.message.make_response(dns.message.make_query(name, rdtype))
                zone.fill(reply)
                return Resolved(
                    int(reply.rcode()),
                    tuple(reply.answer),
                    tuple(reply.authority),
                    authoritative=True,
                )
        return None


@dataclass
class Canned:
    """A reply written out in a scenario."""

    flags: str = "aa"
    rcode: str = "NOERROR"
    sections: dict[str, list[RRset]] = field(default_factory=dict)
    lies: list[tuple[str, list[str]]] = field(default_factory=list)

    @classmethod
    def read(cls, words: list[str]) -> "Canned":
        """Return a reply with the flags and the rcode in ``words``, both optional."""
        flags, rcode = [*words, *("aa", "NOERROR")[len(words) :]]
        return cls(flags, rcode)


@dataclass
class FakeServer:
    behaviours: set[str] = field(default_factory=set)
    zones: list[Zone] = field(default_factory=list)
    canned: dict[tuple[dns.name.Name, str], Canned] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def behave(self, behaviours: set[str]) -> None:
        self.behaviours = behaviours
        self.changed.set()
        self.changed = asyncio.Event()

    def hangs(self, query: Query) -> bool:
        """Return whether nothing comes, and no time passes, until that changes."""
        keys = query.rdtype == dns.rdatatype.DNSKEY
        return "hanging" in self.behaviours or (
            keys and "hanging-keys" in self.behaviours
        )

    def reply(self, query: Query) -> dns.message.Message:
        request = dns.message.from_wire(query.wire)
        reply = dns.message.make_response(request)
        reply.want_dnssec(bool(request.ednsflags & dns.flags.DO))
        reply.flags &= ~dns.flags.RD
        for rcode in ("SERVFAIL", "REFUSED", "NOTIMP"):
            if rcode.lower() in self.behaviours:
                reply.set_rcode(dns.rcode.from_text(rcode))
                return reply
        if "wants-cd" in self.behaviours and not request.flags & dns.flags.CD:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        if "no-edns" in self.behaviours and query.edns:
            reply.set_rcode(dns.rcode.FORMERR)
            return reply
        rdtype = dns.rdatatype.to_text(query.rdtype)
        canned = self.canned.get((query.name, rdtype))
        if canned is not None:
            reply.flags |= dns.flags.from_text(canned.flags)
            reply.set_rcode(dns.rcode.from_text(canned.rcode))
            reply.answer += canned.sections.get("answer", [])
            reply.authority += canned.sections.get("authority", [])
            reply.additional += canned.sections.get("additional", [])
            return reply
        self._from_zones(reply, query)
        self._tamper(reply)
        return reply

    def _tamper(self, reply: dns.message.Message) -> None:
        """Do what somebody on the way could do to signed answers."""
        sections = (reply.answer, reply.authority)
        if "strip" in self.behaviours:
            _drop(sections, {dns.rdatatype.RRSIG})
        if "strip-denial" in self.behaviours:
            _drop(sections, {dns.rdatatype.NSEC, dns.rdatatype.NSEC3})
        if "strip-ds" in self.behaviours:
            _drop(sections, {dns.rdatatype.DS})
        if "forge-address" in self.behaviours:
            for place, rrset in enumerate(reply.answer):
                if rrset.rdtype == dns.rdatatype.A:
                    reply.answer[place] = dns.rrset.from_text(
                        rrset.name, rrset.ttl, "IN", "A", "203.0.113.66"
                    )
        if "forge-nxdomain" in self.behaviours and reply.answer:
            reply.answer.clear()
            reply.authority += [
                dns.rrset.from_text(
                    self.zones[-1].origin, 300, "IN", "SOA", "a. b. 1 1 1 1 60"
                )
            ]
            reply.set_rcode(dns.rcode.NXDOMAIN)

    def _from_zones(self, reply: dns.message.Message, query: Query) -> None:
        holding = [z for z in self.zones if query.name.is_subdomain(z.origin)]
        if not holding:
            reply.set_rcode(dns.rcode.REFUSED)
            return
        reply.flags |= dns.flags.AA
        if "recursive" in self.behaviours:
            reply.flags |= dns.flags.RA
            reply.flags &= ~dns.flags.AA
        if "offers-recursion" in self.behaviours:
            reply.flags |= dns.flags.RA
        if query.rdtype == dns.rdatatype.DS:
            # RFC 4035 §3.1.4.1: of a cut the parent answers, if it is here.
            above = [zone for zone in holding if zone.origin != query.name]
            holding = above or holding
        max(holding, key=lambda zone: len(zone.origin)).fill(reply)
        below = query.name != max(holding, key=lambda z: len(z.origin)).origin
        if "nxdomain-above" in self.behaviours and not reply.answer and below:
            reply.set_rcode(dns.rcode.NXDOMAIN)

    def datagrams(self, query: Query) -> list[bytes]:
        octets = self.reply(query).to_wire(max_size=65535)
        forged = bytes((octets[0] ^ 0x55,)) + octets[1:]
        other_type = octets.replace(b"\x00\x01\x00\x01", b"\x00\x0f\x00\x01", 1)
        for behaviour, datagrams in {
            "silent": [],
            "garbage": [octets[:40] + b"\xc0\xff\x00" * 5],
            "wrong-question": [other_type],
            "forged-first": [forged, octets],
            "truncate-always": [octets[:2] + bytes((octets[2] | 2,)) + octets[3:]],
        }.items():
            if behaviour in self.behaviours:
                return datagrams
        if query.tcp:
            return [octets]
        end = 12 + len(query.name.to_wire() or b"")
        for behaviour, datagrams in {
            "truncate": [truncated(octets, query)],
            "lower-case": [octets[:12] + octets[12:end].lower() + octets[end:]],
            "wrong-id": [forged] * 20,
        }.items():
            if behaviour in self.behaviours:
                return datagrams
        return [octets]


def _drop(
    sections: Iterable[list[RRset]], rdtypes: set[dns.rdatatype.RdataType]
) -> None:
    for section in sections:
        section[:] = [
            rrset
            for rrset in section
            if rrset.rdtype not in rdtypes and rrset.covers not in rdtypes
        ]


def truncated(octets: bytes, query: Query) -> bytes:
    """Return only header and question of ``octets``, with TC set."""
    end = 12 + len(query.name.to_wire() or b"") + 4
    header = octets[:2] + bytes((octets[2] | 2, octets[3])) + octets[4:6] + bytes(6)
    return header + octets[12:end]


class FakeNetwork:
    """Implements ``Exchange``: hosts by address."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.servers: dict[str, FakeServer] = {}
        self.asked: list[str] = []

    async def exchange(self, query: Query) -> bytes:
        by = " tcp" if query.tcp else ""
        rdtype = dns.rdatatype.to_text(query.rdtype)
        self.asked.append(f"{query.server.address}{by} {query.name} {rdtype}")
        await asyncio.sleep(0)
        server = self.servers.get(query.server.address)
        if server is None:
            raise ServerUnreachableError("network is unreachable")
        if server.hangs(query):
            await server.changed.wait()
        if "closed" in server.behaviours:
            raise ServerClosedError("connection refused")
        datagrams = server.datagrams(query)
        far = SLOW_TRIP_S if "slow" in server.behaviours else ROUND_TRIP_S
        self.clock.pass_(far if datagrams else query.timeout_s)
        if query.tcp:
            for octets in datagrams:
                if query.judge(octets) is not Verdict.MATCH:
                    raise SuspectReplyError("answer to another question")
                return octets
            raise ServerTimeoutError("timeout")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        protocol = Datagrams(query, answer)
        for octets in datagrams:
            protocol.datagram_received(octets, (query.server.address, 53))
        if not answer.done():
            raise ServerTimeoutError("timeout")
        return await answer
