"""What a client hears that did not say UTF8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.header import fields, split
from pabal.message.words import decode_words
from pabal.pop3.surrogate import NOBODY, of_header, of_message, top_of


def told(line: str) -> str:
    header = of_header(f"A: b\r\n{line}\r\nZ: y\r\n\r\n".encode())
    assert header.startswith(b"A: b\r\n")
    assert header.endswith(b"Z: y\r\n\r\n")
    return header[6:-8].decode("ascii")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Subject: 회의 안내", "Subject: =?utf-8?B?7ZqM7J2YIOyViOuCtA==?=\r\n"),
        ("To: 홍 길동 <a@b.test>", "To: =?utf-8?B?7ZmNIOq4uOuPmQ==?= <a@b.test>\r\n"),
        (
            'To: "홍, 길동" <a@b.test>',
            "To: =?utf-8?B?7ZmNLCDquLjrj5k=?= <a@b.test>\r\n",
        ),
        (
            "Cc: é@b.test, x@b.test",
            f"Cc: =?utf-8?Q?=C3=A9=40b=2Etest?= {NOBODY.decode()},\r\n x@b.test\r\n",
        ),
        (
            "From: Bob <é@b.test>",
            f"From: Bob =?utf-8?Q?=C3=A9=40b=2Etest?=\r\n {NOBODY.decode()}\r\n",
        ),
        (
            "From: <é@b.test>",
            f"From: =?utf-8?Q?=C3=A9=40b=2Etest?=\r\n {NOBODY.decode()}\r\n",
        ),
        ("X-Note: é", "X-Note: =?utf-8?B?w6k=?=\r\n"),
        (
            'Content-Disposition: x; filename="é \\"1\\".md"; size=3',
            "Content-Disposition: x; filename*=utf-8''%C3%A9%20%221%22.md; size=3\r\n",
        ),
        ("Content-Type: é/x; a=b", ""),
        ("Message-ID: <é@b.test>", ""),
        ("Ünknown: x", ""),
        ("no field at all é", ""),
    ],
)
def test_fields(line: str, expected: str) -> None:
    assert told(line) == expected


def test_a_field_that_is_ascii_stays_octet_for_octet() -> None:
    header = b"Subject:  two   blanks\r\n\tfolded\r\nTo: \xc3\xa9 <a@b.test>\r\n\r\n"
    assert of_header(header).startswith(b"Subject:  two   blanks\r\n\tfolded\r\nTo: =?")


def test_parts_are_told_too_and_bodies_are_not_touched() -> None:
    message = (
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\npré\r\n--b\r\n'
        "Content-Type: text/plain; charset=utf-8\r\n\r\n안녕\r\n--b\r\n"
        "Content-Type: message/rfc822\r\n\r\nSubject: 안\r\n\r\n밖\r\n--b\r\n"
        'Content-Disposition: x; filename="é"\r\n\r\nx\r\n--b--\r\n'
    ).encode()
    shown = of_message(message)
    assert "pré\r\n--b\r\n".encode() in shown
    assert "\r\n\r\n안녕\r\n--b".encode() in shown
    assert "Subject: =?utf-8?B?7JWI?=\r\n\r\n밖\r\n".encode() in shown
    assert b"filename*=utf-8''%C3%A9\r\n\r\nx\r\n" in shown
    head, body = top_of(message)
    assert (head + body, head) == (shown, message[: split(message)])
    ascii_only = b"A: b\r\n\r\nbody\r\n"
    assert of_message(ascii_only) is ascii_only
    assert of_message("A: b\r\n\r\n본문".encode()) == "A: b\r\n\r\n본문".encode()


@given(st.text(), st.sampled_from(["Subject", "To", "Content-Type", "Received"]))
def test_whatever_comes_is_ascii_and_one_field(text: str, name: str) -> None:
    raw = " ".join(text.split("\n")).replace("\r", " ").encode("utf-8", "replace")
    header = of_header(name.encode() + b": x " + raw + b"\r\nZ: y\r\n\r\n")
    assert header.isascii()
    assert header.endswith(b"Z: y\r\n\r\n")
    found = fields(header)
    assert len(found) <= 2
    assert found[-1] == (b"Z", b" y")


@given(st.binary())
def test_whatever_comes_is_a_message(octets: bytes) -> None:
    shown = of_message(octets)
    assert shown[: split(shown)].isascii() or not octets[: split(octets)].strip()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["To", "Content-Type", "Subject", "X-A"])
@pytest.mark.parametrize(
    "nasty", ['"\\"', ';"\\"', "(\\(", "<", "\\", '"a', "; a=", ","]
)
def test_nothing_is_looked_at_twice(name: str, nasty: str) -> None:
    header = f"{name}: {nasty * 20_000} é\r\n\r\n".encode()
    assert of_header(header).isascii()


def test_names_are_read_back() -> None:
    line = told("From: 김 철수 (회계) <a@b.test>")
    assert decode_words(line.encode()).startswith("From: 김 철수 회계 <a@b.test>")
