"""Deadline, bounds, cancellation; the rest is played in tests/scenario/dns."""

import asyncio
import dataclasses
from pathlib import Path

import dns.name
import dns.rdatatype
import pytest

from pabal.dns.ports import ResolutionError, Resolver, Security, Steps
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.settings import ResolverSettings
from tests.scenario.dns.network import (
    FakeChance,
    FakeClock,
    FakeNetwork,
    FakeServer,
    Zone,
)
from tests.scenario.dns.player import Player, read

WWW = dns.name.from_text("www.test.")
A = dns.rdatatype.A
SETTINGS = ResolverSettings(root_hints=(Server("root.", "192.0.2.1"),))


class Never:
    """A network where nothing ever comes back."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def exchange(self, query: Query) -> bytes:
        self.asked.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError


def network(clock: FakeClock) -> FakeNetwork:
    net = FakeNetwork(clock)
    zone = Zone.read(".", ["@ SOA . . 1 1 1 1 60", "www.test. 60 A 192.0.2.80"])
    net.servers["192.0.2.1"] = FakeServer(zones=[zone])
    return net


async def test_it_is_a_resolver() -> None:
    clock = FakeClock()
    resolver: Resolver = IterativeResolver(
        SETTINGS, network(clock), clock, FakeChance()
    )
    steps = Steps()
    resolved = await resolver.resolve(WWW, A, steps)
    assert str(resolved.answer[0]) == "www.test. 60 IN A 192.0.2.80"
    assert not resolved.authoritative
    assert [step.outcome for step in steps.taken] == ["no data in .", "answer"]


async def test_deadline() -> None:
    settings = dataclasses.replace(SETTINGS, deadline_s=0.01)
    resolver = IterativeResolver(settings, Never(), FakeClock(), FakeChance())
    with pytest.raises(ResolutionError, match=r"no answer in 0\.01 s"):
        await resolver.resolve(WWW, A)
    with pytest.raises(ResolutionError, match="a moment ago"):
        await resolver.resolve(WWW, A)


async def test_too_many_at_once() -> None:
    settings = dataclasses.replace(SETTINGS, flights_max=0)
    resolver = IterativeResolver(settings, Never(), FakeClock(), FakeChance())
    with pytest.raises(ResolutionError, match="too many"):
        await resolver.resolve(WWW, A)


async def test_old_data_serve_who_would_wait_too_long() -> None:
    settings = dataclasses.replace(SETTINGS, patience_s=0.01)
    clock = FakeClock()
    net = network(clock)
    resolver = IterativeResolver(settings, net, clock, FakeChance())
    await resolver.resolve(WWW, A)
    clock.pass_(100)
    never = Never()
    resolver._exchange = never
    async with asyncio.timeout(5):
        resolved = await resolver.resolve(WWW, A)
    assert str(resolved.answer[0]) == "www.test. 30 IN A 192.0.2.80"
    # The question is still under way, for those who come later.
    assert never.asked.is_set()
    assert len(resolver._asked) == 1
    await resolver.stop()


@pytest.mark.parametrize("rdtype", ["ANY", "AXFR", "OPT"])
async def test_query_types_are_not_data(rdtype: str) -> None:
    resolver = IterativeResolver(SETTINGS, Never(), FakeClock(), FakeChance())
    with pytest.raises(ResolutionError, match=rdtype):
        await resolver.resolve(WWW, dns.rdatatype.from_text(rdtype))


async def test_who_leaves_does_not_take_the_others_along() -> None:
    clock = FakeClock()
    resolver = IterativeResolver(SETTINGS, network(clock), clock, FakeChance())
    first = asyncio.get_running_loop().create_task(resolver.resolve(WWW, A))
    second = asyncio.get_running_loop().create_task(resolver.resolve(WWW, A))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).answer
    assert first.cancelled()


async def test_stop_tells_those_who_wait() -> None:
    never = Never()
    resolver = IterativeResolver(SETTINGS, never, FakeClock(), FakeChance())
    waiting = asyncio.get_running_loop().create_task(resolver.resolve(WWW, A))
    await never.asked.wait()
    await resolver.stop()
    with pytest.raises(ResolutionError, match="stopped"):
        await waiting
    assert not resolver._asked


async def test_a_stopped_flight_that_never_began() -> None:
    resolver = IterativeResolver(SETTINGS, Never(), FakeClock(), FakeChance())
    waiting = asyncio.get_running_loop().create_task(resolver.resolve(WWW, A))
    await asyncio.sleep(0)
    await resolver.stop()
    with pytest.raises(ResolutionError):
        await asyncio.wait_for(waiting, 1)


def signed_world() -> Player:
    """Return a player of the signed world, in which nothing was asked yet."""
    player = Player()
    path = Path(__file__).parents[2] / "scenario" / "dns" / "signed.inc"
    for line in read(path):
        getattr(player, "_" + line.words[0].lower())(line.words[1:], line.block)
    return player


@pytest.mark.parametrize("told", [False, True], ids=["alone", "with its steps"])
async def test_keys_are_asked_for_before_it_is_their_turn(*, told: bool) -> None:
    player = signed_world()
    resolver = IterativeResolver(
        player.settings, player.network, player.clock, FakeChance()
    )
    name = dns.name.from_text("www.safe.test.")
    resolved = await resolver.resolve(name, A, Steps() if told else None)
    assert resolved.security is Security.SECURE
    asked = [text.split(" ", 1)[1] for text in player.network.asked]
    # One after the other for who wants to see it; no question more.
    before = asked.index("safe.test. DNSKEY") < asked.index(". DNSKEY")
    assert before is not told
    assert len(asked) == len(set(asked)) == 6
    await resolver.stop()
    assert not resolver._asked
    assert not resolver._needed
