"""What the lab knows at its end: letters with their hops, names, hosts.

The hops are read from the traces the servers keep, joined over both by Message-ID.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pabal.lab.story import Letter, Lookup, Scene
from pabal.lab.world import World
from pabal.trace.ports import Fact, Stage, TraceReader
from pabal.trace.way import Question, Way, way_of

Json = None | bool | int | float | str | Sequence["Json"] | dict[str, "Json"]

TRACE_TRIES: Final = 60
TRACE_WAIT_SECONDS: Final = 0.05
"""Traces are written off the hot path, a fraction of a second later."""


@dataclass(frozen=True, slots=True)
class Told:
    """A letter and the way it went."""

    letter: Letter
    way: Way


def way(letter: Letter, readers: Sequence[TraceReader]) -> Told:
    """Return ``letter`` with the hops every server noted of it."""
    events = (
        event for reader in readers for event in reader.by_message_id(letter.message_id)
    )
    return Told(letter, way_of(events))


def complete_way(letter: Letter, readers: Sequence[TraceReader]) -> Told:
    """Return the way once the servers have written it: traces lag a moment."""
    told = way(letter, readers)
    for _ in range(TRACE_TRIES):
        if is_complete(told):
            break
        threading.Event().wait(TRACE_WAIT_SECONDS)
        told = way(letter, readers)
    return told


def is_complete(told: Told) -> bool:
    """Whether every station the letter must have passed is noted."""
    stages = [hop.stage.value for hop in told.way.hops]
    return all(stages.count(stage) >= n for stage, n in told.letter.stages.items())


def rendered(value: dict[str, Json]) -> str:
    """Return ``value`` as one line of JSON."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def failed(reason: str) -> dict[str, Json]:
    """Return the report of a lab that could not be played."""
    return {"ok": False, "error": reason, "messages": [], "names": [], "hosts": []}


def as_json(
    world: World, scenes: Sequence[Scene], told: Sequence[Told], *, ok: bool
) -> dict[str, Json]:
    """Return the report ``pabal lab --json`` prints."""
    return {
        "ok": ok,
        "scenes": [{"title": s.title, "proof": s.proof, "ok": s.ok} for s in scenes],
        "messages": [_message(one) for one in told],
        "names": [_lookup(lookup) for scene in scenes for lookup in scene.lookups]
        + [_question(question) for one in told for question in questions(one.way)],
        "hosts": [
            {
                "host": host.label,
                "hostname": host.hostname,
                "address": host.address,
                "services": {s: str(host.endpoint(s)) for s in host.services},
            }
            for host in world.hosts
        ],
    }


def _message(told: Told) -> dict[str, Json]:
    letter = told.letter
    return {
        "message_id": letter.message_id,
        "from": letter.sender,
        "to": letter.recipient,
        "outcome": letter.outcome,
        "hops": [
            {
                "host": hop.host,
                "stage": hop.stage.value,
                "at": hop.at,
                "ms": hop.ms,
                "detail": hop.detail,
                "dialogue": list(hop.dialogue),
            }
            for hop in told.way.hops
        ],
    }


def questions(way: Way) -> list[Question]:
    """Return what was asked for a message, each with what it came to.

    A question's event says that there was an answer; which one is in the event of the
    decision behind it.
    """
    asked: list[Question] = []
    for hop in way.hops:
        asked += hop.questions
        for name, rdtype in (("mx", "MX"), ("addresses", "A"), ("addresses", "AAAA")):
            answer = _answer(hop.facts.get(name), rdtype)
            if answer and hop.stage is Stage.RESOLVED:
                asked = [_answered(q, hop.host, rdtype, answer) for q in asked]
    return asked


def _answer(fact: Fact, rdtype: str) -> str:
    """Return the part of a fact that is of one type."""
    if not isinstance(fact, str):
        return ""
    kinds = {"A": False, "AAAA": True}
    return ", ".join(
        part
        for part in fact.split(", ")
        if rdtype not in kinds or (":" in part) == kinds[rdtype]
    )


def _answered(question: Question, host: str, rdtype: str, answer: str) -> Question:
    bare = question.answer == "answer" and question.host == host
    if bare and question.question.endswith(f" {rdtype}"):
        return replace(question, answer=answer)
    return question


def _lookup(lookup: Lookup) -> dict[str, Json]:
    return {
        "question": lookup.question,
        "asked": lookup.asked,
        "answer": lookup.answer,
    }


def _question(question: Question) -> dict[str, Json]:
    return {
        "question": question.question,
        "asked": question.asked,
        "answer": question.answer,
        "by": question.host,
        "ms": question.ms,
    }
