"""Resolutions under way: as many as there are slots, and who gives way to whom.

Source: RFC 5452 §5 (birthdays: one question in flight for all who ask it).
"""

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pabal.dns.ports import Step
from pabal.dns.resolver.iterator import Done, Failed
from pabal.dns.resolver.upkeep import Question

GIVE_WAY_AFTER_S: Final = 0.2
"""Whoever took longer may have to give way: most resolutions end before, and Unbound
waits as long (``jostle-timeout``)."""


def _to_land() -> asyncio.Future[Done | Failed]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class Flight:
    """A resolution under way, and those who wait for it.

    Attributes:
        began_at: Seconds (``Clock.monotonic``).
        steps: What was asked so far; grows.
        ahead: Keys that will be wanted are asked for before it is their turn.
        landed: Its end.
        task: What works on it, once that began.
    """

    began_at: float
    steps: list[Step] = field(default_factory=list)
    ahead: bool = False
    landed: asyncio.Future[Done | Failed] = field(default_factory=_to_land)
    task: asyncio.Task[None] | None = None

    def land(self, end: Done | Failed) -> None:
        """Tell those who wait, unless they know."""
        if not self.landed.done():
            self.landed.set_result(end)


class Flights:
    """The resolutions of one kind, the oldest first.

    Questions to servers that are slow or silent hold their slots for seconds, and who
    can ask many of them would hold all. So when there are no more slots the older half
    goes on to its end, which is near, and of the younger half the oldest gives way, if
    it took long already: answers that come quickly always find a slot, those that need
    time have the half of them. No new question pushes out one that just began.

    Args (of the constructor):
        slots: Most at once.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._flights: dict[Question, Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def is_full(self) -> bool:
        """Whether one more would need a slot that another has."""
        return len(self._flights) >= self._slots

    def get(self, question: Question) -> Flight | None:
        """Return the flight of ``question``, if it is under way."""
        return self._flights.get(question)

    def make_room(self, now: float) -> bool:
        """Return whether there is a slot; somebody may have to give way for it."""
        if not self.is_full:
            return True
        middle = next(islice(self._flights.items(), self._slots // 2, None), None)
        if middle is None:
            return False
        question, flight = middle
        if now - flight.began_at < GIVE_WAY_AFTER_S:
            return False
        del self._flights[question]
        flight.land(Failed(f"{question.name}: took long and gave way to others"))
        if flight.task is not None:
            flight.task.cancel()
        return True

    def begin(self, question: Question, flight: Flight) -> None:
        """Give ``flight`` a slot."""
        self._flights[question] = flight

    def end(self, question: Question, flight: Flight, end: Done | Failed) -> None:
        """Tell who waits for ``flight`` how it ended; its slot is free."""
        if self._flights.get(question) is flight:
            del self._flights[question]
        flight.land(end)

    def stop(self, end: Failed) -> None:
        """End all that there are."""
        for question, flight in list(self._flights.items()):
            self.end(question, flight, end)
