"""Decoding by pieces is decoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.mime import decode_body, scan
from pabal.message.transfer import decode_pieces

ENCODINGS = ["7bit", "base64", "quoted-printable", "x-uuencode"]


@given(
    st.lists(
        st.sampled_from(
            [
                b"aGk",
                b"=",
                b"==",
                b"\r\n",
                b"\n",
                b" ",
                b"=C3",
                b"=A9",
                b"x",
                b"!",
                b"\t",
            ]
        ),
        max_size=40,
    ).map(b"".join),
    st.sampled_from(ENCODINGS),
    st.integers(4, 30),
)
def test_pieces_joined_are_the_body(body: bytes, encoding: str, size: int) -> None:
    octets = f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
    part = scan(octets)
    assert b"".join(decode_pieces(octets, part, size)) == decode_body(octets, part)


@pytest.mark.parametrize(
    "body", [b"=C3=A9" * 500, b"x" * 5_000, b"a=\r\n" * 900, b"=" * 999]
)
def test_a_piece_stays_small(body: bytes) -> None:
    octets = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + body
    part = scan(octets)
    pieces = list(decode_pieces(octets, part, 100))
    assert b"".join(pieces) == decode_body(octets, part)
    assert max(map(len, pieces)) <= 400


def test_blanks_at_the_end_of_a_quoted_line_are_nothing() -> None:
    body = b"hello  \r\nfoo\t= \t\r\nbar\r\nfoo=20 \r\n"
    octets = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + body
    decoded = decode_body(octets, scan(octets))
    assert decoded == b"hello\r\nfoo\tbar\r\nfoo \r\n"
