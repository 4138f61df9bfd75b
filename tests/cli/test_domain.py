from tests.cli.desk import Desk


def test_added_shown_and_removed(desk: Desk) -> None:
    assert "b.test is hosted here now." in desk.ok("domain", "add", "b.test")
    assert desk.json("domain", "list") == {"domains": ["a.test", "b.test"]}
    assert desk.ok("domain", "list") == "a.test\nb.test\n"
    shown = desk.ok("domain", "show", "b.test")
    for word in ("MX", "v=spf1", "_dmarc.b.test.", "v=DKIM1", "_imaps._tcp.b.test."):
        assert word in shown
    desk.ok("domain", "remove", "b.test")
    assert desk.json("domain", "list") == {"domains": ["a.test"]}


def test_names_in_hangul(desk: Desk) -> None:
    assert desk.json("domain", "add", "한글.test")["ok"] is True
    assert "한글.test" in desk.ok("domain", "list")
    record = desk.first("records", "domain", "show", "한글.test")
    assert record["name"] == "xn--bj0bj06e.test."


def test_mistakes(desk: Desk) -> None:
    assert "1 account" in desk.fails(1, "domain", "remove", "a.test")
    assert "not hosted" in desk.fails(1, "domain", "show", "c.test")
    assert "not hosted" in desk.fails(1, "domain", "remove", "c.test")
    assert "a.test" in desk.fails(1, "domain", "add", "a.test")
    assert desk.fails(1, "domain", "add", "x..test") != ""
