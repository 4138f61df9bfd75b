"""What the lab knows at its end: letters with their hops, names, hosts.

The hops are read from the traces the servers keep, joined over both by Message-ID.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.lab.story import Letter, Lookup, Scene
from pabal.lab.world import World
from pabal.trace.ports import TraceReader
from pabal.trace.way import Way, way_of

Json = None | bool | int | float | str | Sequence["Json"] | dict[str, "Json"]

TRACE_TRIES: Final = 40
TRACE_WAIT_SECONDS: Final = 0.05
"""Traces are written off the hot path, a fraction of a second later."""


@dataclass(frozen=True, slots=True)
class Told:
    """A letter and the way it went."""

    letter: Letter
    way: Way


def ways(letters: Sequence[Letter], readers: Sequence[TraceReader]) -> list[Told]:
    """Return each letter with the hops every server noted of it."""
    return [
        Told(
            letter,
            way_of(
                event
                for reader in readers
                for event in reader.by_message_id(letter.message_id)
            ),
        )
        for letter in letters
    ]


def complete_ways(
    letters: Sequence[Letter], readers: Sequence[TraceReader]
) -> list[Told]:
    """Return the ways once the servers have written them: traces lag a moment."""
    told = ways(letters, readers)
    for _ in range(TRACE_TRIES):
        if all(_is_complete(one) for one in told):
            break
        threading.Event().wait(TRACE_WAIT_SECONDS)
        told = ways(letters, readers)
    return told


def _is_complete(told: Told) -> bool:
    stages = {hop.stage.value for hop in told.way.hops}
    return told.letter.outcome in stages


def rendered(value: dict[str, Json]) -> str:
    """Return ``value`` as one line of JSON."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def as_json(
    world: World, scenes: Sequence[Scene], told: Sequence[Told]
) -> dict[str, Json]:
    """Return the report ``pabal lab --json`` prints."""
    return {
        "ok": bool(scenes) and all(scene.ok for scene in scenes),
        "scenes": [{"title": s.title, "proof": s.proof, "ok": s.ok} for s in scenes],
        "messages": [_message(one) for one in told],
        "names": [_name(lookup) for scene in scenes for lookup in scene.lookups]
        + [
            {
                "question": question.question,
                "asked": question.asked,
                "answer": question.answer,
            }
            for one in told
            for question in one.way.questions
        ],
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
            }
            for hop in told.way.hops
        ],
    }


def _name(lookup: Lookup) -> dict[str, Json]:
    return {
        "question": lookup.question,
        "asked": lookup.asked,
        "answer": lookup.answer,
    }
