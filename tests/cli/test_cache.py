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


def test_what_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cached_names(*_: object) -> list[ProcessCache]:
        return [ProcessCache("dns-0-17", 2, 2340, 1, (WWW, NO))] * 2

    monkeypatch.setattr("pabal.cli.cache.cached_names", cached_names)
    assert "dns-0-17  2        2340    1" in desk.ok("cache", "show")
    said = desk.ok("cache", "show", "a.test").splitlines()
    assert said[1].split() == [
        "no.a.test.",
        "5",
        "-",
        "authoritative",
        "-",
        "(no",
        "such",
        "name)",
    ]
    assert said[2].split() == [
        "www.a.test.",
        "60",
        "A",
        "answer",
        "secure",
        "192.0.2.1",
    ]
    assert len(said) == 3
    facts = desk.json("cache", "show", "a.test")
    assert facts["found"] == [
        {"name": "no.a.test.", "type": "", "ttl": 5, "kind": "no such name",
         "data": [], "trust": "authoritative", "security": ""},
        {"name": "www.a.test.", "type": "A", "ttl": 60, "kind": "records",
         "data": ["192.0.2.1"], "trust": "answer", "security": "secure"},
    ]  # fmt: skip


def test_what_is_flushed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pabal.cli.cache.flush_cache", lambda *_: ["dns-0-17"])
    assert "a.test. and below, in 1 processes" in desk.ok("cache", "flush", "a.test")
    assert desk.json("cache", "flush") == {
        "ok": True, "name": ".", "processes": ["dns-0-17"],
    }  # fmt: skip
