from itertools import pairwise

import pytest

from pabal.dns.wire import codes
from pabal.dns.zone import history as history_module
from pabal.dns.zone.history import (
    VERSIONS_MAX,
    History,
    difference,
    is_newer,
    short_difference,
)
from tests.support.zones import HEAD, octets, zone


def version(serial: int, lines: str = "") -> str:
    return HEAD.replace(" 1 7200", f" {serial} 7200") + lines


def test_serials_wrap() -> None:
    assert is_newer(2, 1)
    assert is_newer(1, 0xFFFF_FFFF)
    assert not is_newer(1, 1)
    assert not is_newer(1, 2)


def test_difference_holds_what_changed_and_nothing_else() -> None:
    old = zone(version(1, "a A 192.0.2.1\na A 192.0.2.2\nb A 192.0.2.3\nt 9 TXT x\n"))
    new = zone(version(2, "t 8 TXT x\nc A 192.0.2.4\na A 192.0.2.2\na A 192.0.2.5\n"))
    change = difference(old, new)
    assert (change.before, change.after) == (old.soa, new.soa)
    assert sorted((r.owner, r.rdatas) for r in change.removed) == [
        (octets("a.example.com"), (bytes((192, 0, 2, 1)),)),
        (octets("b.example.com"), (bytes((192, 0, 2, 3)),)),
        (octets("t.example.com"), (b"\x01x",)),
    ]
    assert sorted((r.owner, r.ttl_s) for r in change.added) == [
        (octets("a.example.com"), 3600),
        (octets("c.example.com"), 3600),
        (octets("t.example.com"), 8),
    ]
    assert codes.SOA not in {r.rdtype for r in (*change.removed, *change.added)}


def test_where_a_record_stands_is_no_change() -> None:
    old = zone(version(1, "a A 192.0.2.1\nb A 192.0.2.2\nb TXT x\n"))
    new = zone(version(2, "\n; moved\nb A 192.0.2.2\nb TXT x\n\na A 192.0.2.1\n"))
    assert difference(old, new).size == 0


def test_changes_since_a_version() -> None:
    history = History()
    versions = [zone(version(n, f"h{n} A 192.0.2.1\n")) for n in range(1, 5)]
    for old, new in pairwise(versions):
        history.note(old, new)
    origin = versions[0].origin
    changes = history.since(origin, 2)
    assert changes is not None
    assert [c.after for c in changes] == [versions[2].soa, versions[3].soa]
    assert history.since(origin, 9) is None
    assert history.since(b"\x00", 2) is None
    history.note(versions[3], versions[0])
    assert history.since(origin, 2) is None
    history.forget(origin)
    assert history.since(origin, 1) is None


def test_old_changes_are_forgotten() -> None:
    history = History()
    versions = [zone(version(n)) for n in range(1, VERSIONS_MAX + 5)]
    for old, new in pairwise(versions):
        history.note(old, new)
    assert history.since(versions[0].origin, 1) is None
    assert len(history.since(versions[0].origin, 4) or ()) == VERSIONS_MAX


def test_what_is_not_short_is_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that differs in a million records: no million objects are made."""
    monkeypatch.setattr(history_module, "RECORDS_MAX", 4)
    lines = [f"h{number} A 192.0.2.1\n" for number in range(9)]
    first, second = zone(version(1)), zone(version(2, "".join(lines[:4])))
    third = zone(version(3, "".join(lines)))
    kept = short_difference(first, second)
    assert kept is not None
    assert kept.size == 4
    assert short_difference(second, third) is None
    assert short_difference(first, third) is None
    history = History()
    history.note(first, second)
    assert history.since(first.origin, 1)
    history.note(second, third)
    assert history.since(first.origin, 1) is None
    assert history.since(first.origin, 2) is None
