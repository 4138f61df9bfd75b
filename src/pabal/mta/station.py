"""A post station: where this server is, what time it is there, and its book of ways."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pabal.base.clock import Clock
from pabal.base.ids import new_id
from pabal.dns.ports import Steps
from pabal.mta.settings import MtaSettings
from pabal.trace.ports import Fact, Stage, TraceEvent, Tracer

DIALOGUE_MAX_CHARACTERS: Final = 8_192
"""Of a dialogue noted in a trace: a thousand recipients must not fill a disk."""

QUESTIONS_NOTED_MAX: Final = 64
"""DNS questions noted for one look-up; a resolution asks a dozen."""


@dataclass(frozen=True, slots=True)
class Station:
    """What every part of mail transfer knows.

    Attributes:
        settings: What the operator set.
        clock: Time.
        tracer: Where events go.
    """

    settings: MtaSettings
    clock: Clock
    tracer: Tracer

    def new_way(self) -> "Way":
        """Return the way of a message that begins here."""
        return Way(self, new_id(self.clock.now()))


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one message through this server.

    Attributes:
        station: Where.
        trace_id: Joins its events.
        message_id: Joins it with other servers' events; empty while unknown.
    """

    station: Station
    trace_id: str
    message_id: str = ""

    def named(self, message_id: str) -> "Way":
        """Return the same way with its Message-ID known."""
        return Way(self.station, self.trace_id, message_id)

    def note_questions(self, steps: Steps) -> None:
        """Record the DNS questions asked for the message, one event each."""
        for step in steps.taken[:QUESTIONS_NOTED_MAX]:
            self.note(
                Stage.RESOLVED,
                elapsed_ms=step.elapsed_ms,
                question=f"{step.name} {step.rdtype}",
                asked=step.server,
                answer=step.outcome,
            )

    def note(
        self,
        stage: Stage,
        recipient: str = "",
        elapsed_ms: float = 0.0,
        **facts: Fact,
    ) -> None:
        """Record that the message passed ``stage``."""
        self.station.tracer.record(
            TraceEvent(
                at=self.station.clock.now(),
                host=self.station.settings.hostname,
                trace_id=self.trace_id,
                stage=stage,
                message_id=self.message_id,
                recipient=recipient,
                elapsed_ms=round(elapsed_ms, 3),
                facts=facts,
            )
        )


def dialogue_text(lines: Iterable[str]) -> str:
    """Return dialogue lines as one bounded text."""
    text = "\n".join(lines)
    if len(text) <= DIALOGUE_MAX_CHARACTERS:
        return text
    half = DIALOGUE_MAX_CHARACTERS // 2
    return f"{text[:half]}\n…\n{text[-half:]}"
