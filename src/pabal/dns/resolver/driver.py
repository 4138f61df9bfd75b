"""The resolver of a process: runs iterators, one for all who ask the same.

Driver.
Security: bounded in resolutions at once, in time and in questions (``budget``); who may
ask at all is the server's decision.
Source: RFC 5452 §5 (birthdays: one question in flight), RFC 8767 §5 (serve-stale).
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

import dns.name
import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.ids import Chance
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.ports import LocalZones, ResolutionError, Resolved, Step, Steps
from pabal.dns.resolver.cache import Cache, Failures
from pabal.dns.resolver.iterator import Done, Failed, Iterator
from pabal.dns.resolver.knowledge import Knowledge
from pabal.dns.resolver.query import ExchangeError, Query
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings

log = Log("dns.resolver")


class Exchange(Protocol):
    """Asks servers; ``NetworkExchange`` does it for real."""

    async def exchange(self, query: Query) -> bytes:
        """Return the octets of the answer to ``query``.

        Raises:
            ExchangeError: None came in time, or none that can be believed.
        """
        ...


@dataclass(slots=True)
class _Flight:
    """A resolution under way, and those who wait for it."""

    landed: asyncio.Future[Done | Failed]
    steps: list[Step] = field(default_factory=list)


class IterativeResolver:
    """A caching resolver: implements ``pabal.dns.ports.Resolver``.

    Args (of the constructor):
        settings: The operator's choices.
        exchange: How servers are asked.
        clock: The time.
        chance: Ids, case, order: a secure source outside tests.
        local: Zones served here, asked before anything else.
    """

    def __init__(
        self,
        settings: ResolverSettings,
        exchange: Exchange,
        clock: Clock,
        chance: Chance,
        local: LocalZones | None = None,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._settings = settings
        self.cache = Cache(settings)
        self._knowledge = Knowledge(
            settings, self.cache, Failures(), ServerMemory(), chance, local
        )
        self._flights: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], _Flight] = {}
        self._tasks = Tasks()

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
    ) -> Resolved:
        """Return the answer for absolute ``name``; questions sent go to ``steps``.

        Raises:
            ResolutionError: No server gave a usable answer in time.
        """
        name = name.canonicalize()
        if dns.rdatatype.is_metatype(rdtype):
            raise ResolutionError(f"{dns.rdatatype.to_text(rdtype)} is not resolved")
        flight = self._flights.get((name, rdtype))
        if flight is None:
            iterator = Iterator(name, rdtype, self._knowledge)
            first = iterator.next(self._clock.monotonic())
            if not isinstance(first, Query):
                return self._land(name, rdtype, first, iterator.steps, steps)
            flight = self._take_off(name, rdtype, iterator, first)
        end = await asyncio.shield(flight.landed)
        return self._land(name, rdtype, end, flight.steps, steps)

    async def stop(self) -> None:
        """End every resolution under way; those who wait get ``ResolutionError``."""
        await self._tasks.stop()
        # A task cancelled before its first step never reaches its own ``finally``.
        for flight in self._flights.values():
            flight.landed.set_result(Failed("the resolver stopped"))
        self._flights.clear()

    def _take_off(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        iterator: Iterator,
        first: Query,
    ) -> _Flight:
        if len(self._flights) >= self._settings.flights_max:
            raise ResolutionError("too many resolutions at once")
        landed: asyncio.Future[Done | Failed] = (
            asyncio.get_running_loop().create_future()
        )
        flight = _Flight(landed, iterator.steps)
        self._flights[name, rdtype] = flight
        self._tasks.start(self._fly(flight, (name, rdtype), iterator, first), "resolve")
        return flight

    async def _fly(
        self,
        flight: _Flight,
        key: tuple[dns.name.Name, dns.rdatatype.RdataType],
        iterator: Iterator,
        first: Query,
    ) -> None:
        end: Done | Failed = Failed(f"{key[0]}: the resolver stopped")
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                end = await self._iterate(iterator, first)
        except TimeoutError:
            end = Failed(f"{key[0]}: no answer in {self._settings.deadline_s:g} s")
            now = self._clock.monotonic()
            self._knowledge.failures.put(*key, end.reason, now)
        finally:
            del self._flights[key]
            flight.landed.set_result(end)

    async def _iterate(self, iterator: Iterator, first: Query) -> Done | Failed:
        step: Query | Done | Failed = first
        while isinstance(step, Query):
            asked_at = self._clock.monotonic()
            try:
                octets = await self._exchange.exchange(step)
            except ExchangeError as error:
                now = self._clock.monotonic()
                iterator.fail(error, now - asked_at, now)
            else:
                now = self._clock.monotonic()
                iterator.feed(octets, now - asked_at, now)
            step = iterator.next(now)
        return step

    def _land(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        end: Done | Failed,
        taken: list[Step],
        steps: Steps | None,
    ) -> Resolved:
        if steps is not None:
            steps.taken.extend(taken)
        if isinstance(end, Done):
            return end.resolved
        # RFC 8767 §5: old data is better than none, but only when none can be had.
        again = Iterator(name, rdtype, self._knowledge, stale=True)
        stale = again.next(self._clock.monotonic())
        if not isinstance(stale, Done):
            log.info(
                "not resolved",
                question=str(name),
                rdtype=dns.rdatatype.to_text(rdtype),
                reason=end.reason,
            )
            raise ResolutionError(end.reason)
        if steps is not None:
            steps.taken.extend(again.steps)
        return stale.resolved
