"""From events to ways: what the command line, the lab and the web show.

Sans-IO. Events of several servers may be mixed: those that share a Message-ID or a
trace on one host are one way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.trace.ports import (
    ANSWER,
    ASKED,
    DETAIL,
    DIALOGUE,
    QUESTION,
    Fact,
    Stage,
    TraceEvent,
)

_NOT_DETAIL: Final = frozenset({DETAIL, DIALOGUE, QUESTION, ASKED, ANSWER})


@dataclass(frozen=True, slots=True)
class Question:
    """One DNS question asked for a message.

    Attributes:
        host: The server that asked.
        question: ``example.test. MX``.
        asked: Whom: ``name@address#port`` or ``cache``.
        answer: What came, in words.
        at: Seconds since 1970.
        ms: From question to answer.
    """

    host: str
    question: str
    asked: str
    answer: str
    at: float
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
    """

    host: str
    stage: Stage
    at: float
    ms: float
    detail: str
    recipient: str = ""
    dialogue: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


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
    """Return the way that ``events`` of one message make.

    DNS questions belong to the next event of their trace; those nothing followed yet
    make a station of their own.
    """
    ordered = sorted(events, key=_time)
    open_questions: dict[tuple[str, str], list[Question]] = {}
    hops = []
    for event in ordered:
        key = (event.host, event.trace_id)
        if event.stage is Stage.RESOLVED and QUESTION in event.facts:
            open_questions.setdefault(key, []).append(_question(event))
        else:
            hops.append(_hop(event, tuple(open_questions.pop(key, ()))))
    for questions in open_questions.values():
        first = questions[0]
        hops.append(
            Hop(
                first.host,
                Stage.RESOLVED,
                first.at,
                sum(question.ms for question in questions),
                "no answer yet",
                questions=tuple(questions),
            )
        )
    message_id = next((e.message_id for e in ordered if e.message_id), "")
    return Way(message_id, tuple(sorted(hops, key=lambda hop: hop.at)))


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


def _question(event: TraceEvent) -> Question:
    facts = event.facts
    return Question(
        event.host,
        str(facts[QUESTION]),
        str(facts.get(ASKED, "")),
        str(facts.get(ANSWER, "")),
        event.at,
        event.elapsed_ms,
    )


def _hop(event: TraceEvent, questions: tuple[Question, ...]) -> Hop:
    dialogue = event.facts.get(DIALOGUE)
    return Hop(
        event.host,
        event.stage,
        event.at,
        event.elapsed_ms,
        detail_of(event.facts),
        event.recipient,
        tuple(dialogue.splitlines()) if isinstance(dialogue, str) else (),
        questions,
    )


def detail_of(facts: Mapping[str, Fact]) -> str:
    """Return one line for people: the detail in words, else every fact by name."""
    detail = facts.get(DETAIL)
    if isinstance(detail, str) and detail:
        return detail
    return ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in facts.items()
        if name not in _NOT_DETAIL and value not in {None, ""}
    )
