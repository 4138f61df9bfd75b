"""Without a running server; with one: tests/app/test_caches.py."""

import pytest

from pabal.app.caches import ProcessCache
from pabal.dns.resolver.contents import Cached
from tests.cli.desk import Desk

WWW = Cached("www.a.test.", "A", 60, "records", ("192.0.2.1",), "answer", "secure")
NO = Cached("no.a.test.", "", 5, "no such name", (), "authoritative", "")


def test_no_server(desk: Desk) -> None:
    assert "no server runs here" in desk.fails(1, "cache", "show")
    assert "no server runs here" in desk.fails(1, "cache", "flush", "a.test")
    assert "'a..b' is not a name" in desk.fails(2, "cache", "show", "a..b")


VIEWS = """
[dns.view.inside]
clients = ["10.0.0.0/8"]
forwarders = ["10.0.0.1"]
[dns.view.alike]
clients = ["192.0.2.0/24"]
"""


def add_views(desk: Desk) -> None:
    with (desk.directory / "pabal.toml").open("a") as file:
        file.write(VIEWS)


def test_what_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cached_names(*_: object) -> list[ProcessCache]:
        return [
            ProcessCache("dns-0-17", "", 2, 2340, 1, (WWW, NO)),
            ProcessCache("dns-0-17", "inside", 1, 1170, 0, (WWW,)),
        ] * 2

    monkeypatch.setattr("pabal.cli.cache.cached_names", cached_names)
    add_views(desk)
    shown = desk.ok("cache", "show")
    assert "dns-0-17  -       2        2340    1" in shown
    assert "dns-0-17  inside  1        1170    0" in shown
    said = [line.split() for line in desk.ok("cache", "show", "a.test").splitlines()]
    assert said[1:] == [
        ["no.a.test.", "-", "5", "-", "authoritative", "-", "(no", "such", "name)"],
        ["www.a.test.", "-", "60", "A", "answer", "secure", "192.0.2.1"],
        ["www.a.test.", "inside", "60", "A", "answer", "secure", "192.0.2.1"],
    ]
    facts = desk.json("cache", "show", "a.test", "--view", "inside")
    assert facts["found"] == [
        {"name": "www.a.test.", "view": "inside", "type": "A", "ttl": 60,
         "kind": "records", "data": ["192.0.2.1"], "trust": "answer",
         "security": "secure"},
    ]  # fmt: skip
    # One that asks as everybody is answered from everybody's cache.
    for view in ("alike", "-"):
        said_again = desk.ok("cache", "show", "a.test", "--view", view)
        assert "inside" not in said_again
        assert len(said_again.splitlines()) == 3
    said_wrong = desk.fails(2, "cache", "show", "--view", "insde")
    assert "there is no view insde" in said_wrong


def test_what_is_flushed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def flush_cache(_: object, *given: object) -> list[str]:
        asked.append(given[1])
        return ["dns-0-17"]

    monkeypatch.setattr("pabal.cli.cache.flush_cache", flush_cache)
    add_views(desk)
    assert "a.test. and below, in 1 processes" in desk.ok("cache", "flush", "a.test")
    said = desk.ok("cache", "flush", "a.test", "--view", "inside")
    assert "below for view inside, in 1" in said
    assert "in no view" in desk.ok("cache", "flush", "--view", "alike")
    assert asked == ["", "inside", "-"]
    assert desk.json("cache", "flush") == {
        "ok": True, "name": ".", "view": None, "processes": ["dns-0-17"],
    }  # fmt: skip
