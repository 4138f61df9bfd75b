"""What happened to a message: events, written off the hot path."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

Fact = str | int | float | bool | None

DETAIL: Final = "detail"
"""Fact: what happened, in words for people; the other facts are shown without it."""

QUESTION: Final = "question"
"""Fact of a RESOLVED event: what was looked up, ``example.test MX``."""

ANSWER: Final = "answer"
"""Fact beside QUESTION: what it came to, ``10 mail.example.test``."""

ASKED: Final = "asked"
"""Fact beside QUESTION: the server, ``name@address#port``, or ``cache``."""

STEPS: Final = "steps"
"""Fact beside QUESTION: every DNS question sent for it, a line each: name, type,
server, zone, outcome, milliseconds; separated by tabs."""

DIALOGUE: Final = "dialogue"
"""Fact: the lines of a conversation, ``C: `` and ``S: `` in front; no secrets."""


class Stage(enum.Enum):
    """A station on a message's way (DESIGN of the lab: hops show these)."""

    SUBMITTED = "submitted"
    RECEIVED = "received"
    REFUSED = "refused"
    CHECKED = "checked"
    SIGNED = "signed"
    QUEUED = "queued"
    RESOLVED = "resolved"
    CONNECTED = "connected"
    SENT = "sent"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    FETCHED = "fetched"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One thing that happened to one message.

    Attributes:
        at: Seconds since 1970.
        host: The server it happened on (its hostname).
        trace_id: Joins the events of one message on one server.
        stage: What happened.
        message_id: Message-ID without brackets: joins the ways of several servers; may
            be empty while it is not known.
        recipient: The forward-path concerned; empty: all of them.
        elapsed_ms: How long it took; 0 if it has no length.
        facts: Details: addresses, replies, DNS questions, dialogue.
    """

    at: float
    host: str
    trace_id: str
    stage: Stage
    message_id: str = ""
    recipient: str = ""
    elapsed_ms: float = 0.0
    facts: Mapping[str, Fact] = field(default_factory=dict)


class Tracer(Protocol):
    """Where events go."""

    def record(self, event: TraceEvent) -> None:
        """Take note of ``event``; returns at once, never raises."""
        ...


class TraceReader(Protocol):
    """Looks ways up."""

    def by_message_id(self, message_id: str) -> Sequence[TraceEvent]:
        """Return the events of a message, in order."""
        ...

    def last(self, count: int) -> Sequence[Sequence[TraceEvent]]:
        """Return the ways of the last ``count`` messages, newest first."""
        ...

    def to(self, address: str, count: int) -> Sequence[Sequence[TraceEvent]]:
        """Return the ways of the last ``count`` messages to ``address``."""
        ...
