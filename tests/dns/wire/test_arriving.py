import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.arriving import Arrival, Arrived, ArrivingError, parse_arrival
from pabal.dns.wire.rrset import name_octets, rdata_octets

SIGNATURE = "8 2 60 20300101000000 20200101000000 1 a.test. AAAA"
LINES = (
    "a.test. 60 IN SOA ns.a.test. h.a.test. 1 2 3 4 5",
    "a.test. 60 IN NS ns.else.test.",
    "A.test. 60 IN MX 10 mail.a.test.",
    "ns.a.test. 60 IN A 192.0.2.1",
    "ns.a.test. 60 IN AAAA 2001:db8::1",
    "_s._tcp.a.test. 60 IN SRV 1 2 3 ns.a.test.",
    "x.a.test. 60 IN CNAME a.test.",
    "p.a.test. 60 IN PTR ns.a.test.",
    "d.a.test. 60 IN DNAME else.test.",
    't.a.test. 60 IN TXT "one" "" "three"',
    f"a.test. 60 IN RRSIG SOA {SIGNATURE}",
    "a.test. 60 IN NSEC ns.a.test. A SOA TYPE1234",
    "a.test. 60 IN DS 1 8 2 " + "00" * 32,
    'a.test. 60 IN CAA 0 issue "ca.test"',
    "r.a.test. 60 IN RP h.a.test. t.a.test.",
    "u.a.test. 60 IN TYPE65280 \\# 2 abcd",
    "a.test. 60 IN SOA ns.a.test. h.a.test. 1 2 3 4 5",
)


def rrset(line: str) -> dns.rrset.RRset:
    owner, ttl_s, rdclass, rdtype, rdata = line.split(None, 4)
    return dns.rrset.from_text(owner, int(ttl_s), rdclass, rdtype, rdata)


def message(*lines: str) -> dns.message.Message:
    made = dns.message.make_response(dns.message.make_query("a.test.", "AXFR", id=7))
    made.answer = [rrset(line) for line in lines]
    return made


def by_dnspython(data: bytes) -> list[Arrived]:
    found = dns.message.from_wire(data, xfr=True, multi=True, one_rr_per_rrset=True)
    return [
        (name_octets(rrset.name), int(rrset.rdtype), rrset.ttl, rdata_octets(rdata))
        for rrset in found.answer
        for rdata in rrset
    ]


def parsed(data: bytes) -> Arrival:
    return parse_arrival(data)


@pytest.mark.parametrize("line", LINES)
def test_a_record_is_what_dnspython_says(line: str) -> None:
    data = message(line).to_wire()
    assert parsed(data).records == by_dnspython(data)


def test_all_in_their_order() -> None:
    data = message(*LINES).to_wire()
    found = parsed(data)
    assert found.records == by_dnspython(data)
    assert len(found.records) == len(LINES)
    assert (found.ident, found.rcode, found.signed) == (7, codes.NOERROR, None)


def test_where_the_signature_is() -> None:
    signed = message(*LINES)
    signed.use_tsig(dns.tsig.Key("k.test.", "cGFiYWw="))
    data = signed.to_wire()
    found = parsed(data)
    assert found.records == by_dnspython(signed_without(data))
    assert found.signed is not None
    assert data[found.signed.start :].startswith(b"\x01k")
    assert found.signed.rdata + found.signed.size == len(data)


def signed_without(data: bytes) -> bytes:
    at = parsed(data).signed
    assert at is not None
    return data[:10] + bytes(2) + data[12 : at.start]


def test_a_refusal() -> None:
    refused = message()
    refused.set_rcode(dns.rcode.REFUSED)
    assert parsed(refused.to_wire()).rcode == codes.REFUSED
    assert parsed(refused.to_wire()).records == []


def test_a_ttl_that_is_none_counts_as_zero() -> None:
    data = bytearray(message(LINES[3]).to_wire())
    at = data.index(b"\x00\x00\x00\x3c")
    data[at] = 0x80
    assert parsed(bytes(data)).records[0][2] == 0


PLAIN = message(LINES[3]).to_wire()
HEAD = PLAIN[: PLAIN.index(b"\x00\x01\x00\x01\x00\x00\x00\x3c")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:-1],
        PLAIN + b"x",
        PLAIN.replace(b"\x00\x01\x00\x01\x00\x00", b"\x00\x01\x00\x03\x00\x00"),
        PLAIN.replace(b"\x00\x04\xc0\x00", b"\x00\x05\xc0\x00"),
        message(LINES[0]).to_wire()[:-1],
        message(LINES[9]).to_wire()[:-1],
        HEAD[:-2] + b"\xff\xff" + PLAIN[len(HEAD) :],
        HEAD[:-2] + b"\xc0\x30" + PLAIN[len(HEAD) :],
        HEAD[:-2] + b"\x80\x30" + PLAIN[len(HEAD) :],
        HEAD + b"\x00\xfa" + PLAIN[len(HEAD) + 2 :],
        message(LINES[10]).to_wire()[:-30],
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(ArrivingError):
        parse_arrival(data)


def test_pointers_in_a_long_row_end() -> None:
    """Each leads to the one before it: no loop, and no stack that overflows."""
    row = b"\x01a\x00" + b"".join(
        (0xC000 | 12 + (0 if n == 0 else 3 + 2 * (n - 1))).to_bytes(2, "big")
        for n in range(3000)
    )
    chained = bytes(4) + b"\x00\x00\x00\x01\x00\x00\x00\x00" + row
    start = len(chained) - 2
    tail = (0xC000 | start).to_bytes(2, "big") + b"\x00\x01\x00\x01" + bytes(4)
    body = chained[:4] + b"\x00\x00" + chained[6:8] + bytes(4) + row
    with pytest.raises(ArrivingError):
        parse_arrival(body + tail + b"\x00\x04" + bytes(4))
