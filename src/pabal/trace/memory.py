"""Trace events in memory: for tests and for a lab in one process; complete."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from pabal.trace.ports import TraceEvent
from pabal.trace.way import grouped

EVENTS_MAX: Final = 100_000
"""Events kept; the oldest are forgotten first."""


class MemoryTrace:
    """Implements ``Tracer`` and ``TraceReader``."""

    def __init__(self, events_max: int = EVENTS_MAX) -> None:
        self._events: deque[TraceEvent] = deque(maxlen=events_max)

    def record(self, event: TraceEvent) -> None:
        """Take note of ``event``."""
        self._events.append(event)

    def by_message_id(self, message_id: str) -> Sequence[TraceEvent]:
        """Return the events of a message, in order."""
        wanted = bare(message_id)
        for way in grouped(self._events):
            if any(event.message_id == wanted for event in way):
                return way
        return ()

    def last(self, count: int) -> Sequence[Sequence[TraceEvent]]:
        """Return the ways of the last ``count`` messages, newest first."""
        return self._newest(count, "")

    def to(self, address: str, count: int) -> Sequence[Sequence[TraceEvent]]:
        """Return the ways of the last ``count`` messages to ``address``."""
        return self._newest(count, address.lower())

    def _newest(self, count: int, recipient: str) -> Sequence[Sequence[TraceEvent]]:
        # Newest: the one something happened to most recently.
        ways = sorted(grouped(self._events), key=lambda way: way[-1].at, reverse=True)
        return [
            way
            for way in ways
            if not recipient or any(e.recipient.lower() == recipient for e in way)
        ][:count]


def bare(message_id: str) -> str:
    """Return a Message-ID without its brackets (RFC 5322 §3.6.4)."""
    return message_id.strip().removeprefix("<").removesuffix(">")
