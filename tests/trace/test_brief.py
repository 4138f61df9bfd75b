import pytest

from pabal.trace.brief import REPLY_MAX_CHARACTERS, brief, is_question, server_name
from pabal.trace.ports import Fact, Stage
from pabal.trace.way import Hop, way_of
from tests.trace.contract import event


def hop(stage: Stage, **facts: Fact) -> Hop:
    return way_of([event(1, stage, facts=facts)]).hops[0]


PEER = {"peer": "[::1]:53316", "protocol": "ESMTPS", "tls": "TLSv1.3 TLS_AES_256_GCM"}


@pytest.mark.parametrize(
    ("stage", "facts", "words"),
    [
        (
            Stage.SUBMITTED,
            {**PEER, "user": "you@a.test", "helo": "laptop"},
            "by you@a.test, ESMTPS, TLSv1.3",
        ),
        (Stage.SUBMITTED, {"about": "m@a.test"}, "a notification about <m@a.test>"),
        (
            Stage.RECEIVED,
            {**PEER, "helo": "mail.a.test"},
            "from mail.a.test [::1], ESMTPS, TLSv1.3",
        ),
        (Stage.SIGNED, {"domain": "a.test"}, "DKIM for a.test"),
        (Stage.QUEUED, {"item": "1m", "size": 1501}, "as 1m, 1501 octets"),
        (
            Stage.RESOLVED,
            {
                "question": "b.test. MX",
                "asked": "ns.nic.test.@127.0.53.2#53",
                "answer": "no data in b.test.",
            },
            "ns.nic.test: b.test MX → no data",
        ),
        (
            Stage.RESOLVED,
            {"detail": "b.test MX: 10 mx.b.test; trying mx.b.test", "mx": "10 mx"},
            "b.test MX: 10 mx.b.test",
        ),
        (Stage.RESOLVED, {"detail": "MX: 1 a, 1 b; trying b", "mx": "1 a, 1 b"}, None),
        (Stage.RESOLVED, {"detail": "mx.b.test: 127.0.2.1"}, None),
        (
            Stage.CONNECTED,
            {"mx": "mx.b.test", "peer": "127.0.2.1:25", "tls": "", "reused": True},
            "mx.b.test 127.0.2.1:25, open already",
        ),
        (
            Stage.CONNECTED,
            {"mx": "mx.b.test", "peer": "127.0.2.1:25", "failed": "refused"},
            "mx.b.test 127.0.2.1:25 failed: refused",
        ),
        (Stage.SENT, {"host": "mx", "reply": "250 ok, id 1m"}, "mx: 250 ok"),
        (Stage.DELIVERED, {"mailbox": "INBOX uid 1"}, "into INBOX uid 1"),
        (
            Stage.BOUNCED,
            {"by": "mx", "reply": "550 no", "notification": "<a> told"},
            "mx: 550 no; <a> told",
        ),
        (
            Stage.DEFERRED,
            {"reply": "451 later", "retry_in_s": 59.6},
            "451 later; again in 60 s",
        ),
        (Stage.REFUSED, {"reply": "550 no", "reason": "why"}, "550 no (why)"),
        (Stage.FETCHED, {"detail": "read over IMAP"}, "read over IMAP"),
        (Stage.CHECKED, {"spf": "pass"}, "spf pass"),
    ],
)
def test_a_hop_in_a_few_words(
    stage: Stage, facts: dict[str, Fact], words: str | None
) -> None:
    assert brief(hop(stage, **facts)) == (words or facts["detail"])


def test_without_facts_there_is_nothing_to_say() -> None:
    for stage in Stage:
        assert brief(hop(stage)) == ""


def test_a_long_reply_is_cut() -> None:
    said = brief(hop(Stage.SENT, host="mx", reply="250 " + "x" * 500))
    assert said.endswith("…")
    assert len(said) == REPLY_MAX_CHARACTERS + len("mx: ")


def test_the_root_is_asked_by_its_name() -> None:
    assert server_name("a.root.test.@127.0.0.1#53") == "a.root.test"
    assert server_name("cache") == "cache"
    one = hop(Stage.RESOLVED, question=". NS", asked="cache", answer="answer")
    assert brief(one) == "cache: . NS → answer"
    assert is_question(one)
    assert not is_question(hop(Stage.RESOLVED, detail="x"))
