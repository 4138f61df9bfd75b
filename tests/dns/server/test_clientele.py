import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from pabal.dns.ports import Client, Resolved, Resolver, Steps, TcpOnlyError
from pabal.dns.server.access import Access, parse_access_list
from pabal.dns.server.answering import Answering
from pabal.dns.server.clientele import apart, is_this_machine, seen_by
from pabal.dns.settings import DnsSettings
from tests.dns.server.parts import FRIEND, Bench, KnowingResolver, bench, positive
from tests.support.zones import FixedClock, octets, zones

OTHER = "127.0.0.9"


class Choosy(KnowingResolver):
    """Is another one for ``OTHER``, who has to come over TCP."""

    def __init__(self) -> None:
        super().__init__({"a.test. A": positive("a.test.", "192.0.2.1")})
        self.seen: list[Client] = []

    def of(self, client: Client) -> Resolver:
        self.seen.append(client)
        if client.address == OTHER and client.udp:
            return Refusing()
        return self

    def is_apart(self, address: str, view: int) -> bool:
        return address == OTHER and not view


class Refusing:
    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        raise TcpOnlyError(f"{name} {rdtype}: over TCP")


def choosy() -> Bench:
    clock, held, resolver = FixedClock(), zones(), Choosy()
    local = parse_access_list(["127.0.0.0/8"], "k")
    settings = DnsSettings("ns.test")
    answering = Answering(held, resolver, Access(local, local), settings, clock)
    return Bench(answering, resolver, clock, held)


def query(*, edns: bool = False) -> bytes:
    return dns.message.make_query("a.test", "A", use_edns=edns).to_wire()


@pytest.mark.parametrize("edns", [False, True])
async def test_over_udp_it_is_told_to_come_again(*, edns: bool) -> None:
    parts = choosy()
    answer = dns.message.from_wire(await parts.whole(query(edns=edns), OTHER))
    assert answer.flags & dns.flags.TC
    assert not answer.answer
    found = parts.answering.now(query(), OTHER, udp=False)
    assert not isinstance(found, bytes)
    answer = dns.message.from_wire(await parts.answering.later(found))  # type: ignore[arg-type]
    assert answer.answer
    assert not answer.flags & dns.flags.TC


async def test_who_is_apart_neither_fills_nor_uses_what_lies_ready() -> None:
    parts = choosy()
    await parts.whole(query(), FRIEND)
    assert parts.hot(query(), FRIEND) is not None
    assert parts.answering.cache_of(OTHER) is None
    answer = dns.message.from_wire(await parts.whole(query(), OTHER))
    assert answer.flags & dns.flags.TC
    assert not dns.message.from_wire(await parts.whole(query(), FRIEND)).flags & (
        dns.flags.TC
    )


def test_a_plain_resolver_is_the_same_for_all() -> None:
    resolver = bench().resolver
    assert seen_by(resolver, Client(OTHER)) is resolver
    assert apart(resolver) is None
    assert apart(None) is None


def test_this_machine() -> None:
    assert is_this_machine("127.5.0.1")
    assert not is_this_machine("192.0.2.1")


ONE = """$TTL 60
@ SOA ns hostmaster 1 2 3 4 5
@ NS ns
@ MX 5 mail.two.test.
ns A 192.0.2.1
away CNAME www.two.test.
own CNAME ns
"""
TWO = """$TTL 60
@ SOA ns hostmaster 1 2 3 4 5
@ NS ns
ns A 192.0.2.2
www A 192.0.2.3
mail A 192.0.2.4
back CNAME ns.one.test.
"""


def single(query: str, one: str = "", two: str = "", recursion: str = "none") -> Bench:
    """Return a server of two zones, each perhaps with a list of its own."""
    clock = FixedClock()
    held = zones(one_test=ONE, two_test=TWO)
    resolver = KnowingResolver(
        {"www.two.test. A": positive("www.two.test.", "6.6.6.6")}
    )
    lists = {
        (0, octets(name)): parse_access_list([said], "k")
        for name, said in (("one.test", one), ("two.test", two))
        if said
    }
    access = Access(
        parse_access_list([query], "k"),
        parse_access_list([recursion], "k"),
        zones=lists,
    )
    settings = DnsSettings("ns.test")
    return Bench(
        Answering(held, resolver, access, settings, clock), resolver, clock, held
    )


def told(bench: Bench, name: str, rdtype: str = "A", host: str = OTHER) -> str:
    """Return RCODE and how many records are in each section, asked twice."""
    question_ = dns.message.make_query(name, rdtype, use_edns=False).to_wire()
    first, second = bench.now(question_, host), bench.now(question_, host)
    assert first[2:] == second[2:]
    found = dns.message.from_wire(first)
    counts = [
        sum(map(len, s)) for s in (found.answer, found.authority, found.additional)
    ]
    return f"{dns.rcode.to_text(found.rcode())} {counts[0]} {counts[1]} {counts[2]}"


def test_a_zone_that_is_not_for_all() -> None:
    bench_ = single("any", two="!127.0.0.9/32")
    assert told(bench_, "www.two.test") == "REFUSED 0 0 0"
    assert told(bench_, "no.two.test") == "REFUSED 0 0 0"
    assert told(bench_, "ns.one.test") == "NOERROR 1 0 0"
    assert told(bench_, "ns.three.test") == "REFUSED 0 0 0"


def test_a_zone_that_is_for_more_than_the_others() -> None:
    bench_ = single("127.0.0.1", two="any")
    assert told(bench_, "www.two.test") == "NOERROR 1 0 0"
    assert told(bench_, "ns.one.test") == "REFUSED 0 0 0"
    assert told(bench_, "ns.one.test", host="127.0.0.1") == "NOERROR 1 0 0"
    assert told(bench_, "ns.three.test") == "REFUSED 0 0 0"


def test_an_alias_into_such_a_zone_is_answered_as_far_as_it_goes() -> None:
    bench_ = single("any", two="127.0.0.1", recursion="any")
    assert told(bench_, "away.one.test") == "NOERROR 1 0 0"
    assert told(bench_, "away.one.test", host="127.0.0.1") == "NOERROR 2 0 0"
    assert told(bench_, "own.one.test") == "NOERROR 2 0 0"
    # Nor is it asked for elsewhere.
    assert bench_.resolver.asked == []


def test_nothing_of_such_a_zone_comes_with_another_answer() -> None:
    bench_ = single("any", two="127.0.0.1")
    assert told(bench_, "one.test", "MX") == "NOERROR 1 0 0"
    assert told(bench_, "one.test", "MX", "127.0.0.1") == "NOERROR 1 0 1"


def test_each_kind_of_clients_has_its_own_ready_answers() -> None:
    bench_ = single("any", two="127.0.0.1")
    for host in (OTHER, "127.0.0.1", OTHER):
        expected = "NOERROR 1 0 0" if host == "127.0.0.1" else "REFUSED 0 0 0"
        assert told(bench_, "www.two.test", host=host) == expected
    caches = [bench_.answering.cache_of(host) for host in (OTHER, "127.0.0.1")]
    assert None not in caches
    assert caches[0] is not caches[1]
