from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.packed import NOTHING, Nodes, is_single, pack, unpack, walk
from tests.support.zones import octets

A = octets("a.test.")
ONE = pack(1, 60, 7, b"\x01\x02\x03\x04")


def test_records_come_back_as_they_went_in() -> None:
    packed = ONE + pack(16, 30, 8, b"\x01x") + pack(1, 50, 9, b"\x05\x06\x07\x08")
    assert list(walk(packed))[1] == (16, 30, 8, b"\x01x")
    assert is_single(ONE)
    assert not is_single(packed)
    assert unpack(A, packed) == {
        1: RRset(A, 1, 50, (b"\x01\x02\x03\x04", b"\x05\x06\x07\x08")),
        16: RRset(A, 16, 30, (b"\x01x",)),
    }
    assert unpack(A, ONE) == {1: RRset(A, 1, 60, (b"\x01\x02\x03\x04",))}
    assert unpack(A, b"") is NOTHING


def test_nodes_are_a_mapping_that_knows_letters() -> None:
    nodes = Nodes({A: ONE, b"\x04test\x00": b""}, {A: octets("A.test.")})
    assert nodes[A][1].owner == octets("A.test.")
    assert nodes.get(b"\x00") is None
    assert A in nodes
    assert len(nodes) == len(list(nodes)) == 2
    assert nodes[b"\x04test\x00"] == {}
