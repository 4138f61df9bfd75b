"""From events to ways: what the command line, the lab and the web show.

Sans-IO. Events of several servers may be mixed: those that share a Message-ID or a
trace on one host are one way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.trace.ports import (
    ANSWER,
    ASKED,
    DETAIL,
    DIALOGUE,
    QUESTION,
    STEPS,
    Fact,
    Stage,
    TraceEvent,
)

_NOT_DETAIL: Final = frozenset({DETAIL, DIALOGUE, QUESTION, ANSWER, STEPS})


@dataclass(frozen=True, slots=True)
class Question:
    """One DNS question asked for a message.

    Attributes:
        host: The server that asked.
        question: ``example.test. MX``.
        asked: Whom: ``name@address#port`` or ``cache``.
        zone: The zone whose server that was.
        answer: What came, in words.
        ms: From question to answer.
    """

    host: str
    question: str
    asked: str
    zone: str
    answer: str
    ms: float


@dataclass(frozen=True, slots=True)
class Hop:
    """One station of a message.

    Attributes:
        host: The server.
        stage: What happened there.
        at: Seconds since 1970.
        ms: How long it took; 0 if it has no length.
        detail: One line for people.
        recipient: The forward-path concerned; empty: all.
        dialogue: Lines of the conversation, if it was kept.
        questions: DNS questions asked to get here, in order.
        facts: Everything that was noted, by name.
    """

    host: str
    stage: Stage
    at: float
    ms: float
    detail: str
    recipient: str = ""
    dialogue: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one message.

    Attributes:
        message_id: Without brackets; empty if nobody knew it.
        hops: In order of time.
    """

    message_id: str
    hops: tuple[Hop, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every DNS question asked for the message, in order."""
        return tuple(question for hop in self.hops for question in hop.questions)


def way_of(events: Iterable[TraceEvent]) -> Way:
    """Return the way that ``events`` of one message make."""
    ordered = sorted(events, key=_time)
    message_id = next((e.message_id for e in ordered if e.message_id), "")
    return Way(message_id, tuple(map(_hop, ordered)))


def ways_of(events: Iterable[TraceEvent]) -> tuple[Way, ...]:
    """Return the ways in a mix of events, in the order they began."""
    return tuple(way_of(group) for group in grouped(events))


def grouped(events: Iterable[TraceEvent]) -> Sequence[Sequence[TraceEvent]]:
    """Return the events of each message, messages and events in order of time."""
    ordered = sorted(events, key=_time)
    ids = {(e.host, e.trace_id): e.message_id for e in ordered if e.message_id}
    groups: dict[tuple[str, str], list[TraceEvent]] = {}
    for event in ordered:
        trace = (event.host, event.trace_id)
        message_id = ids.get(trace, "")
        groups.setdefault(("", message_id) if message_id else trace, []).append(event)
    return tuple(groups.values())


def _time(event: TraceEvent) -> float:
    return event.at


def _hop(event: TraceEvent) -> Hop:
    return Hop(
        event.host,
        event.stage,
        event.at,
        event.elapsed_ms,
        detail_of(event.facts),
        event.recipient,
        tuple(_lines(event, DIALOGUE)),
        tuple(_questions(event)),
        event.facts,
    )


def _lines(event: TraceEvent, name: str) -> Sequence[str]:
    """Return the lines of a fact that is a text of several."""
    text = event.facts.get(name)
    # Not splitlines: what a peer said may have other line ends of Unicode in it.
    return text.split("\n") if isinstance(text, str) and text else ()


def _questions(event: TraceEvent) -> Iterator[Question]:
    """Yield what was asked: an event each, or a line each of one event's STEPS."""
    facts = event.facts
    if facts.get(ASKED):
        yield Question(
            event.host,
            str(facts.get(QUESTION, "")),
            str(facts[ASKED]),
            "",
            str(facts.get(ANSWER, "")),
            event.elapsed_ms,
        )
    for line in _lines(event, STEPS):
        yield _question(event.host, line)


def _question(host: str, line: str) -> Question:
    """Return the question of a STEPS line; a cut one has empty fields."""
    fields = (*line.split("\t"), "", "", "", "", "", "")
    name, rdtype, server, zone, outcome, ms = fields[:6]
    return Question(
        host, f"{name} {rdtype}".rstrip(), server, zone, outcome, _milliseconds(ms)
    )


def _milliseconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def detail_of(facts: Mapping[str, Fact]) -> str:
    """Return one line for people: the detail in words, else every fact by name."""
    detail = facts.get(DETAIL)
    if isinstance(detail, str) and detail:
        return detail
    parts = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in facts.items()
        if name not in _NOT_DETAIL and value not in {None, ""}
    ]
    if facts.get(QUESTION):
        parts.insert(0, f"{facts[QUESTION]} → {facts.get(ANSWER, '')}")
    return ", ".join(parts)
