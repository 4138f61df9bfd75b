import pytest

from pabal.dns.zone import gathering as module
from pabal.dns.zone.gathering import JOINED_MAX_OCTETS, Gathering
from pabal.dns.zone.shards import Shards
from tests.support.zones import gathered, octets

A = octets("a.test.")


def test_no_record_twice_and_one_ttl_a_set() -> None:
    gathering = Gathering()
    for line, ttl_s, rdata in ((1, 60, b"x"), (2, 30, b"y"), (3, 60, b"x")):
        gathering.add(A, 16, ttl_s, line, rdata)
    gathering.add(A, 1, 60, 4, b"\x00\x00\x00\x00")
    gathering.settle()
    assert [(r.rdtype, r.ttl_s, r.rdatas[0]) for r in gathered(gathering)] == [
        (16, 30, b"x"),
        (16, 30, b"y"),
        (1, 60, b"\x00\x00\x00\x00"),
    ]
    assert gathering.mixed == [(2, 30)]


def test_a_name_may_have_very_many_records() -> None:
    gathering = Gathering()
    count = JOINED_MAX_OCTETS
    for number in range(count):
        gathering.add(A, 16, 60, number, number.to_bytes(4, "big"))
    gathering.settle()
    assert len(gathered(gathering)) == count
    assert isinstance(gathering.nodes[A], bytes)


def test_many_names_are_gathered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = Gathering(), Gathering()
    for gathering, limit in ((few, 10**6), (many, 10)):
        monkeypatch.setattr(module, "SPLIT_NAMES", limit)
        for number in range(100):
            owner = octets(f"N{number % 40}.test.")
            gathering.add(owner, 16, 60 + number % 3, number, b"\x01%d" % (number % 2))
        gathering.settle()
    assert isinstance(few.nodes, dict)
    assert isinstance(many.nodes, Shards)
    assert dict(many.nodes) == few.nodes
    assert many.letters == few.letters
    assert sorted(many.mixed) == sorted(few.mixed)
