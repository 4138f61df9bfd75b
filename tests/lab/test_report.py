import json

from pabal.lab.report import (
    as_json,
    complete_way,
    failed,
    is_complete,
    questions,
    rendered,
    way,
)
from pabal.lab.story import Lookup, Scene
from tests.lab.letters import LETTER, read_again, servers, told, world


def test_the_ways_of_both_servers_are_one() -> None:
    stages = [hop.stage.value for hop in told().way.hops]
    assert stages[0] == "submitted"
    assert stages[-4:] == ["delivered", "sent", "fetched", "fetched"]


def test_a_way_is_complete_when_both_devices_have_read() -> None:
    server, server_b = servers()
    assert not is_complete(way(LETTER, [server, server_b]))
    read_again(server_b)
    assert is_complete(complete_way(LETTER, [server, server_b]))


def test_questions_carry_what_they_came_to() -> None:
    found = {q.question: q.answer for q in questions(told().way)}
    assert found == {
        "busan.test. MX": "10 mail.busan.test",
        "mail.busan.test. A": "127.0.2.1",
        "mail.busan.test. AAAA": "::1",
    }


def test_the_report_has_the_promised_shape() -> None:
    lookup = Lookup("www.seoul.test A", "127.0.1.1:20053", "127.0.1.1")
    scenes = [Scene("title", "proof", ok=True, lookups=(lookup,))]
    report = json.loads(rendered(as_json(world(), scenes, [told()], ok=True)))
    assert report["ok"] is True
    (message,) = report["messages"]
    assert {"message_id", "from", "to", "outcome", "hops"} <= set(message)
    assert message["from"] == "s@seoul.test"
    for hop in message["hops"]:
        assert {"host", "stage", "at", "ms", "detail"} <= set(hop)
    for name in report["names"]:
        assert name["question"]
        assert name["asked"]
        assert name["answer"]
    assert [host["host"] for host in report["hosts"]] == [
        "root",
        "registry",
        "server",
        "server-b",
    ]


def test_a_lab_that_could_not_be_played_is_a_report_too() -> None:
    report = failed("no ground")
    assert report["ok"] is False
    assert {"messages", "names", "hosts"} <= set(report)
