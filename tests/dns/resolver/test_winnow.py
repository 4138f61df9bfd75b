import contextlib

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.dns.resolver.winnow import LABELS_MAX, TooMuchWorkError, winnow

A, MX, TXT, HIP = 1, 15, 16, 55


def message(*lines: str) -> bytes:
    made = dns.message.make_response(dns.message.make_query("www.test.", "MX"))
    for line in lines:
        owner, rdtype, data = line.split(None, 2)
        made.answer.append(dns.rrset.from_text(owner, 60, "IN", rdtype, data))
    return made.to_wire(max_size=65535)


def types(octets: bytes) -> list[str]:
    read = dns.message.from_wire(octets)
    return [dns.rdatatype.to_text(rrset.rdtype) for rrset in read.answer]


def test_what_is_asked_or_leads_there_stays_readable() -> None:
    octets = message(
        "www.test. CNAME mail.test.",
        "mail.test. MX 10 a.mail.test.",
        "mail.test. TXT one",
        "mail.test. SRV 1 2 3 a.test.",
        "mail.test. RRSIG MX 13 2 60 9 1 1 test. AAAA",
    )
    assert types(winnow(octets, MX)) == ["CNAME", "MX", "TYPE65534", "RRSIG"]
    assert types(winnow(octets, TXT))[1:3] == ["TYPE65534", "TXT"]
    assert len(winnow(octets, MX)) == len(octets)


def test_large_honest_answers_pass() -> None:
    octets = message(*(f"www.some.domain.test. A 192.0.2.{n}" for n in range(190)))
    assert winnow(octets, A) == octets


def test_long_names_do_not_in_full_or_by_pointer() -> None:
    long = "a." * 100
    with pytest.raises(TooMuchWorkError):
        winnow(message(*(f"{n}.{long}test. A 192.0.2.1" for n in range(30))), A)
    # One long name, and many records of two octets that point to it.
    head = message(f"{long}test. A 192.0.2.1")
    place = 12 + len(b"\x03www\x04test\x00") + 4
    record = (0xC000 | place).to_bytes(2, "big") + b"\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
    octets = bytearray(head + record * 40)
    octets[6:8] = (41).to_bytes(2, "big")
    with pytest.raises(TooMuchWorkError):
        winnow(bytes(octets), A)


def test_loops_and_cut_off_messages_are_refused() -> None:
    header = b"\0\0\x80\0\0\0\0\1\0\0\0\0"
    for name in (b"\xc0\x0c", b"\xc0\x0e", b"\x01a\xc0\x0c\x00", b"\x05ab", b""):
        with pytest.raises(TooMuchWorkError):
            winnow(header + name, A)


def test_the_type_with_many_names_is_bounded() -> None:
    made = message("www.test. TXT x")
    octets = bytearray(made)
    start = len(octets) - 12
    assert octets[start : start + 2] == b"\0\x10"
    data = b"\xc0\x0c" * 2000
    octets[start : start + 2] = HIP.to_bytes(2, "big")
    octets[start + 8 :] = len(data).to_bytes(2, "big") + data
    with pytest.raises(TooMuchWorkError):
        winnow(bytes(octets), HIP)
    assert types(winnow(bytes(octets), A)) == ["TYPE65534"]


@given(st.binary(max_size=200), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_any_octets_end(body: bytes, counts: list[int]) -> None:
    header = b"\0\0\x80\0" + b"".join(n.to_bytes(2, "big") for n in counts)
    with contextlib.suppress(TooMuchWorkError):
        assert len(winnow(header + body, A)) == len(header + body)


def test_the_limit_leaves_room() -> None:
    assert LABELS_MAX >= 200 * 9
