from pabal.trace.ports import (
    ANSWER,
    ASKED,
    DETAIL,
    DIALOGUE,
    QUESTION,
    Stage,
    TraceEvent,
)
from pabal.trace.way import Question, detail_of, way_of, ways_of
from tests.trace.contract import event


def asked(
    at: float, name: str, trace_id: str = "t1", host: str = "mail.a.test"
) -> TraceEvent:
    facts = {QUESTION: f"{name} MX", ASKED: "ns.test@127.0.0.1#53", ANSWER: "answer"}
    return event(at, Stage.RESOLVED, trace_id, host=host, facts={**facts})


def test_hops_in_order_of_time() -> None:
    way = way_of(
        [
            event(
                3, Stage.SENT, facts={"reply": "250 ok", "tls": None, "to_host": "b"}
            ),
            event(1, Stage.SUBMITTED, message_id="m@a"),
            event(2, Stage.QUEUED, facts={DETAIL: "one recipient", "n": 1}),
        ]
    )
    assert way.message_id == "m@a"
    assert [hop.stage for hop in way.hops] == [
        Stage.SUBMITTED,
        Stage.QUEUED,
        Stage.SENT,
    ]
    assert [hop.detail for hop in way.hops] == [
        "",
        "one recipient",
        "reply 250 ok, to host b",
    ]
    assert way.hops[0].ms == 1.5


def test_questions_belong_to_what_followed_in_their_trace() -> None:
    way = way_of(
        [
            event(1, Stage.QUEUED, message_id="m@a"),
            asked(2, "b.test."),
            asked(2.1, "x.test.", "t2", "mail.b.test"),
            asked(2.2, "mail.b.test."),
            event(3, Stage.RESOLVED, facts={DETAIL: "mail.b.test"}),
            event(4, Stage.CONNECTED),
            event(5, Stage.RECEIVED, "t2", "m@a", host="mail.b.test"),
        ]
    )
    assert [[q.question for q in hop.questions] for hop in way.hops] == [
        [],
        ["b.test. MX", "mail.b.test. MX"],
        [],
        ["x.test. MX"],
    ]
    assert len(way.questions) == 3
    assert way.questions[0] == Question(
        "mail.a.test", "b.test. MX", "ns.test@127.0.0.1#53", "answer", 2, 1.5
    )


def test_questions_nothing_followed_yet() -> None:
    way = way_of([event(1, Stage.QUEUED), asked(2, "b.test."), asked(3, "c.test.")])
    assert [hop.stage for hop in way.hops] == [Stage.QUEUED, Stage.RESOLVED]
    assert way.hops[1].ms == 3.0
    assert len(way.hops[1].questions) == 2


def test_dialogue() -> None:
    facts = {DIALOGUE: "S: 220 hello\nC: QUIT", "host": "b"}
    way = way_of([event(1, Stage.SENT, facts={**facts})])
    assert way.hops[0].dialogue == ("S: 220 hello", "C: QUIT")
    assert way.hops[0].detail == "host b"


def test_servers_are_joined_by_message_id() -> None:
    ways = ways_of(
        [
            event(5, trace_id="t1", host="b", message_id="m@a"),
            event(1, trace_id="t1", host="a"),
            event(2, trace_id="t1", host="a", message_id="m@a"),
            event(3, trace_id="t9", host="a"),
        ]
    )
    assert [[hop.at for hop in way.hops] for way in ways] == [[1, 2, 5], [3]]
    assert [way.message_id for way in ways] == ["m@a", ""]


def test_nothing() -> None:
    assert way_of([]).hops == ()
    assert ways_of([]) == ()
    assert detail_of({}) == ""
