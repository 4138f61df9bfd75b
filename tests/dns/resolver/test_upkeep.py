"""How much goes on unseen; what it brings: tests/scenario/dns/prefetch, priming."""

import asyncio
import dataclasses

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.base.tasks import Tasks
from pabal.dns.ports import ResolutionError, Resolved
from pabal.dns.resolver.cache import Cache, Failures, Trust
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.iterator import Done
from pabal.dns.resolver.knowledge import Knowledge
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.upkeep import PRIME_AGAIN_S, REFRESHES_MAX, Question, Upkeep
from tests.scenario.dns.network import FakeChance, FakeClock

A = dns.rdatatype.A
SETTINGS = ResolverSettings(root_hints=(Server("root.", "192.0.2.1"),))


class Bench:
    def __init__(self, settings: ResolverSettings = SETTINGS) -> None:
        self.clock = FakeClock()
        self.cache = Cache(settings)
        self.known = Knowledge(
            settings, self.cache, Failures(), ServerMemory(), FakeChance()
        )
        self.asked: list[Question] = []
        self.gate = asyncio.Event()
        self.tasks = Tasks()
        self.upkeep = Upkeep(self.known, self.clock, self.tasks, self.fetch)

    async def fetch(self, question: Question) -> None:
        self.asked.append(question)
        await self.gate.wait()
        raise ResolutionError("away")

    def answer(self, name: str, ttl_s: int = 100) -> tuple[Question, Done]:
        rrset = dns.rrset.from_text(name, ttl_s, "IN", "A", "192.0.2.1")
        self.cache.put(rrset, Trust.ANSWER, self.clock.monotonic())
        return Question(rrset.name, A, unchecked=True), Done(Resolved(0, (rrset,)))

    async def turn(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


async def test_once_at_a_time_and_only_at_the_end() -> None:
    bench = Bench()
    found = bench.answer("www.test.")
    bench.clock.pass_(89)
    bench.upkeep.look_at(*found)
    await bench.turn()
    assert not bench.asked
    bench.clock.pass_(1)
    bench.upkeep.look_at(*found)
    bench.upkeep.look_at(*found)
    await bench.turn()
    assert bench.asked == [found[0]]
    bench.gate.set()
    await bench.turn()
    bench.upkeep.look_at(*found)
    await bench.turn()
    assert len(bench.asked) == 2
    bench.known.failures.put(found[0].name, A, "away", bench.clock.monotonic())
    bench.upkeep.look_at(*found)
    await bench.turn()
    assert len(bench.asked) == 2
    await bench.tasks.stop()


async def test_short_lives_are_let_go() -> None:
    bench = Bench()
    found = bench.answer("www.test.", 9)
    bench.clock.pass_(8.9)
    bench.upkeep.look_at(*found)
    await bench.turn()
    assert not bench.asked


async def test_bounded() -> None:
    bench = Bench()
    found = [bench.answer(f"h{number}.test.") for number in range(REFRESHES_MAX + 9)]
    bench.clock.pass_(95)
    for each in found:
        bench.upkeep.look_at(*each)
    await bench.turn()
    assert len(bench.asked) == REFRESHES_MAX
    await bench.tasks.stop()


async def test_not_if_the_operator_does_not_want_it() -> None:
    settings = dataclasses.replace(SETTINGS, prefetch=False, prime=False)
    bench = Bench(settings)
    found = bench.answer("www.test.")
    bench.clock.pass_(95)
    bench.upkeep.look_at(*found)
    bench.upkeep.prime()
    await bench.turn()
    assert not bench.asked


async def test_priming_once() -> None:
    bench = Bench()
    bench.upkeep.prime()
    bench.upkeep.prime()
    await bench.turn()
    assert [str(q.name) for q in bench.asked] == ["."]
    bench.gate.set()
    await bench.turn()
    bench.upkeep.prime()
    await bench.turn()
    assert len(bench.asked) == 1
    bench.clock.pass_(PRIME_AGAIN_S)
    bench.upkeep.prime()
    await bench.turn()
    assert len(bench.asked) == 2
    bench.clock.pass_(PRIME_AGAIN_S)
    ns = dns.rrset.from_text(".", 60, "IN", "NS", "root.")
    bench.cache.put(ns, Trust.AUTHORITATIVE, bench.clock.monotonic())
    bench.upkeep.prime()
    await bench.turn()
    assert len(bench.asked) == 2


async def test_what_is_not_checked_takes_no_proven_place() -> None:
    bench = Bench()
    bench.known = dataclasses.replace(bench.known, validating=True)
    bench.upkeep = Upkeep(bench.known, bench.clock, bench.tasks, bench.fetch)
    question, done = bench.answer("www.test.")
    bench.clock.pass_(95)
    bench.upkeep.look_at(question, done)
    await bench.turn()
    assert not bench.asked
    bench.upkeep.look_at(dataclasses.replace(question, unchecked=False), done)
    await bench.turn()
    assert len(bench.asked) == 1
    await bench.tasks.stop()
