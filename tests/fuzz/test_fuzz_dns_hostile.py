"""A name server that says whatever hurts most: the whole resolver against it.

Whatever it says, each question ends, at a bounded price, and nothing outside its zone
is any different afterwards.
"""

import asyncio
import random
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from pabal.dns.dnssec.keys import SigningKey, signing_key
from pabal.dns.dnssec.record import record, rrset_of
from pabal.dns.dnssec.signature import VERIFICATIONS_MAX, Effort
from pabal.dns.ports import ResolutionError, Resolved
from pabal.dns.resolver.budget import QUERIES_MAX
from pabal.dns.resolver.cache import ENTRY_OCTETS
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import Query, ServerTimeoutError, Verdict
from pabal.dns.resolver.settings import ResolverSettings
from tests.scenario.dns.network import FakeChance, FakeClock, FakeServer, Zone
from tests.scenario.dns.signed import fixed_key
from tests.support.signing import Validity, sign_rrset

UNHURRIED = settings(max_examples=40, deadline=None)
A = dns.rdatatype.A
EVIL = dns.name.from_text("evil.test.")
VICTIM = dns.name.from_text("www.victim.test.")
HOSTILE = frozenset({"192.0.2.66", "203.0.113.66"})
"""Where the hostile server is, and where it says that everything is."""

ROOT = ["@ SOA . . 1 1 1 1 60", "test. NS ns.test.", "ns.test. A 192.0.2.2"]
TEST = """@ SOA ns you 1 1 1 1 60
@ NS ns
ns A 192.0.2.2
evil NS ns.evil
ns.evil A 192.0.2.66
victim NS ns.victim
ns.victim A 192.0.2.3""".splitlines()
VICTIMS = """@ SOA ns you 1 1 1 1 60
@ NS ns
ns A 192.0.2.3
www 60 A 192.0.2.80""".splitlines()
HONEST = {
    "192.0.2.1": Zone.read(".", ROOT),
    "192.0.2.2": Zone.read("test.", TEST),
    "192.0.2.3": Zone.read("victim.test.", VICTIMS),
}
TRUE = {key: rrset for zone in HONEST.values() for key, rrset in zone.rrsets.items()}

NAMES = st.sampled_from(
    ["www.evil.test.", "evil.test.", "ns.evil.test.", "a.b.evil.test.", "*.evil.test.",
     "www.victim.test.", "victim.test.", "ns.victim.test.", "test.", "ns.test.", ".",
     "com."]
)  # fmt: skip
DATA = st.one_of(
    st.just(("A", "203.0.113.66")),
    st.just(("AAAA", "2001:db8::66")),
    st.tuples(st.sampled_from(["NS", "CNAME", "DNAME", "PTR"]), NAMES),
    st.tuples(st.just("SOA"), NAMES.map(lambda n: f"{n} {n} 1 1 1 1 86400")),
    st.just(("TXT", "x")),
    st.just(("DS", "1 15 2 " + "00" * 32)),
    st.just(("RRSIG", "A 15 2 60 20380101000000 19700101000000 1 evil.test. AAAA")),
    st.just(("NSEC", "zzz.evil.test. A RRSIG NSEC")),
)
RECORDS = st.lists(
    st.tuples(NAMES, st.sampled_from([0, 60, 2**31 - 1]), DATA).map(
        lambda r: dns.rrset.from_text(r[0], r[1], "IN", r[2][0], r[2][1])
    ),
    max_size=5,
)
FLAGS = st.sampled_from([0x8400, 0x8000, 0x8480, 0x8080, 0x8600, 0x8200, 0x8420])
RCODES = st.sampled_from([0, 0, 0, 3, 2, 1, 4, 5, 9])
SCRIPT = st.lists(
    st.one_of(
        st.tuples(FLAGS, RCODES, RECORDS, RECORDS, RECORDS),
        st.binary(max_size=200),
        st.lists(st.tuples(st.integers(2, 500), st.integers(0, 255)), max_size=8),
    ),
    min_size=1,
    max_size=6,
)
Lines = list[dns.rrset.RRset]
Act = tuple[int, int, Lines, Lines, Lines] | bytes | list[tuple[int, int]]


