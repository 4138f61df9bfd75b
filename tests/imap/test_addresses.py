import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.addresses import (
    CC,
    FROM,
    NOBODY,
    TO,
    Address,
    first_address,
    subject_of,
)
from pabal.message.envelope import envelope
from pabal.message.header import Header


def made(fields: str) -> bytes:
    return envelope(Header((fields + "\r\n\r\n").encode("utf-8")))


def test_the_first_address_of_a_field() -> None:
    octets = made(
        'From: "A \\"B\\" C" <a@example.com>, b@example.com\r\n'
        "To: c@example.com\r\nSubject: x"
    )
    assert first_address(octets, FROM) == (b'A "B" C', b"a", b"example.com")
    assert first_address(octets, TO) == (b"", b"c", b"example.com")
    assert first_address(octets, CC) is NOBODY
    assert subject_of(octets) == "x"


def test_literals() -> None:
    octets = made("From: 홍길동 <a@example.com>\r\nTo: b@x\r\nSubject: 회의")
    assert b"{" in octets
    assert first_address(octets, FROM).display == "홍길동"
    assert first_address(octets, TO).mailbox == b"b"
    assert subject_of(octets) == "회의"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (Address(b"=?utf-8?B?7ZmN6ri464+Z?=", b"a", b"x"), "홍길동"),
        (Address(b"", b"a", b"x"), "a@x"),
        (Address(b" ", b"a", b""), "a"),
        (NOBODY, ""),
    ],
)
def test_display(address: Address, shown: str) -> None:
    assert address.display == shown


@pytest.mark.parametrize("octets", [b"", b"NIL", b"(", b'("x" "y" (', b"(NIL NIL NIL)"])
def test_nonsense_is_nobody(octets: bytes) -> None:
    assert first_address(octets, TO) is NOBODY
    assert subject_of(octets) in {"", "y"}


TEXT = st.text(st.sampled_from('ab"\\(){} <>@,:;é회\t'), max_size=12)


@given(TEXT, TEXT, TEXT)
def test_both_ways_of_reading_agree(subject: str, author: str, to: str) -> None:
    fields = f"Subject: {subject}\r\nFrom: {author}\r\nTo: {to} <t@x>"
    octets = made(fields)
    # A Date that is a literal leaves only the slow way.
    slow = octets.replace(b"(NIL ", b"({1}\r\nx ", 1)
    for place in (FROM, TO, CC):
        assert first_address(octets, place) == first_address(slow, place)
    assert subject_of(octets) == subject_of(slow)
