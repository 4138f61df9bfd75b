import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.wire.mailbox_name import (
    NAME_MAX_OCTETS,
    NameEncodingError,
    decode,
    decode_utf8,
    encode,
)

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40
).map(lambda text: unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("INBOX", b"INBOX"),
        ("회의", b"&1ozHWA-"),
        ("R&D", b"R&-D"),
        # RFC 3501 §5.1.3's own example.
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("보낸 편지함", b"&vPSwuA- &07jJwNVo-"),
    ],
)
def test_both_ways(name: str, octets: bytes) -> None:
    assert encode(name) == octets
    assert decode(octets) == name


@given(NAMES)
def test_decode_undoes_encode(name: str) -> None:
    octets = encode(name)
    assert octets.isascii()
    assert decode(octets) == name


@pytest.mark.parametrize(
    "octets",
    [b"&bad", b"&!!-", b"a\x01b", b"&2D8-", b"x\xff", b"&A-", b"\0\xc2\x80", b"&AAA-"],
)
def test_what_is_no_name(octets: bytes) -> None:
    with pytest.raises(NameEncodingError):
        decode(octets)


def test_utf8_is_read_where_nothing_was_agreed_on() -> None:
    assert decode("회의".encode()) == "회의"


def test_names_are_composed() -> None:
    apart = unicodedata.normalize("NFD", "회의")
    assert decode(apart.encode()) == "회의"
    assert decode_utf8(apart.encode()) == "회의"


def test_control_characters_are_in_no_name() -> None:
    for octets in (b"a\0b", b"caf\xc3\xa9\r", b"\x7f"):
        with pytest.raises(NameEncodingError):
            decode_utf8(octets)


def test_utf8_keeps_the_ampersand() -> None:
    assert decode_utf8(b"R&D &1ozHWA-") == "R&D &1ozHWA-"


def test_names_have_an_end() -> None:
    with pytest.raises(NameEncodingError):
        decode(b"a" * (NAME_MAX_OCTETS + 1))
    with pytest.raises(NameEncodingError):
        decode_utf8(b"a" * (NAME_MAX_OCTETS + 1))
