"""The resolver of a process: runs iterators, one for all who ask the same.

Driver.
Security: bounded in resolutions at once, in time and in questions (``budget``); who may
ask at all is the server's decision.
Source: RFC 5452 §5 (birthdays: one question in flight), RFC 8767 §5 (serve-stale),
RFC 4035 §4 (validation), RFC 8914 §4 (what is said of both).
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Final, Protocol

import dns.name
import dns.rcode
import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.ids import Chance
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import LocalZones, ResolutionError, Resolved, Step, Steps
from pabal.dns.resolver.anchors import TrustAnchor, effective, read_negative
from pabal.dns.resolver.cache import Cache, Failures
from pabal.dns.resolver.claim import BOGUS_SECONDS, Claim
from pabal.dns.resolver.conclusion import conclude, is_settled
from pabal.dns.resolver.examiner import Examiner
from pabal.dns.resolver.flights import Flight, Flights
from pabal.dns.resolver.iterator import AWAY, CACHED, Done, Failed, Iterator
from pabal.dns.resolver.knowledge import Knowledge
from pabal.dns.resolver.query import ExchangeError, Query
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.special import SpecialNames
from pabal.dns.resolver.standing import TrustPoints
from pabal.dns.resolver.upkeep import Question, Upkeep

FLUSH_SLICE: Final = 1_000
"""Entries of the cache looked at in one turn of the loop: some 3 ms."""

_AWAY: Final = frozenset({None, AWAY, CACHED})
"""Failures that old data may help over: what is bogus does not get better with age."""

_NO_SLOT: Final = Failed("too many resolutions at once")

log = Log("dns.resolver")


class Exchange(Protocol):
    """Asks servers; ``NetworkExchange`` does it for real."""

    async def exchange(self, query: Query) -> bytes:
        """Return the octets of the answer to ``query``.

        Raises:
            ExchangeError: None came in time, or none that can be believed.
        """
        ...


class IterativeResolver:
    """A caching, validating resolver: implements ``pabal.dns.ports.Resolver``.

    Args (of the constructor):
        settings: The operator's choices.
        exchange: How servers are asked.
        clock: The time.
        chance: Ids, case, order: a secure source outside tests.
        local: Zones served here, asked before anything else.

    Attributes:
        cache: What is known.
        configured: The trust anchors the operator gave, by zone.
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
        self.configured = {a.zone: a for a in effective(settings)}
        negative = read_negative(settings.negative_trust_anchors)
        for zone, until in negative.items():
            if until <= clock.now():
                log.warning("negative trust anchor is over", zone=str(zone))
        self._trust = TrustPoints(dict(self.configured), negative)
        validating = bool(self.configured)
        self.cache = Cache(settings, validating=validating)
        self._knowledge = Knowledge(
            settings,
            self.cache,
            Failures(),
            ServerMemory(),
            chance,
            local,
            validating=validating,
            special=SpecialNames(settings),
            absence=self._trust.absence,
        )
        self._asked = Flights(settings.flights_max)
        # What validation needs has slots of its own: else it would fail as soon as
        # there are no more for those who ask, each of whom needs it.
        self._needed = Flights(settings.flights_max)
        self._examiner = Examiner(self.cache, self._trust, clock, self._find_needed)
        self._tasks = Tasks()
        self._upkeep = Upkeep(self._knowledge, clock, self._tasks, self._fetch_anew)

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        """Return the answer for absolute ``name``; questions sent go to ``steps``.

        With ``unchecked`` (the client's CD bit, RFC 4035 §3.2.2) bogus data is an
        answer, too, and its ``security`` says nothing.

        Raises:
            ResolutionError: No server gave a usable answer in time, or it is bogus.
        """
        if dns.rdatatype.is_metatype(rdtype):
            raise ResolutionError(f"{dns.rdatatype.to_text(rdtype)} is not resolved")
        unchecked = unchecked or not self._knowledge.validating
        question = Question(name.canonicalize(), rdtype, unchecked)
        # Who wants to see the steps gets them one after the other.
        end, taken = await self._find(question, self._asked, ahead=steps is None)
        if steps is not None:
            steps.taken.extend(taken)
        if isinstance(end, Failed) and end.code in _AWAY:
            end, stale = _old(question, self._knowledge, self._clock.monotonic()) or (
                end,
                [],
            )
            if steps is not None:
                steps.taken.extend(stale)
        if isinstance(end, Done):
            return end.resolved
        if end is not _NO_SLOT:  # there may be thousands of them a second
            log.info(
                "not resolved",
                question=str(name),
                rdtype=dns.rdatatype.to_text(rdtype),
                reason=end.reason,
            )
        raise ResolutionError(end.reason, end.code)

    def trust(self, zone: dns.name.Name, anchor: TrustAnchor | None) -> None:
        """Let ``anchor`` be that of ``zone`` from now on; ``None``: it has none."""
        self._trust.anchor(zone, anchor)

    async def fetch(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Claim:
        """Return what servers say of ``name`` now, unchecked, with its signatures.

        Raises:
            ResolutionError: No server gave a usable answer in time.
        """
        iterator = Iterator(name, rdtype, self._knowledge, refresh=True)
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                now = self._clock.monotonic()
                end = await self._iterate(iterator, iterator.next(now))
        except TimeoutError as error:
            raise ResolutionError(f"{name}: no answer in time") from error
        if isinstance(end, Failed):
            raise ResolutionError(end.reason, end.code)
        return end.claims[0] if end.claims else Claim(name, rdtype)

    async def flush(self, name: dns.name.Name) -> int:
        """Forget all at and below ``name``; return how many entries that were.

        Others get their turn meanwhile: a cache may be large.
        """
        keys = [key for key, _ in self.cache.items()]
        count = 0
        for first in range(0, len(keys), FLUSH_SLICE):
            count += self.cache.flush(name, keys[first : first + FLUSH_SLICE])
            await asyncio.sleep(0)
        self._knowledge.failures.flush(name)
        self._knowledge.away.flush()
        # Proofs and standings are about zones, and cheap to find again.
        self._trust.flush()
        return count

    def attend(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run ``work`` until the resolver stops."""
        self._tasks.start(work, name)

    async def stop(self) -> None:
        """End every resolution under way; those who wait get ``ResolutionError``."""
        await self._tasks.stop()
        # A task cancelled before its first step never reaches its own ``finally``.
        self._asked.stop(Failed("the resolver stopped"))
        self._needed.stop(Failed("the resolver stopped"))

    async def _find_needed(
        self, question: Question
    ) -> tuple[Done | Failed, list[Step]]:
        return await self._find(question, self._needed)

    async def _find(
        self, question: Question, flights: Flights, *, ahead: bool = False
    ) -> tuple[Done | Failed, list[Step]]:
        """Return the end of resolving ``question``, concluded, and its steps."""
        flight = self._under_way(question)
        if flight is None:
            iterator = Iterator(question.name, question.rdtype, self._knowledge)
            first = iterator.next(self._clock.monotonic())
            if isinstance(first, Failed):
                return first, iterator.steps
            if isinstance(first, Done) and (question.unchecked or is_settled(first)):
                self._upkeep.look_at(question, first)
                end = conclude(first, unchecked=question.unchecked)
                return end, iterator.steps
            if not flights.make_room(self._clock.monotonic()):
                return _NO_SLOT, iterator.steps
            ahead = ahead and not question.unchecked
            flight = self._take_off(question, iterator, first, flights, ahead=ahead)
        if self.cache.had(question.name, question.rdtype):
            # RFC 8767 §5: what was, rather than nothing for so long.
            await asyncio.wait((flight.landed,), timeout=self._settings.patience_s)
            if not flight.landed.done():
                old = _old(question, self._knowledge, self._clock.monotonic())
                if old is not None:
                    return old
        return await asyncio.shield(flight.landed), flight.steps

    def _under_way(self, question: Question) -> Flight | None:
        return self._asked.get(question) or self._needed.get(question)

    def _take_off(
        self,
        question: Question,
        iterator: Iterator,
        first: Query | Done,
        flights: Flights,
        *,
        ahead: bool = False,
    ) -> Flight:
        """Begin to work on ``question``; there is room among ``flights``."""
        flight = Flight(self._clock.monotonic(), iterator.steps, ahead)
        flights.begin(question, flight)
        self._upkeep.prime()
        work = self._fly(flight, question, iterator, first, flights)
        self._tasks.start(work, "resolve")
        return flight

    async def _fly(
        self,
        flight: Flight,
        question: Question,
        iterator: Iterator,
        first: Query | Done,
        flights: Flights,
    ) -> None:
        if flight.landed.done():
            return  # it gave way before it began
        flight.task = asyncio.current_task()
        name = question.name
        end: Done | Failed = Failed(f"{name}: the resolver stopped")
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                end = await self._iterate(iterator, first, ahead=flight.ahead)
                if isinstance(end, Done) and not question.unchecked:
                    end = await self._validate(question, end, flight.steps)
                if isinstance(end, Done):
                    end = conclude(end, unchecked=question.unchecked)
        except TimeoutError:
            end = Failed(
                f"{name}: no answer in {self._settings.deadline_s:g} s",
                AWAY,
            )
            now = self._clock.monotonic()
            self._knowledge.failures.put(name, question.rdtype, end.reason, now)
        except ResolutionError as error:
            end = Failed(error.reason)
        finally:
            flights.end(question, flight, end)

    async def _iterate(
        self,
        iterator: Iterator,
        first: Query | Done | Failed,
        *,
        ahead: bool = False,
    ) -> Done | Failed:
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
                if ahead and iterator.signed_below is not None:
                    self._look_ahead(iterator.signed_below, now)
            step = iterator.next(now)
        return step

    def _look_ahead(self, zone: dns.name.Name, now: float) -> None:
        """Ask for the keys of ``zone`` now: they are wanted as soon as an answer is.

        One round trip fewer; Unbound calls it prefetch-key.
        """
        question = Question(zone.canonicalize(), dns.rdatatype.DNSKEY, unchecked=True)
        if self._under_way(question) or self._trust.get(question.name, now):
            return
        iterator = Iterator(question.name, question.rdtype, self._knowledge)
        first = iterator.next(now)
        if isinstance(first, Query) and not self._needed.is_full:
            self._take_off(question, iterator, first, self._needed)

    async def _validate(
        self, question: Question, done: Done, steps: list[Step]
    ) -> Done:
        """Return ``done`` with a verdict on each claim.

        What is bogus may be so with one server only: the others are asked, once.
        """
        checked, blamed = await self._examiner.check(done, steps)
        if not blamed:
            return checked
        now = self._clock.monotonic()
        for claim in blamed:
            if claim.origin is not None:
                self._knowledge.servers.lame(*claim.origin, now, BOGUS_SECONDS)
            self.cache.retract(claim, now)
            self._trust.retract(claim.name)
        again = Iterator(question.name, question.rdtype, self._knowledge)
        end = await self._iterate(again, again.next(now))
        steps.extend(again.steps)
        if isinstance(end, Done):
            checked, _ = await self._examiner.check(end, steps)
        return checked

    async def _fetch_anew(self, question: Question) -> None:
        """Ask servers for ``question`` and keep what they say, checked."""
        iterator = Iterator(
            question.name, question.rdtype, self._knowledge, refresh=True
        )
        end = await self._iterate(iterator, iterator.next(self._clock.monotonic()))
        if isinstance(end, Done) and not question.unchecked:
            end, _ = await self._examiner.check(end, iterator.steps)
            for claim in end.claims:
                if claim.name == question.name:
                    self.cache.renew(claim, self._clock.monotonic())


def _old(
    question: Question, knowledge: Knowledge, now: float
) -> tuple[Done | Failed, list[Step]] | None:
    """Return what is left in the cache: better than nothing (RFC 8767 §5)."""
    again = Iterator(question.name, question.rdtype, knowledge, stale=True)
    stale = again.next(now)
    if not isinstance(stale, Done):
        return None
    if not (question.unchecked or is_settled(stale)):
        return None
    end = conclude(stale, unchecked=question.unchecked)
    if isinstance(end, Done):
        end = replace(end, resolved=_said_to_be_old(end.resolved))
    return end, again.steps


def _said_to_be_old(resolved: Resolved) -> Resolved:
    """Return an answer out of what ended, with the error that says so."""
    code = ExtendedError.STALE_ANSWER
    if resolved.rcode == dns.rcode.NXDOMAIN:
        code = ExtendedError.STALE_NXDOMAIN
    return replace(resolved, errors=(int(code),))
