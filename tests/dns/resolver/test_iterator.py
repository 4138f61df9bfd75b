"""What the scenarios in tests/scenario/dns do not show: the machine's own rules."""

import dataclasses

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.resolver.budget import (
    LOOKUPS_MAX,
    QUERIES_MAX,
    REFERRALS_MAX,
    SILENCES_MAX,
)
from pabal.dns.resolver.cache import Cache, Failures, Trust
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.iterator import Done, Failed, Iterator
from pabal.dns.resolver.knowledge import Knowledge
from pabal.dns.resolver.query import (
    Query,
    ServerClosedError,
    ServerTimeoutError,
    ServerUnreachableError,
    SuspectReplyError,
)
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings
from tests.scenario.dns.network import FakeChance
from tests.scenario.dns.player import record

WWW = dns.name.from_text("www.example.test.")
A = dns.rdatatype.A


def iterator(*addresses: str, stale: bool = False) -> tuple[Iterator, Knowledge]:
    settings = ResolverSettings(root_hints=tuple(Server("r.", a) for a in addresses))
    known = Knowledge(
        settings, Cache(settings), Failures(), ServerMemory(), FakeChance()
    )
    return Iterator(WWW, A, known, stale=stale), known


def test_next_without_news_is_the_same() -> None:
    machine, _ = iterator("192.0.2.1")
    assert machine.next(0.0) is machine.next(0.0)


def test_silence_is_counted_and_waits_grow() -> None:
    machine, _ = iterator("192.0.2.1")
    waits = []
    step = machine.next(0.0)
    while isinstance(step, Query):
        waits.append(step.timeout_s)
        machine.fail(ServerTimeoutError("timeout"), step.timeout_s, 0.0)
        step = machine.next(0.0)
    assert isinstance(step, Failed)
    assert waits == [0.8, 1.6]
    assert step.reason.count("timeout") == 2
    assert machine.next(0.0) is step
    assert len(machine.steps) == 2


def test_no_server_is_asked_without_end() -> None:
    machine, _ = iterator(*(f"192.0.2.{n}" for n in range(QUERIES_MAX + 1)))
    asked = 0
    while isinstance(step := machine.next(0.0), Query):
        asked += 1
        machine.fail(ServerClosedError("refused"), 0.0, 0.0)
    assert asked == QUERIES_MAX
    assert isinstance(step, Failed)
    assert str(QUERIES_MAX) in step.reason


def test_nor_are_many_silent_ones() -> None:
    machine, _ = iterator(*(f"192.0.2.{n}" for n in range(1, QUERIES_MAX)))
    asked = 0
    while isinstance(step := machine.next(0.0), Query):
        asked += 1
        machine.fail(ServerTimeoutError("timeout"), 1.0, 0.0)
    assert asked == SILENCES_MAX
    assert isinstance(step, Failed)


def refer(query: Query, zone: dns.name.Name, servers: list[str], glue: str) -> bytes:
    """Return a referral to ``zone``; no ``glue``: without addresses."""
    reply = dns.message.make_response(dns.message.from_wire(query.wire))
    reply.authority = [dns.rrset.from_text_list(zone, 60, "IN", "NS", servers)]
    if glue:
        reply.additional = [dns.rrset.from_text(servers[0], 60, "IN", "A", glue)]
    return reply.to_wire()


def test_no_name_is_delegated_without_end() -> None:
    _, known = iterator("192.0.2.1")
    deep = dns.name.from_text("a." * (REFERRALS_MAX + 20))
    settings = dataclasses.replace(known.settings, minimise=False)
    machine = Iterator(deep, A, dataclasses.replace(known, settings=settings))
    depth = 1
    while isinstance(step := machine.next(0.0), Query):
        depth += 1
        zone = deep.split(depth)[1]
        machine.feed(refer(step, zone, [f"ns.{zone}"], "192.0.2.2"), 0.01, 0.0)
    assert isinstance(step, Failed)
    assert "delegations" in step.reason
    assert depth == REFERRALS_MAX + 2


def test_no_server_names_are_looked_up_without_end() -> None:
    # NXNSAttack, grown: each name server's name is in a zone whose name servers …
    machine, _ = iterator("192.0.2.1")
    asked = 0
    while isinstance(step := machine.next(0.0), Query):
        asked += 1
        servers = [f"ns.z{asked}n{number}." for number in range(6)]
        machine.feed(refer(step, step.name, servers, ""), 0.01, 0.0)
    assert isinstance(step, Failed)
    assert "look up" in step.reason
    assert asked <= LOOKUPS_MAX + 1


def test_unreachable_and_forged_servers_are_left_at_once() -> None:
    machine, _ = iterator("2001:db8::1", "192.0.2.1")
    first, suspect = machine.next(0.0), SuspectReplyError("forged answers")
    assert isinstance(first, Query)
    machine.fail(ServerUnreachableError("no way"), 0.0, 0.0)
    second = machine.next(0.0)
    assert isinstance(second, Query)
    assert second.server != first.server
    machine.fail(suspect, 0.0, 0.0)
    by_tcp = machine.next(0.0)
    assert isinstance(by_tcp, Query)
    assert by_tcp.tcp
    machine.fail(suspect, 0.0, 0.0)
    assert isinstance(machine.next(0.0), Failed)


def test_no_hint_is_an_answer_too() -> None:
    machine, _ = iterator()
    end = machine.next(0.0)
    assert isinstance(end, Failed)
    assert "none has an address" in end.reason


def test_stale_never_asks() -> None:
    machine, known = iterator("192.0.2.1", stale=True)
    assert isinstance(machine.next(0.0), Failed)
    known.cache.put(record("www.example.test. 60 A 192.0.2.80"), Trust.ANSWER, 0.0)
    again = Iterator(WWW, A, known, stale=True)
    end = again.next(1000.0)
    assert isinstance(end, Done)
    assert end.resolved.answer[0].ttl == 30
