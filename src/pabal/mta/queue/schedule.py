"""Which recipient is tried when: pure, the time is an argument.

Claims go in, assignments come out. Destinations take turns, each with a concurrency
that grows while it answers and shrinks when it does not; one that cannot be reached at
all is left alone for a while and costs nobody anything. Nothing is kept here that a
restart could not lose: when an attempt is due is in the queue itself.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pabal.base.ids import Chance
from pabal.mta.queue.item import Claim
from pabal.mta.settings import ScheduleSettings

DESTINATIONS_MAX: Final = 10_000
"""Destinations whose state is remembered; idle ones are forgotten, oldest first."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One delivery: a message to recipients of one destination.

    Attributes:
        item_id: The message.
        destination: Where to.
        claims: Whom.
        dead: Why no connection is worth trying now; empty: try.
    """

    item_id: str
    destination: str
    claims: Sequence[Claim]
    dead: str = ""


@dataclass(slots=True)
class _Destination:
    limit: float
    active: int = 0
    failures: int = 0
    dead_until: float = 0.0
    reason: str = ""
    failed: bool = False
    waiting: OrderedDict[str, list[Claim]] = field(default_factory=OrderedDict)
    waiting_count: int = 0

    @property
    def idle(self) -> bool:
        return self.active == 0 and not self.waiting


class Schedule:
    """Turns claims into assignments; knows how destinations do."""

    def __init__(self, settings: ScheduleSettings, chance: Chance) -> None:
        self._settings = settings
        self._chance = chance
        self._destinations: OrderedDict[str, _Destination] = OrderedDict()
        self._turns: OrderedDict[str, None] = OrderedDict()
        self._active = 0
        self._waiting = 0
        self._held: dict[tuple[str, int], Claim] = {}

    @property
    def room(self) -> int:
        """How many more claims fit."""
        return max(0, self._settings.claims_max - self._waiting)

    @property
    def busy(self) -> bool:
        """Whether something is being delivered or waits here for its turn."""
        return self._active > 0 or self._waiting > 0

    def wants(self, destination: str) -> bool:
        """Return whether more claims for ``destination`` should be looked for now."""
        place = self._destinations.get(destination)
        waiting = place.waiting_count if place is not None else 0
        return waiting <= self._settings.waiting_max // 2 and self.room > 0

    def held(self) -> list[Claim]:
        """Return every claim that waits here or is being delivered."""
        return list(self._held.values())

    def waiting(self) -> list[Claim]:
        """Return every claim that waits here for its turn."""
        return [
            claim
            for name in self._turns
            for claims in self._destinations[name].waiting.values()
            for claim in claims
        ]

    def full(self) -> frozenset[str]:
        """Return the destinations no more claims are wanted for now."""
        most = self._settings.waiting_max
        return frozenset(
            name
            for name in self._turns
            if self._destinations[name].waiting_count >= most
        )

    def add(self, claims: Iterable[Claim]) -> None:
        """Take claimed recipients in."""
        for claim in claims:
            self._held[claim.item_id, claim.number] = claim
            place = self._place(claim.destination)
            if claim.asked:
                place.failures, place.dead_until = 0, 0.0
            place.waiting.setdefault(claim.item_id, []).append(claim)
            place.waiting_count += 1
            self._waiting += 1
            self._turns.setdefault(claim.destination)

    def start(self, now: float) -> list[Assignment]:
        """Return what to deliver now; each is owed a ``finished``.

        One delivery a destination in turn, while there is room for it.
        """
        started: list[Assignment] = []
        blocked: list[str] = []
        while self._turns and self._active < self._settings.deliveries_max:
            name, _ = self._turns.popitem(last=False)
            place = self._destinations[name]
            if place.active >= self._limit(place, now):
                blocked.append(name)
                continue
            started.append(self._assign(name, place, now))
            if place.waiting:
                self._turns[name] = None
        for name in reversed(blocked):
            self._turns[name] = None
            self._turns.move_to_end(name, last=False)
        return started

    def finished(
        self, assignment: Assignment, now: float, *, reached: bool, reason: str = ""
    ) -> None:
        """Take note of how a delivery went.

        Args:
            assignment: What ``start`` returned.
            now: Seconds, the clock of ``start``.
            reached: Whether some host of the destination talked with us.
            reason: Why not, for the recipients spared an attempt.
        """
        place = self._place(assignment.destination)
        place.active -= 1
        self._active -= 1
        for claim in assignment.claims:
            self._held.pop((claim.item_id, claim.number), None)
        if assignment.dead:
            return
        if reached:
            place.failures, place.dead_until = 0, 0.0
            # Twice as many a round until one fails, then one more a round: what has
            # always answered is brought to its limit at once.
            more = 1 / place.limit if place.failed else 1.0
            place.limit = min(self._settings.destination_max, place.limit + more)
            return
        place.failed = True
        place.failures += 1
        place.limit = max(1.0, place.limit / 2)
        if place.failures >= self._settings.failures_dead:
            place.dead_until = now + self._jittered(self._settings.dead_s)
            place.reason = reason

    def next_attempt_at(self, attempts: int, now: float) -> float:
        """Return when to try again after ``attempts`` failed ones."""
        settings = self._settings
        doublings = min(max(0, attempts - 1), 30)
        wait = min(settings.retry_max_s, settings.retry_first_s * 2.0**doublings)
        return now + self._jittered(wait)

    def _assign(self, name: str, place: _Destination, now: float) -> Assignment:
        item_id, claims = next(iter(place.waiting.items()))
        most = self._settings.recipients_max
        chosen, rest = claims[:most], claims[most:]
        if rest:
            place.waiting[item_id] = rest
        else:
            del place.waiting[item_id]
        place.waiting_count -= len(chosen)
        self._waiting -= len(chosen)
        place.active += 1
        self._active += 1
        dead = place.reason if now < place.dead_until else ""
        return Assignment(item_id, name, tuple(chosen), dead)

    def _limit(self, place: _Destination, now: float) -> float:
        if now < place.dead_until:
            # Deferred without a connection: as fast as that goes.
            return float("inf")
        if place.failures >= self._settings.failures_dead:
            return 1.0  # a scout goes first
        return place.limit

    def _jittered(self, seconds: float) -> float:
        jitter = self._settings.jitter
        return seconds * self._chance.uniform(1 - jitter, 1 + jitter)

    def _place(self, name: str) -> _Destination:
        place = self._destinations.get(name)
        if place is None:
            if len(self._destinations) >= DESTINATIONS_MAX:
                self._forget_idle()
            place = _Destination(float(self._settings.destination_first))
            self._destinations[name] = place
        self._destinations.move_to_end(name)
        return place

    def _forget_idle(self) -> None:
        idle = [name for name, place in self._destinations.items() if place.idle]
        for name in islice(idle, max(1, DESTINATIONS_MAX // 10)):
            del self._destinations[name]
