import dns.flags
import dns.message
import dns.rcode
import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.query import parse_query
from pabal.dns.wire.response import (
    Limits,
    Rendered,
    Response,
    header_only,
    render,
    turned,
)
from pabal.dns.wire.rrset import RRset
from tests.support.zones import octets, question

WIDE = Limits(1232, 1232, recursion=False)
NAME = octets("www.example.com")


def addresses(count: int, owner: bytes = NAME) -> RRset:
    rdatas = tuple(bytes((192, 0, 2, i)) for i in range(count))
    return RRset(owner, codes.A, 300, rdatas)


def rendered(response: Response, limits: Limits = WIDE, data: bytes = b"") -> Rendered:
    return render(parse_query(data or question("www.example.com")), response, limits)


def read(response: Response, limits: Limits = WIDE) -> dns.message.Message:
    return dns.message.from_wire(rendered(response, limits).octets)


def test_sections_and_flags() -> None:
    soa = RRset(
        octets("example.com"),
        codes.SOA,
        60,
        (octets("ns.example.com") + octets("root.example.com") + bytes(20),),
    )
    mx = RRset(NAME, codes.MX, 30, (b"\x00\x05" + octets("MAIL.example.com"),))
    message = read(
        Response(
            codes.NOERROR,
            authoritative=True,
            answer=(mx,),
            authority=(soa,),
            glue=(addresses(1, octets("g.example.com")),),
            additional=(addresses(2, octets("mail.example.com")),),
        )
    )
    assert message.id == 0
    assert message.flags == dns.flags.QR | dns.flags.AA
    assert (
        message.answer[0].to_text() == "www.example.com. 30 IN MX 5 MAIL.example.com."
    )
    assert "root.example.com. 0 0 0 0 0" in message.authority[0].to_text()
    assert [len(rrset) for rrset in message.additional] == [1, 2]


def test_names_are_compressed_only_where_allowed() -> None:
    mx = RRset(NAME, codes.MX, 1, (b"\x00\x01" + NAME,))
    srv = RRset(NAME, codes.SRV, 1, (bytes(6) + NAME,))
    head = len(question("www.example.com"))
    # Owner pointer, ten octets, preference, pointer.
    assert len(rendered(Response(0, answer=(mx,))).octets) == head + 2 + 10 + 2 + 2
    assert len(rendered(Response(0, answer=(srv,))).octets) == (
        head + 2 + 10 + 6 + len(NAME)
    )


def test_ttls_are_found() -> None:
    result = rendered(Response(0, answer=(addresses(2),), authority=(addresses(1),)))
    for offset in result.ttl_offsets:
        assert result.octets[offset : offset + 4] == (300).to_bytes(4, "big")
    assert len(result.ttl_offsets) == 3
    assert result.ttl_min_s == 300
    assert rendered(Response(0)).ttl_min_s == 0


def test_addresses_can_be_turned() -> None:
    result = rendered(Response(0, answer=(addresses(3),), authority=(addresses(1),)))
    assert result.run is not None
    message = dns.message.from_wire(turned(result.octets, result.run, 1))
    # dnspython keeps the order of the message.
    assert [r.to_text() for r in message.answer[0]] == [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.0",
    ]


def test_what_is_not_turned() -> None:
    assert rendered(Response(0, answer=(addresses(1),))).run is None
    texts = RRset(NAME, codes.TXT, 1, (b"\x01a", b"\x01b"))
    assert rendered(Response(0, answer=(texts,))).run is None


def test_too_much_is_truncated() -> None:
    small = Limits(512, 1232, recursion=False)
    message = read(Response(0, authoritative=True, answer=(addresses(40),)), small)
    assert message.flags & dns.flags.TC
    assert not message.answer
    assert len(message.question) == 1


@pytest.mark.parametrize("room", range(40, 120))
def test_additional_is_left_out_glue_is_not(room: int) -> None:
    limits = Limits(room, 1232, recursion=False)
    host = addresses(1, octets("a.example.net"))
    other = addresses(1, octets("b.example.net"))
    result = rendered(Response(0, glue=(host,), additional=(other,)), limits)
    message = dns.message.from_wire(result.octets)
    assert len(result.octets) <= room
    assert bool(message.flags & dns.flags.TC) == (not message.additional)
    assert len(result.ttl_offsets) == len(message.additional)


def test_edns_is_answered_with_edns() -> None:
    data = question("www.example.com", edns=0)
    message = dns.message.from_wire(rendered(Response(codes.BADVERS), data=data).octets)
    assert message.edns == 0
    assert message.payload == 1232
    assert message.rcode() == dns.rcode.BADVERS


def test_recursion_and_authenticated_flags() -> None:
    recursing = Limits(512, 1232, recursion=True)
    asking = bytearray(question("www.example.com"))
    asking[2] |= 1
    asking[3] |= 0x20
    octets_ = rendered(Response(0, authenticated=True), recursing, bytes(asking)).octets
    flags = dns.message.from_wire(octets_).flags
    assert flags == dns.flags.QR | dns.flags.RD | dns.flags.RA | dns.flags.AD
    # Who did not ask for AD does not get it.
    assert not read(Response(0, authenticated=True)).flags & dns.flags.AD


def test_header_only() -> None:
    data = b"\xab\xcd\x29\x00" + b"\x11" * 20
    answer = header_only(data, codes.NOTIMP)
    assert answer == b"\xab\xcd\xa9\x04" + bytes(8)
    assert header_only(data, codes.NOTIMP, b"opt") == answer[:11] + b"\1opt"
