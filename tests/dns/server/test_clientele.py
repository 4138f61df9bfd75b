import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import pytest

from pabal.dns.ports import Client, Resolved, Resolver, Steps, TcpOnlyError
from pabal.dns.server.access import Access, parse_access_list
from pabal.dns.server.answering import Answering
from pabal.dns.server.clientele import apart, is_this_machine, seen_by
from pabal.dns.settings import DnsSettings
from tests.dns.server.parts import FRIEND, Bench, KnowingResolver, bench, positive
from tests.support.zones import FixedClock, zones

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
