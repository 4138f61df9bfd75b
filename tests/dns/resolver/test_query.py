import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import (
    EDNS_PAYLOAD_OCTETS,
    RECORDS_MAX,
    MalformedReplyError,
    Query,
    Verdict,
    encode,
    is_truncated,
    mix_case,
    read,
    with_signatures,
)
from tests.scenario.dns.network import FakeChance

WWW = dns.name.from_text("www.example.test.")


def make(
    *,
    tcp: bool = False,
    edns: bool = True,
    mixed_case: bool = True,
    recursive: bool = False,
) -> Query:
    rdtype = dns.rdatatype.AAAA
    wire = encode(
        WWW, rdtype, FakeChance(), edns=edns, recursive=recursive, mixed_case=mixed_case
    )
    server = Server("ns.", "192.0.2.1")
    return Query(server, dns.name.root, WWW, rdtype, tcp, edns, recursive, 1.0, wire)


def reply_to(query: Query) -> dns.message.Message:
    return dns.message.make_response(dns.message.from_wire(query.wire))


def test_a_query_says_nothing_of_who_asked() -> None:
    """RFC 7871 §2: no Client Subnet, nor any other option."""
    for wire in (make().wire, with_signatures(make().wire), make(recursive=True).wire):
        assert list(dns.message.from_wire(wire).options) == []


def test_a_query_is_what_another_library_reads() -> None:
    message = dns.message.from_wire(make(recursive=True).wire)
    assert message.flags == dns.flags.RD
    assert message.payload == EDNS_PAYLOAD_OCTETS
    assert message.question[0].name == WWW
    assert message.question[0].rdtype == dns.rdatatype.AAAA
    plain = dns.message.from_wire(make(edns=False, mixed_case=False).wire)
    assert plain.edns == -1
    assert plain.flags == 0
    assert plain.question[0].to_text() == "www.example.test. IN AAAA"


def test_case_is_random_and_only_case() -> None:
    octets = b"\x03www\x07example\x04te-t\x00"
    mixed = {mix_case(octets, FakeChance(seed)) for seed in range(20)}
    assert len(mixed) > 15
    assert {one.lower() for one in mixed} == {octets}


def test_ids_differ() -> None:
    chance = FakeChance()
    wires = [
        encode(
            WWW, dns.rdatatype.A, chance, edns=True, recursive=False, mixed_case=False
        )
        for _ in range(50)
    ]
    assert len({wire[:2] for wire in wires}) > 45


def test_match() -> None:
    query = make()
    assert query.judge(reply_to(query).to_wire()) is Verdict.MATCH


def test_foreign() -> None:
    query = make()
    right = reply_to(query).to_wire()
    wrong_id = bytes((right[0] ^ 1,)) + right[1:]
    for octets in (
        b"",
        right[:11],
        wrong_id,
        query.wire,  # a question is no answer
        right[:2] + bytes((right[2] | 0x28,)) + right[3:],  # another opcode
        right.replace(b"\x00\x1c\x00\x01", b"\x00\x01\x00\x01"),  # another type
        right.replace(b"\x00\x1c\x00\x01", b"\x00\x1c\x00\x03"),  # another class
        right[:4] + b"\x00\x02" + right[6:],  # two questions
        right[:13] + b"x" + right[14:],  # another name
    ):
        assert query.judge(octets) is Verdict.FOREIGN


def test_case_counts_over_udp_only() -> None:
    wire = reply_to(make()).to_wire()
    name = slice(12, 12 + len(WWW.to_wire() or b""))
    lower = wire[: name.start] + wire[name].lower() + wire[name.stop :]
    assert make().judge(lower) is Verdict.CASE_DIFFERS
    assert make(tcp=True).judge(lower) is Verdict.MATCH


def test_error_without_a_question() -> None:
    query = make()
    header = query.wire[:2] + b"\x80"
    assert query.judge(header + b"\x01" + bytes(8)) is Verdict.MATCH
    assert query.judge(header + b"\x00" + bytes(8)) is Verdict.FOREIGN
    assert query.judge(header + b"\x03" + bytes(8)) is Verdict.FOREIGN
    assert read(header + b"\x01" + bytes(8), query).rcode() == dns.rcode.FORMERR


def test_reading_gives_the_case_back() -> None:
    query = make()
    message = read(reply_to(query).to_wire(), query)
    assert message.question[0].name.to_text() == "www.example.test."


def test_malformed() -> None:
    query = make()
    octets = reply_to(query).to_wire()
    with pytest.raises(MalformedReplyError):
        read(octets[:6] + b"\x00\x05" + octets[8:], query)


def test_an_answer_of_too_many_records_is_not_read() -> None:
    query = make()
    octets = reply_to(query).to_wire()
    announced = octets[:6] + (RECORDS_MAX + 1).to_bytes(2, "big") + octets[8:]
    with pytest.raises(MalformedReplyError, match="too many"):
        read(announced, query)


def test_truncated() -> None:
    reply = reply_to(make())
    assert not is_truncated(reply.to_wire())
    reply.flags |= dns.flags.TC
    assert is_truncated(reply.to_wire())
