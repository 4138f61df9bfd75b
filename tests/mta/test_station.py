from pabal.dns.ports import Step, Steps
from pabal.mta.station import (
    DIALOGUE_MAX_CHARACTERS,
    QUESTIONS_NOTED_MAX,
    Station,
    dialogue_text,
)
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import FakeClock, Ledger, settings


def test_a_way_writes_events() -> None:
    ledger = Ledger()
    way = Station(settings(), FakeClock(), ledger).new_way().named("m@x.test")
    way.note(TraceStage.SENT, "a@x.test", 1.23456, host="mx")
    [event] = ledger.events
    assert event.host == "mail.here.test"
    assert event.message_id == "m@x.test"
    assert event.trace_id == way.trace_id
    assert (event.recipient, event.elapsed_ms) == ("a@x.test", 1.235)
    assert event.facts == {"host": "mx"}


def test_questions_are_bounded() -> None:
    ledger = Ledger()
    way = Station(settings(), FakeClock(), ledger).new_way()
    way.note_questions(Steps([Step("x", "MX", "ns", ".", "answer", 1.0)] * 500))
    assert len(ledger.events) == QUESTIONS_NOTED_MAX


def test_dialogues_are_bounded() -> None:
    assert dialogue_text(["C: a", "S: b"]) == "C: a\nS: b"
    text = dialogue_text(["C: RCPT TO:<x@y.test>"] * 10_000 + ["S: 250 end"])
    assert len(text) <= DIALOGUE_MAX_CHARACTERS + 3
    assert text.endswith("S: 250 end")