class HostileNetwork:
    """Implements ``Exchange``: honest servers, and one that goes by a script."""

    def __init__(self, clock: FakeClock, script: list[Act]) -> None:
        self._clock = clock
        self._script = script
        self._turn = 0
        self.asked: list[Query] = []
        self._honest = {at: FakeServer(zones=[zone]) for at, zone in HONEST.items()}

    async def exchange(self, query: Query) -> bytes:
        self.asked.append(query)
        self._clock.pass_(0.01)
        await asyncio.sleep(0)
        server = self._honest.get(query.server.address)
        if server is not None:
            return server.reply(query).to_wire(max_size=65535)
        if query.server.address not in HOSTILE:
            raise ServerTimeoutError("timeout")
        octets = self._play(query)
        if query.judge(octets) is not Verdict.MATCH:
            raise ServerTimeoutError("timeout")
        return octets

    def _play(self, query: Query) -> bytes:
        act = self._script[self._turn % len(self._script)]
        self._turn += 1
        reply = dns.message.make_response(dns.message.from_wire(query.wire))
        if isinstance(act, tuple):
            flags, rcode, answer, authority, additional = act
            reply.flags = dns.flags.Flag(flags)
            reply.answer, reply.authority = list(answer), list(authority)
            reply.additional = list(additional)
            reply.set_rcode(dns.rcode.Rcode(rcode))
            return reply.to_wire(max_size=65535)
        head = reply.to_wire()
        if isinstance(act, bytes):
            return head[:6] + b"\0\3\0\3\0\3" + head[12:] + act
        target = dns.rrset.from_text(query.name, 60, "IN", "CNAME", "www.victim.test.")
        reply.answer = [target]
        octets = bytearray(reply.to_wire())
        for place, octet in act:
            octets[2 + place % (len(octets) - 2)] = octet
        return bytes(octets)


def resolver_on(network: HostileNetwork, clock: FakeClock) -> IterativeResolver:
    hints = (Server("root.", "192.0.2.1"),)
    chosen = ResolverSettings(root_hints=hints, ipv6=False, trust_anchors="")
    return IterativeResolver(chosen, network, clock, FakeChance())


async def play(script: list[Act], questions: list[tuple[str, str]]) -> None:
    clock = FakeClock()
    network = HostileNetwork(clock, script)
    resolver = resolver_on(network, clock)
    try:
        for text, kind in questions:
            before = len(network.asked)
            name, rdtype = dns.name.from_text(text), dns.rdatatype.from_text(kind)
            try:
                found = await resolver.resolve(name, rdtype)
            except ResolutionError:
                pass
            else:
                assert isinstance(found, Resolved)
            assert len(network.asked) - before <= QUERIES_MAX
        for query in network.asked:
            if query.server.address in HOSTILE:
                assert query.name.is_subdomain(EVIL), query.name
        for key, entry in resolver.cache.items():
            if entry.rrset is not None and not key[0].is_subdomain(EVIL):
                assert entry.rrset == TRUE.get(key), entry.rrset
        found = await resolver.resolve(VICTIM, A)
        assert [str(rdata) for rdata in found.answer[0]] == ["192.0.2.80"]
        assert found.answer[0].name == VICTIM
    finally:
        await resolver.stop()


QUESTIONS = st.lists(
    st.tuples(
        st.sampled_from(["www.evil.test.", "evil.test.", "x.a.b.evil.test."]),
        st.sampled_from(["A", "MX", "NS", "DS", "CNAME", "TXT"]),
    ),
    min_size=1,
    max_size=4,
)


@given(SCRIPT, QUESTIONS)
@UNHURRIED
def test_nothing_it_says_reaches_beyond_its_zone(
    script: list[Act], questions: list[tuple[str, str]]
) -> None:
    asyncio.run(play(script, questions))


