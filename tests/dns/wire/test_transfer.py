import dns.message

from pabal.dns.wire.rrset import RRset
from pabal.dns.wire.transfer import MESSAGE_OCTETS, transfer
from tests.support.zones import octets

QUESTION = octets("a.test.") + b"\x00\xfc\x00\x01"


def test_many_messages_and_every_record_once_in_order() -> None:
    sets = [
        RRset(
            octets(f"h{i}.a.test."), 1, 60, (i.to_bytes(4, "big"), b"\x7f\x00\x00\x01")
        )
        for i in range(2000)
    ]
    messages = list(transfer(b"\x12\x34", 0x8400, QUESTION, sets))
    assert len(messages) > 2
    assert all(len(m) <= MESSAGE_OCTETS for m in messages)
    names = []
    for octets_ in messages:
        message = dns.message.from_wire(octets_, one_rr_per_rrset=True, xfr=True)
        assert message.id == 0x1234
        names += [str(rrset.name) for rrset in message.answer]
    assert names == [f"h{i}.a.test." for i in range(2000) for _ in range(2)]


def test_a_record_larger_than_a_message_stands_alone() -> None:
    big = bytes((255,)) + bytes(255)
    sets = [RRset(octets("a.test."), 16, 60, (big * 100, b"\x01x"))]
    messages = list(transfer(b"\x00\x01", 0x8400, QUESTION, sets))
    assert [int.from_bytes(m[6:8], "big") for m in messages] == [1, 1]
