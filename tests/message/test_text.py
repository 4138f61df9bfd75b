"""Text for searching: decoded, folded, without markup."""

import base64
import time

import pytest

from pabal.message.header import Header
from pabal.message.mime import scan
from pabal.message.needle import Needle
from pabal.message.text import (
    body_texts,
    contains,
    field_texts,
    header_texts,
    part_text,
    strip_html,
    text_parts,
    unflow,
)

KOREAN = "내일 회의를 시작합니다"


def korean(charset: str, codec: str, encoding: str) -> bytes:
    octets = KOREAN.encode(codec)
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    return (
        f"Subject: =?{charset}?B?".encode()
        + base64.b64encode("Re: 공지".encode(codec))
        + f"?=\r\nContent-Type: text/plain; charset={charset}\r\n".encode()
        + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        + octets
    )


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8"),
        ("euc-kr", "cp949"),
        ("ks_c_5601-1987", "cp949"),
        ("iso-2022-kr", "iso2022_kr"),
        ("us-ascii", "cp949"),
    ],
)
def test_korean_is_found(charset: str, codec: str, encoding: str) -> None:
    octets = korean(charset, codec, encoding)
    assert "회의" in "\n".join(body_texts(octets, scan(octets)))
    assert "공지" in "\n".join(header_texts(octets, scan(octets)))
    assert contains(octets, Needle("회의"), headers=False)
    assert contains(octets, Needle("공지"), body=False)
    assert not contains(octets, Needle("공지"), headers=False)
    assert not contains(octets, Needle("회의"), body=False)
    assert contains(octets, Needle(""))


def test_case_and_width_do_not_matter() -> None:
    octets = "Subject: x\r\n\r\nＨｅｌｌｏ Straße".encode()
    assert contains(octets, Needle("hello STRASSE"))


def test_html_loses_its_markup() -> None:
    page = (
        "<html><head><title>t</title><style>p{color:red}</style></head>"
        "<body><!-- <p>hidden -->회<b>의</b>록<br>다음<p class='a>b'>"
        "1 &lt; 2 &amp; a < b"
        "<script>alert('x')</script>end"
    )
    text = strip_html(page)
    assert text.split()[0] == "회의록"
    assert "다음" in text
    assert "1 < 2 & a" in text
    for gone in ("color", "hidden", "alert", "<p"):
        assert gone not in text


@pytest.mark.parametrize(
    "page", [mark * 50_000 for mark in ("<style>", "<!--", "<a", "<a ", "<", "&")]
)
def test_html_never_closed_costs_no_time(page: str) -> None:
    start = time.process_time()
    strip_html(page)
    # Quadratic would be minutes; linear is some 20 ms.
    assert time.process_time() - start < 2


def test_parts_in_order_those_of_messages_inside_too() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\none\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: needle\r\n\r\ntwo\r\n"
        b"--b\r\nContent-Type: image/png\r\n\r\nnot text\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<i>three</i>\r\n--b--\r\n"
    )
    root = scan(octets)
    found = [part_text(octets, part) for part in text_parts(root)]
    assert found == ["one", "two", "three"]
    assert contains(octets, Needle("needle"), body=False)
    assert not contains(octets, Needle("not text"))


def test_a_limit_cuts_no_character() -> None:
    octets = (
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + ("회의 " * 50).encode()
    )
    for limit in range(20, 40):
        text = part_text(octets, scan(octets), limit)
        assert set(text) <= set("회의 ")


FLOWED = (
    "A paragraph that \r\ngoes on \r\nhere.\r\n"
    "> quoted and \r\n> flowed\r\n>> deeper \r\n> not joined\r\n"
    " From stuffed\r\n-- \r\nsigned \r\n-- \r\nend"
)


def test_flowed_text() -> None:
    assert unflow(FLOWED) == (
        "A paragraph that goes on here.\r\n"
        ">quoted and flowed\r\n>>deeper \r\n>not joined\r\n"
        "From stuffed\r\n-- \r\nsigned \r\n-- \r\nend"
    )
    assert unflow("회 \n의 \r\n록", deletes_space=True) == "회의록"
    assert unflow("") == ""
    assert unflow("> \r\n>x") == ">\r\n>x"


def test_flowed_text_is_found() -> None:
    head = b"Content-Type: text/plain; charset=utf-8; format=flowed"
    body = "\r\n\r\nthe weekly \r\nreport 회 \r\n의\r\n".encode()
    assert contains(head + body, Needle("weekly report"), headers=False)
    assert not contains(head + body, Needle("회의"), headers=False)
    assert contains(head + b"; delsp=yes" + body, Needle("회의"), headers=False)


def test_an_address_with_a_comment_inside_is_found() -> None:
    octets = (
        b"From: <alice (she)@ (of\r\n the) example.com> (Alice)\r\n"
        b"To: team: bob (him)@example.com, carol@example.com (Carol);\r\n"
        b"Subject: re (one)@ two\r\n\r\nbody\r\n"
    )
    header = Header(octets)
    (sender,) = field_texts(header, b"from")
    assert sender == "<alice (she)@ (of the) example.com> (alice) alice@example.com"
    (team,) = field_texts(header, b"to")
    assert team.endswith("(carol); bob@example.com")
    assert field_texts(header, b"subject") == ["re (one)@ two"]
    for text in ("alice@example.com", "bob@example.com", "(she)@ (of"):
        assert contains(octets, Needle(text))
    assert not contains(octets, Needle("one@two"))
