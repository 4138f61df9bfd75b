import pytest

from pabal.admin.layout import Layout
from pabal.base.clock import SystemClock
from pabal.trace.ports import Stage, TraceEvent
from pabal.trace.sqlite import SqliteTracer
from tests.cli.desk import Desk


@pytest.fixture(autouse=True)
def traces(desk: Desk) -> None:
    clock = SystemClock()
    at = clock.now() - 60
    tracer = SqliteTracer(Layout(desk.directory / "data").trace, clock)
    asked = "ns.b.test.@127.0.0.3#53"
    for event in (
        TraceEvent(at, "mail.a.test", "t1", Stage.SUBMITTED, "m1@a.test"),
        TraceEvent(
            at + 0.1,
            "mail.a.test",
            "t1",
            Stage.RESOLVED,
            "m1@a.test",
            facts={"question": "b.test. MX", "asked": asked, "answer": "answer"},
        ),
        TraceEvent(
            at + 0.25,
            "mail.a.test",
            "t1",
            Stage.SENT,
            "m1@a.test",
            "bob@b.test",
            facts={"host": "mx", "reply": "250 ok", "dialogue": "C: QUIT\nS: 221 bye"},
        ),
        TraceEvent(
            at + 1, "mail.a.test", "t2", Stage.REFUSED, facts={"reply": "550 no relay"}
        ),
    ):
        tracer.record(event)
    tracer.close()


def test_a_way_hop_by_hop_with_its_questions(desk: Desk) -> None:
    said = desk.ok("trace", "<m1@a.test>")
    assert said.startswith("<m1@a.test>\n")
    assert "asks       ns.b.test: b.test MX → answer" in said
    assert "   250 ms  mail.a.test  sent       <bob@b.test> mx: 250 ok" in said
    assert "QUIT" not in said


def test_dialogue_on_request(desk: Desk) -> None:
    assert "C: QUIT" in desk.ok("trace", "m1@a.test", "--dialogue")


def test_the_last_ways_and_those_to_somebody(desk: Desk) -> None:
    last = desk.ok("trace", "--last")
    assert last.startswith("(no Message-ID)\n")
    assert "550 no relay" in last
    assert "<m1@a.test>" in desk.ok("trace", "--last", "2")
    assert "<m1@a.test>" in desk.ok("trace", "--to", "bob@b.test")


def test_for_programs(desk: Desk) -> None:
    way = desk.first("ways", "trace", "m1@a.test")
    assert way["message_id"] == "m1@a.test"
    hops, questions = way["hops"], way["questions"]
    assert isinstance(hops, list)
    assert [hop["stage"] for hop in hops if isinstance(hop, dict)] == [
        "submitted",
        "resolved",
        "sent",
    ]
    assert isinstance(questions, list)
    assert len(questions) == 1


def test_nothing_found_fails(desk: Desk) -> None:
    assert "No trace of that" in desk.fails(1, "trace", "m9@a.test")
    assert desk.json("trace", "m9@a.test") == {"ways": []}
    assert "which message?" in desk.fails(2, "trace")


def test_before_the_first_message(desk: Desk) -> None:
    for file in (desk.directory / "data").glob("trace.db*"):
        file.unlink()
    assert "no traces" in desk.fails(1, "trace", "--last")
