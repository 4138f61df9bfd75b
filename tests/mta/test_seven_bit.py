"""Conversion keeps what a message says and makes it ASCII."""

import email
import email.policy
from email.message import Message

import pytest

from pabal.message.mime import decode_body, scan
from pabal.message.spool import CHUNK_OCTETS
from pabal.mta.seven_bit import NotConvertibleError, is_seven_bit, seven_bit

HANGUL = "안녕하세요. 회의는 세 시에 시작합니다.\r\n".encode()


def converted(octets: bytes) -> bytes:
    """Return the conversion, which must be ASCII behind the header."""
    found = b"".join(seven_bit(octets))
    assert found.partition(b"\r\n\r\n")[2].isascii()
    assert b"\n" not in found.replace(b"\r\n", b"")
    assert max(map(len, found.split(b"\r\n"))) <= 998
    return found


def leaves(octets: bytes) -> list[bytes]:
    """Return every body as the standard library decodes it."""
    message: Message = email.message_from_bytes(octets)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return [bytes(part.get_payload(decode=True)) for part in parts]


def text(body: bytes, header: bytes = b"") -> bytes:
    return b"Subject: x\r\n" + header + b"\r\n" + body


PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
EIGHT = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n"


def test_what_is_ascii_stays_as_it_is() -> None:
    octets = text(b"hello\r\n", PLAIN + EIGHT)
    assert converted(octets) == octets
    assert converted(b"Subject: x\r\n") == b"Subject: x\r\n"
    assert converted(text(b"")) == text(b"")


def test_text_of_many_such_octets_becomes_base64() -> None:
    octets = text(HANGUL * 5, PLAIN + EIGHT)
    found = converted(octets)
    assert b"Content-Transfer-Encoding: base64\r\n\r\n" in found
    assert b"8bit" not in found
    assert leaves(found) == [HANGUL * 5]


def test_text_with_few_such_octets_stays_readable() -> None:
    body = "A café in the morning = good.  \r\n.\r\nFrom there\r\n".encode() * 3
    found = converted(text(body, PLAIN))
    assert b"MIME-Version: 1.0\r\n" in found
    assert b"caf=C3=A9 in the morning =3D good." in found
    assert leaves(found) == [body]


def test_text_of_which_nobody_says_what_it_is() -> None:
    found = converted(text(HANGUL))
    # RFC 1428 §3.
    assert b"Content-Type: text/plain; charset=unknown-8bit\r\n" in found
    assert leaves(found) == [HANGUL]


def part(body: bytes, header: bytes) -> bytes:
    return b"--b\r\n" + header + b"\r\n" + body + b"\r\n"


def encoding(name: bytes) -> bytes:
    return b"Content-Transfer-Encoding: " + name + b"\r\n"


MIXED = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\n"
)


def test_every_part_is_encoded_as_it_may_be() -> None:
    inner = text(HANGUL, PLAIN + EIGHT)
    octets = (
        MIXED
        + "앞\r\n".encode()
        + part(b"plain", b"")
        + part(HANGUL, PLAIN + encoding(b"8bit"))
        + part(b"\x00\xff" * 99, b"Content-Type: image/x\r\n")
        + part(
            inner,
            b"Content-Type: message/rfc822\r\n" + encoding(b"8bit"),
        )
        + part(
            b"=C3=A9 and \xc3\xa9", b"Content-Transfer-Encoding: Quoted-Printable\r\n"
        )
        + part(b"AAEC\xff\r\n", encoding(b"base64"))
        + b"--b--\r\n"
        + "뒤\r\n".encode()
    )
    found = converted(octets)
    assert b"8bit" not in found
    assert leaves(found) == [
        b"plain",
        HANGUL,
        b"\x00\xff" * 99,
        HANGUL,
        "é and é".encode(),
        b"\x00\x01\x02",
    ]


@pytest.mark.parametrize(
    ("why", "octets"),
    [
        (
            "signed",
            MIXED.replace(b"mixed", b"signed") + part(HANGUL, PLAIN) + b"--b--\r\n",
        ),
        (
            "signed",
            MIXED
            + part(
                part(HANGUL, PLAIN).replace(b"--b", b"--c") + b"--c--\r\n",
                b"Content-Type: multipart/signed; boundary=c\r\n",
            )
            + b"--b--\r\n",
        ),
        ("message/partial", text(HANGUL, b"Content-Type: message/partial\r\n")),
        ("without parts", MIXED + HANGUL),
        ("x-uuencode", text(HANGUL, encoding(b"x-uuencode"))),
        (
            "boundary",
            (MIXED + part(HANGUL, PLAIN) + b"--b--\r\n")
            .replace(b"boundary=b", "boundary=é".encode())
            .replace(b"--b", "--é".encode()),
        ),
    ],
)
def test_what_must_not_be_converted(why: str, octets: bytes) -> None:
    with pytest.raises(NotConvertibleError, match=why):
        b"".join(seven_bit(octets))


@pytest.mark.parametrize(
    "line", [HANGUL, b"a" * 77 + b"\xff\r\n", b"\xff" + b"x" * 900]
)
def test_large_bodies_in_pieces(line: bytes) -> None:
    body = line * (2 * CHUNK_OCTETS // len(line) + 5)
    for header in (PLAIN, b"Content-Type: image/x\r\n"):
        found = converted(text(body, header))
        root = scan(found)
        assert decode_body(found, root) == body
        assert not is_seven_bit(body, 0, len(body))
