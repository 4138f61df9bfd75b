"""Encoded words, read and written."""

import binascii
import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.words import (
    WORD_MAX_OCTETS,
    decode_base64,
    decode_words,
    encode_words,
)

ISO_2022_KR = binascii.b2a_base64("안녕".encode("iso2022_kr"), newline=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?B?7ZWc6rWt7Ja0?=", "한국어"),
        (b"=?UTF-8?q?caf=C3=A9_au_lait?=", "café au lait"),
        (b"a =?iso-8859-1?Q?=e4?= b", "a ä b"),
        # RFC 2047 §8, the examples of adjacent words.
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=  =?UTF-8?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"=?us-ascii*en?Q?lang?=", "lang"),
        # A character cut in two by a program that counts octets.
        (b"=?utf-8?B?7ZWc6rU=?= =?utf-8?B?rQ==?=", "한국"),
        (b"=?euc-kr?B?yLi0zw==?=", "회니"),
        (b"=?ks_c_5601-1987?B?x9G6ubW1?=", "한복도"),
        (b"=?iso-2022-kr?B?" + ISO_2022_KR + b"?=", "안녕"),
        # Labelled wrongly, encoded badly, not closed.
        (b"=?us-ascii?B?7ZWc6rWt7Ja0?=", "한국어"),
        (b"=?utf-8?B?7ZWc6rWt7Ja0", "=?utf-8?B?7ZWc6rWt7Ja0"),
        (b"=?utf-8?Q?=ZZ?=", "=ZZ"),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        # Raw eight-bit headers.
        ("회의록".encode("cp949"), "회의록"),
        ("회의록".encode(), "회의록"),
        ("회의록".encode("cp949") + b" =?utf-8?B?7ZWc?=", "회의록 한"),
    ],
)
def test_decodes(value: bytes, text: str) -> None:
    assert decode_words(value) == text


def test_a_cut_character_loses_only_itself() -> None:
    assert decode_words(b"=?utf-8?B?7ZWc6rWt7Ja?=").startswith("한")


@given(st.text(max_size=200))
def test_written_words_are_read_again_by_us_and_the_oracle(text: str) -> None:
    text = "".join(c for c in text if c.isprintable())
    encoded = encode_words(text)
    assert decode_words(encoded) == text
    assert encoded.isascii()
    if encoded.startswith(b"=?"):
        assert all(len(word) <= WORD_MAX_OCTETS for word in encoded.split(b" "))
        pairs = email.header.decode_header(encoded.decode())
        oracle = b"".join(
            piece if isinstance(piece, bytes) else piece.encode() for piece, _ in pairs
        )
        assert oracle.decode() == text


def test_nobody_injects_a_field() -> None:
    assert encode_words("a\r\nBcc: x@y") == b"a  Bcc: x@y"
    assert b"\n" not in encode_words("한\nBcc: x@y")


def test_the_first_word_leaves_room() -> None:
    first = encode_words("한국어" * 30, 20).split(b" ")[0]
    assert len(first) + 20 <= WORD_MAX_OCTETS


@pytest.mark.parametrize(
    ("data", "octets"),
    [
        (b"aGk=", b"hi"),
        (b"aGk", b"hi"),
        (b"a G\r\nk", b"hi"),
        (b"aGk=aGk=", b"hihi"),
        (b"aGkx!", b"hi1"),
        (b"a", b""),
        (b"====", b""),
    ],
)
def test_base64_is_tolerant(data: bytes, octets: bytes) -> None:
    assert decode_base64(data) == octets