def test_memory_stays_within_bounds_whatever_is_asked() -> None:
    """A flood of names that all exist, with large answers: the oldest go."""

    class Wild:
        async def exchange(self, query: Query) -> bytes:
            reply = dns.message.make_response(dns.message.from_wire(query.wire))
            reply.flags |= dns.flags.AA
            reply.answer = [
                dns.rrset.from_text(
                    query.name, 9999, "IN", "A", *(f"192.0.2.{i}" for i in range(9))
                )
            ]
            return reply.to_wire(max_size=65535)

    async def flood() -> None:
        octets_max = 80 * ENTRY_OCTETS
        chosen = ResolverSettings(
            root_hints=(Server("root.", "192.0.2.1"),),
            trust_anchors="",
            minimise=False,
            cache_octets_max=octets_max,
            cache_entries_max=60,
        )
        resolver = IterativeResolver(chosen, Wild(), FakeClock(), FakeChance())
        for number in range(120):
            await resolver.resolve(dns.name.from_text(f"h{number}.test."), A)
            assert resolver.cache.octets <= octets_max
            assert len(resolver.cache) <= 60
        assert resolver.cache.evicted >= 60
        assert resolver.cache.octets > octets_max // 2
        await resolver.stop()

    asyncio.run(flood())


# KeyTrap: keys and signatures of one tag, each of which could be the one.

TRAP = dns.name.from_text("trap.")


def colliding(key: SigningKey, count: int) -> Iterator[DNSKEY]:
    """Yield other keys with the tag of ``key``: a sum does not see the order."""
    octets = bytes(key.dnskey.key)
    words = [octets[i : i + 2] for i in range(0, len(octets), 2)]
    source = random.Random(7)
    head = bytes((1, 1, 3, 15))
    for _ in range(count):
        source.shuffle(words)
        yield record(DNSKEY, dns.rdatatype.DNSKEY, head + b"".join(words))


class Trap(FakeServer):
    @override
    def reply(self, query: Query) -> dns.message.Message:
        reply = dns.message.make_response(dns.message.from_wire(query.wire))
        reply.flags |= dns.flags.AA
        key = fixed_key("trap.")
        rdata = "192.0.2.80"
        rrset = dns.rrset.from_text(query.name, 60, "IN", "A", rdata)
        if query.rdtype == dns.rdatatype.DNSKEY:
            rrset = rrset_of(TRAP, 60, key.dnskey, *colliding(key, 40))
        signatures = []
        for number in range(40):
            private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
            forged = SigningKey(private, key.dnskey)
            signatures.append(sign_rrset(rrset, TRAP, forged, Validity(0, 2_000_000)))
        if query.rdtype == dns.rdatatype.DNSKEY:
            signatures.append(sign_rrset(rrset, TRAP, key, Validity(0, 2_000_000)))
        reply.answer = [rrset, rrset_of(rrset.name, 60, *signatures)]
        assert all(isinstance(s, RRSIG) for s in signatures)
        return reply


async def test_a_key_trap_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = 0
    verify = Effort.verify

    def counted(self: Effort, *args: object) -> bool:
        nonlocal verified
        verified += 1
        return verify(self, *args)  # type: ignore[arg-type]  # as they came

    class Network:
        async def exchange(self, query: Query) -> bytes:
            reply = Trap().reply(query)
            # Not in an order of dnspython's choice: the key that counts comes first.
            return reply.to_wire(max_size=65535, want_shuffle=False)

    monkeypatch.setattr(Effort, "verify", counted)
    own = signing_key(fixed_key("trap.").private, sep=True).dnskey
    chosen = ResolverSettings(
        root_hints=(Server("root.", "192.0.2.1"),),
        trust_anchors=f"trap. DNSKEY {own}",
        minimise=False,
    )
    resolver = IterativeResolver(chosen, Network(), FakeClock(), FakeChance())
    with pytest.raises(ResolutionError):
        await resolver.resolve(dns.name.from_text("www.trap."), A)
    assert 0 < verified <= VERIFICATIONS_MAX
    assert verified < 40
    await resolver.stop()
