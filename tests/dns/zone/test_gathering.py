from pabal.dns.zone.gathering import JOINED_MAX_OCTETS, Gathering
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
