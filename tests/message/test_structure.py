"""BODY and BODYSTRUCTURE."""

import pytest

from pabal.message.mime import scan
from pabal.message.structure import structures


def both(octets: bytes) -> tuple[bytes, bytes]:
    return structures(octets, scan(octets))


def test_plain_text() -> None:
    full, basic = both(b"Subject: x\r\n\r\nhello\r\nthere\r\n")
    assert basic == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 2)'
    assert full == basic[:-1] + b" NIL NIL NIL NIL)"


def test_everything_a_part_can_say() -> None:
    full, basic = both(
        b"Content-Type: application/x-y; name=a\r\n"
        b"Content-ID: <i@x>\r\nContent-Description: d\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-MD5: m\r\n"
        b"Content-Disposition: attachment; filename=f; size=1\r\n"
        b"Content-Language: ko, en\r\nContent-Location: l\r\n\r\nAAEC"
    )
    start = b'("application" "x-y" ("name" "a") "<i@x>" "d" "base64" 4'
    assert basic == start + b")"
    assert full == start + (
        b' "m" ("attachment" ("filename" "f" "size" "1")) ("ko" "en") "l")'
    )


def test_the_two_part_example_of_the_rfc() -> None:
    # RFC 9051 §7.5.2, with our own sizes.
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\none\r\n"
        b"--b\r\nContent-Type: text/plain; charset=us-ascii; name=cc.diff\r\n"
        b"Content-ID: <960723163407.20117h@example.com>\r\n"
        b"Content-Description: Compiler diff\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
    )
    full, basic = both(octets)
    assert basic == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0)'
        b'("text" "plain" ("charset" "us-ascii" "name" "cc.diff") '
        b'"<960723163407.20117h@example.com>" "Compiler diff" "base64" 4 0) "mixed")'
    )
    assert full.endswith(b' "mixed" ("boundary" "b") NIL NIL NIL)')


def test_a_message_inside() -> None:
    full, basic = both(
        b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nFrom: a@b\r\n\r\nx\r\n"
    )
    envelope = (
        b'(NIL "in" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) '
        b"NIL NIL NIL NIL NIL)"
    )
    start = b'("message" "rfc822" NIL NIL NIL "7bit" 29 ' + envelope
    assert (
        basic
        == start + b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) 4)'
    )
    assert full == start + (
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 '
        b"NIL NIL NIL NIL) 4 NIL NIL NIL NIL)"
    )


def test_a_multipart_without_parts_has_an_empty_one() -> None:
    full, basic = both(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n")
    assert (
        basic == b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")'
    )
    assert full.startswith(
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) '
    )


@pytest.mark.parametrize(
    "name",
    [
        b"filename*=euc-kr''%C8%B8%C0%C7",
        b"filename*0*=utf-8''%ED%9A%8C; filename*1*=%EC%9D%98",
        b"filename=" + "회의".encode("cp949"),
        b'filename="' + "회의".encode() + b'"',
    ],
)
def test_names_beyond_ascii_are_extended_values(name: bytes) -> None:
    full, _ = both(b"Content-Disposition: attachment; " + name + b"\r\n\r\n")
    assert b'"filename*" "utf-8\'\'%ED%9A%8C%EC%9D%98"' in full
    assert full.isascii()
