"""Facts of whole messages, Korean ones of real life among them."""

import base64
import tempfile
import time
from mmap import PROT_READ, mmap

import pytest

from pabal.message.facts import PREVIEW_MAX, scan_facts

PLAIN = (
    b"Date: Tue, 24 Nov 2026 13:23:33 +0900\r\n"
    b"From: Alice <alice@example.com>\r\n"
    b"To: Bob <bob@example.org>, user@example.org\r\n"
    b"Cc: you@example.org\r\n"
    b"Subject: Re: [list] minutes\r\n"
    b"Message-ID: <m1@example.com>\r\n"
    b"In-Reply-To: <m0@example.com> (yesterday)\r\n"
    b"References: <r1@example.com>\r\n\t<m0@example.com>\r\n"
    b"\r\n"
    b"Hello,\r\n\r\n  two   lines.\r\n"
)


def test_a_plain_message() -> None:
    facts = scan_facts(PLAIN)
    assert facts.size == len(PLAIN)
    assert facts.header_length == PLAIN.index(b"Hello")
    assert (facts.sent_at, facts.sent_offset) == (1795494213.0, 540)
    assert facts.message_id == "<m1@example.com>"
    assert facts.in_reply_to == "<m0@example.com>"
    assert facts.references == ("<r1@example.com>", "<m0@example.com>")
    assert facts.subject == "Re: [list] minutes"
    assert facts.base_subject == "minutes"
    assert facts.from_ == "Alice <alice@example.com>"
    assert facts.to == "Bob <bob@example.org>, user@example.org"
    assert facts.cc == "you@example.org"
    assert facts.preview == "Hello, two lines."
    assert facts.envelope.startswith(b'("Tue, 24 Nov 2026 13:23:33 +0900" "Re: [list]')
    assert facts.body == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 26 3)'
    assert facts.bodystructure == facts.body[:-1] + b" NIL NIL NIL NIL)"


def test_nothing_at_all() -> None:
    facts = scan_facts(b"")
    assert (facts.size, facts.header_length, facts.sent_at) == (0, 0, None)
    assert (facts.subject, facts.preview, facts.from_, facts.message_id) == ("",) * 4
    assert facts.envelope == b"(" + b" ".join([b"NIL"] * 10) + b")"


def test_the_size_may_be_given() -> None:
    assert scan_facts(PLAIN, 5).size == 5


SUBJECT = "회의록 전달 (긴급)"
TEXT = "안녕하세요. 첨부한 회의록을 확인해 주세요."


def korean_raw() -> bytes:
    """EUC-KR octets in the header without any encoding, as old web mailers wrote."""
    return (
        f"From: 홍길동 <hong@example.kr>\r\nSubject: {SUBJECT}\r\n"
        f"Content-Type: text/plain; charset=euc-kr\r\n\r\n{TEXT}\r\n"
    ).encode("cp949")


def korean_outlook() -> bytes:
    """ks_c_5601-1987 in base64, header and body."""

    def word(text: str) -> str:
        return f"=?ks_c_5601-1987?B?{base64.b64encode(text.encode('cp949')).decode()}?="

    head = (
        f'From: "{word("홍길동")}" <hong@example.kr>\r\nSubject: {word(SUBJECT)}\r\n'
        'Content-Type: text/plain;\r\n\tcharset="ks_c_5601-1987"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(TEXT.encode("cp949"))


def korean_2022() -> bytes:
    """ISO-2022-KR (RFC 1557): seven bits, shifted."""

    def word(text: str) -> str:
        octets = text.encode("iso2022_kr")
        return f"=?iso-2022-kr?B?{base64.b64encode(octets).decode()}?="

    head = (
        f"From: {word('홍길동')} <hong@example.kr>\r\nSubject: {word(SUBJECT)}\r\n"
        "Content-Type: text/plain; charset=iso-2022-kr\r\n\r\n"
    )
    return head.encode() + TEXT.encode("iso2022_kr")


@pytest.mark.parametrize("octets", [korean_raw(), korean_outlook(), korean_2022()])
def test_korean_of_real_life(octets: bytes) -> None:
    facts = scan_facts(octets)
    assert facts.subject == SUBJECT
    assert facts.from_ == "홍길동 <hong@example.kr>"
    assert facts.preview == TEXT


def test_a_korean_attachment() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        b"<style>x</style><p>" + TEXT.encode() + b"</p>\r\n"
        b"--b\r\nContent-Type: application/x-hwp\r\n"
        b"Content-Disposition: attachment;\r\n filename*0*=euc-kr''%C8%B8;\r\n"
        b" filename*1*=%C0%C7%B7%CF.hwp\r\n\r\nx\r\n--b--\r\n"
    )
    facts = scan_facts(octets)
    assert facts.preview == TEXT
    name = b"\"utf-8''%ED%9A%8C%EC%9D%98%EB%A1%9D.hwp\""
    assert b'("attachment" ("filename*" ' + name + b"))" in facts.bodystructure


def test_the_preview_is_short_and_of_the_best_part() -> None:
    assert len(scan_facts(b"\r\n" + b"word " * 10_000).preview) == PREVIEW_MAX
    assert scan_facts(b"\r\n" + b"x " * 5_000).preview == ("x " * 100)
    octets = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<b>h</b>tml\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n"
    )
    assert scan_facts(octets).preview == "plain"
    attached = b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx"
    assert scan_facts(attached).preview == ""
    assert scan_facts(b"Content-Type: image/png\r\n\r\nx").preview == ""


def test_a_long_thread_keeps_its_newest() -> None:
    ids = b" ".join(b"<%d@x>" % n for n in range(600))
    facts = scan_facts(b"References: " + ids + b"\r\n\r\n")
    assert len(facts.references) == 500
    assert facts.references[-1] == "<599@x>"


def test_a_broken_message_id_is_kept_as_it_stands() -> None:
    assert scan_facts(b"Message-ID: no brackets\r\n\r\n").message_id == "no brackets"


@pytest.mark.parametrize(
    "name",
    ["Subject", "From", "Date", "References", "Content-Type", "Content-Language"],
)
def test_endless_junk_costs_no_time(name: str) -> None:
    start = time.process_time()
    for junk in (
        b":",
        b";",
        b'"',
        b"(",
        b"<",
        b"a@",
        b" ",
        b"=?",
        b"[",
        b"re:",
        b"; a=b",
    ):
        value = junk * (200_000 // len(junk))
        scan_facts(name.encode() + b": a/b" + value + b"\r\n\r\n")
    # Quadratic would be minutes; linear is half a second.
    assert time.process_time() - start < 5


def test_a_mapped_file_gives_the_same() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(PLAIN)
        file.flush()
        with mmap(file.fileno(), 0, prot=PROT_READ) as view:
            assert scan_facts(view) == scan_facts(PLAIN)
