import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.commands.decoding import LINE_MAX_OCTETS, decoder_of


def decoded(encoding: str, octets: bytes, size: int) -> bytes:
    decoder = decoder_of(encoding)
    assert decoder is not None
    pieces = [octets[i : i + size] for i in range(0, len(octets), size)]
    return b"".join(decoder(pieces))


@given(st.binary(max_size=300), st.integers(1, 100))
def test_base64(octets: bytes, size: int) -> None:
    assert decoded("base64", base64.encodebytes(octets), size) == octets


@given(st.text(max_size=300), st.integers(1, 100))
def test_quoted_printable(text: str, size: int) -> None:
    octets = text.replace("\r", "").encode()
    assert decoded("quoted-printable", quopri.encodestring(octets), size) == octets


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary"])
def test_nothing_to_take_off(encoding: str) -> None:
    assert decoded(encoding, b"a\0b\r\n", 2) == b"a\0b\r\n"


def test_what_is_cut_off_keeps_its_beginning() -> None:
    assert decoded("base64", b"YWJjZ", 3) == b"abc"
    assert decoded("base64", b"YWJjZG", 3) == b"abcd"


def test_unknown() -> None:
    assert decoder_of("x-secret") is None


def test_a_line_without_end_is_not_waited_for() -> None:
    octets = b"a" * (3 * LINE_MAX_OCTETS)
    assert decoded("quoted-printable", octets, LINE_MAX_OCTETS // 2) == octets
