from pabal.trace.ports import ANSWER, DETAIL, DIALOGUE, QUESTION, STEPS, Fact, Stage
from pabal.trace.way import Question, detail_of, way_of, ways_of
from tests.trace.contract import event


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


def test_a_look_up_shows_the_questions_asked_for_it() -> None:
    steps = (
        "b.test.\tMX\ta.root@127.0.0.2#53\t.\treferral to test.\t1.5\n"
        "b.test.\tMX\tns.b.test@127.0.0.3#53\tb.test.\tanswer\t0.5\n"
        "cut\tM"
    )
    facts: dict[str, Fact] = {
        QUESTION: "b.test MX",
        ANSWER: "10 mail.b.test",
        "chosen": "mail.b.test",
        STEPS: steps,
    }
    way = way_of([event(1, Stage.QUEUED), event(2, Stage.RESOLVED, facts=facts)])
    assert way.hops[1].detail == "b.test MX → 10 mail.b.test, chosen mail.b.test"
    assert way.questions == (
        Question(
            "mail.a.test",
            "b.test. MX",
            "a.root@127.0.0.2#53",
            ".",
            "referral to test.",
            1.5,
        ),
        Question(
            "mail.a.test",
            "b.test. MX",
            "ns.b.test@127.0.0.3#53",
            "b.test.",
            "answer",
            0.5,
        ),
        Question("mail.a.test", "cut M", "", "", "", 0.0),
    )


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


def test_a_question_an_event_is_a_question_of_the_way() -> None:
    facts: dict[str, Fact] = {
        QUESTION: "b.test. MX",
        "asked": "ns.b.test.@127.0.0.3#53",
        ANSWER: "answer",
    }
    way = way_of([event(1, Stage.RESOLVED, facts=facts)])
    assert way.questions == (
        Question(
            "mail.a.test", "b.test. MX", "ns.b.test.@127.0.0.3#53", "", "answer", 1.5
        ),
    )
    assert way.hops[0].facts == facts
