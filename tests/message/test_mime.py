"""The part scanner, against messages by hand and the standard library."""

import base64
import email
import mmap
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.mime import (
    DEPTH_MAX,
    PARTS_MAX,
    Part,
    count_lines,
    decode_body,
    find,
    scan,
    section,
)

MIXED = b"""From: a@b\r
Content-Type: multipart/mixed; boundary="outer"\r
\r
prologue\r
--outer\r
Content-Type: text/plain; charset=utf-8\r
\r
one\r
two\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: inner\r
Content-Type: multipart/alternative; boundary=outer-inner\r
\r
--outer-inner\r
\r
plain\r
--outer-inner\r
Content-Type: text/html\r
\r
<b>html</b>\r
--outer-inner--\r
--outer  \r
Content-Type: application/octet-stream; name="a.bin"\r
Content-Disposition: attachment; filename="b.bin"\r
Content-Transfer-Encoding: BASE64\r
Content-ID: <id@x>\r
Content-Description: a thing\r
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r
Content-Language: ko, en\r
Content-Location: http://example.com/\r
\r
AAEC\r
--outer--\r
epilogue\r
"""


@contextmanager
def mapped(octets: bytes) -> Iterator[mmap.mmap]:
    with tempfile.TemporaryFile() as file:
        file.write(octets)
        file.flush()
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
            yield view


def body(octets: bytes, part: Part | None) -> bytes:
    assert part is not None
    return octets[part.body_start : part.body_end]


def test_a_plain_message() -> None:
    octets = b"Subject: x\r\n\r\nhello\r\nthere\r\n"
    root = scan(octets)
    assert (root.type, root.subtype, root.encoding) == ("text", "plain", "7bit")
    assert body(octets, root) == b"hello\r\nthere\r\n"
    assert (root.lines, root.size, root.header_start) == (2, 14, 0)
    assert root.params == ()
    assert root.charset == ""


def test_a_tree() -> None:
    root = scan(MIXED)
    assert (root.type, root.subtype) == ("multipart", "mixed")
    text, inner, thing = root.children
    assert body(MIXED, text) == b"one\r\ntwo"
    assert (text.charset, text.lines) == ("utf-8", 1)
    assert inner.message is not None
    assert [child.subtype for child in inner.message.children] == ["plain", "html"]
    assert inner.lines == body(MIXED, inner).count(b"\n")
    assert thing.filename == "b.bin"
    assert thing.disposition == "attachment"
    assert thing.encoding == "base64"
    assert thing.id == b"<id@x>"
    assert thing.description == b"a thing"
    assert thing.md5 == b"Q2hlY2sgSW50ZWdyaXR5IQ=="
    assert thing.languages == ("ko", "en")
    assert thing.location == b"http://example.com/"
    assert decode_body(MIXED, thing) == b"\0\1\2"
    header = MIXED[thing.header_start : thing.body_start]
    assert header.startswith(b"Content-Type: application/octet-stream")
    assert header.endswith(b"\r\n\r\n")


def test_part_numbers_of_imap() -> None:
    root = scan(MIXED)
    assert root.part(()) is root
    assert body(MIXED, root.part((1,))) == b"one\r\ntwo"
    assert root.part((2,)) is root.children[1]
    assert body(MIXED, root.part((2, 1))) == b"plain"
    assert body(MIXED, root.part((2, 2))) == b"<b>html</b>"
    assert body(MIXED, root.part((3,))) == b"AAEC"
    for missing in ((0,), (4,), (1, 1), (2, 3), (2, 1, 1), (3, 1)):
        assert root.part(missing) is None


def test_part_numbers_without_multipart() -> None:
    root = scan(b"Subject: x\r\n\r\nhello")
    assert root.part((1,)) is root
    assert root.part((2,)) is None
    assert root.part((1, 1)) is None
    octets = b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nin"
    root = scan(octets)
    assert root.part((1,)) is root
    assert body(octets, root.part((1, 1))) == b"in"


@pytest.mark.parametrize(
    ("path", "name", "start", "end"),
    [
        ((), "", b"From: a@b\r\n", b"epilogue\r\n"),
        ((), "HEADER", b"From: a@b\r\n", b'boundary="outer"\r\n\r\n'),
        ((), "TEXT", b"prologue\r\n", b"epilogue\r\n"),
        ((1,), "", b"one\r\n", b"two"),
        ((1,), "MIME", b"Content-Type: text/plain", b"charset=utf-8\r\n\r\n"),
        ((2,), "", b"Subject: inner\r\n", b"--outer-inner--"),
        ((2,), "HEADER", b"Subject: inner\r\n", b"boundary=outer-inner\r\n\r\n"),
        ((2,), "TEXT", b"--outer-inner\r\n", b"--outer-inner--"),
        ((2,), "MIME", b"Content-Type: message/rfc822", b"rfc822\r\n\r\n"),
        ((2, 1), "MIME", b"\r\n", b"\r\n"),
    ],
)
def test_sections_of_imap(
    path: tuple[int, ...], name: str, start: bytes, end: bytes
) -> None:
    span = section(scan(MIXED), path, name)
    assert span is not None
    octets = MIXED[slice(*span)]
    assert octets.startswith(start)
    assert octets.endswith(end)


@pytest.mark.parametrize(
    ("path", "name"),
    [((), "MIME"), ((1,), "HEADER"), ((1,), "TEXT"), ((9,), ""), ((), "JUNK")],
)
def test_sections_there_are_not(path: tuple[int, ...], name: str) -> None:
    assert section(scan(MIXED), path, name) is None


def test_bare_line_feeds_are_understood() -> None:
    octets = MIXED.replace(b"\r\n", b"\n")
    root = scan(octets)
    assert body(octets, root.part((1,))) == b"one\ntwo"
    assert body(octets, root.part((2, 2))) == b"<b>html</b>"


def multipart(inside: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + inside


@pytest.mark.parametrize(
    ("inside", "bodies"),
    [
        (b"", []),
        (b"no delimiter at all\r\n", []),
        (b"--b--\r\n", []),
        (b"--b\r\n\r\nx\r\n--b--", [b"x"]),
        (b"--b\r\n\r\nnever closed\r\n", [b"never closed\r\n"]),
        (b"--b\r\n\r\nx\r\n--bb\r\ny\r\n--b--", [b"x\r\n--bb\r\ny"]),
        (b"--b\r\n\r\nx --b\r\n--b--", [b"x --b"]),
        (b"--b\r\n\r\nx\r\n--b junk\r\n--b--", [b"x\r\n--b junk"]),
        (b"--b\r\n--b\r\n--b--", [b"", b""]),
        (b"--b\r\nA: header only\r\n--b--", [b""]),
        (b"--b\t \r\n\r\nx\r\n--b-- \r\nepilogue --b\r\n--b\r\n", [b"x"]),
        (b"--b\r\n\r\n\r\n--b--", [b""]),
    ],
)
def test_malformed_multiparts(inside: bytes, bodies: list[bytes]) -> None:
    octets = multipart(inside)
    assert [body(octets, child) for child in scan(octets).children] == bodies


def test_an_outer_delimiter_ends_an_inner_part() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n"
    octets = multipart(b"--b\r\n" + inner + b"--b\r\n\r\ny\r\n--b--")
    first, second = scan(octets).children
    assert body(octets, first.children[0]) == b"x"
    assert body(octets, second) == b"y"


@pytest.mark.parametrize("boundary", [b'""', b"x" * 500, b'"   "'])
def test_impossible_boundaries_give_no_parts(boundary: bytes) -> None:
    assert scan(multipart(b"--\r\n\r\nx\r\n", boundary)).children == ()


def test_digest_parts_are_messages() -> None:
    octets = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n"
        b"--b\r\n\r\nSubject: one\r\n\r\nbody\r\n--b--\r\n"
    )
    (child,) = scan(octets).children
    assert (child.type, child.subtype) == ("message", "rfc822")
    assert body(octets, child.message) == b"body"


@pytest.mark.parametrize(
    "value", [b"", b"junk", b"text", b"/plain", b"text/", b"a/b/c"]
)
def test_a_type_nobody_can_read_is_plain_text(value: bytes) -> None:
    root = scan(b"Content-Type: " + value + b"\r\n\r\nx")
    assert (root.type, root.subtype) == ("text", "plain")


def test_depth_is_bounded() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 200 + b"\r\nx"
    part, depth = scan(octets), 0
    while part.message is not None:
        part, depth = part.message, depth + 1
    assert depth == DEPTH_MAX
    assert (part.type, part.subtype) == ("application", "octet-stream")


def test_number_of_parts_is_bounded() -> None:
    octets = multipart(b"--b\r\n\r\n" * (PARTS_MAX + 100))
    assert len(scan(octets).children) == PARTS_MAX


def test_false_delimiters_cost_no_time() -> None:
    octets = multipart(b"--b\r\n\r\nx\r\n" + b"\n--bb" * 1_000_000 + b"\r\n--b--")
    start = time.process_time()
    assert len(scan(octets).children) == 1
    assert time.process_time() - start < 2


def test_nested_searching_is_bounded() -> None:
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(DEPTH_MAX)
    )
    assert scan(nested + b"\r\n" + b"x" * 1_000_000).type == "multipart"


def test_a_mapped_file_gives_the_same() -> None:
    with mapped(MIXED) as view:
        assert scan(view) == scan(MIXED)
        part = scan(view).part((3,))
        assert part is not None
        assert decode_body(view, part) == b"\0\1\2"


def test_find_across_pieces_of_a_mapped_file() -> None:
    octets = b"x" * (1024 * 1024 - 3) + b"needle" + b"\n" * 2_000_000 + b"needle"
    with mapped(octets) as view:
        first = find(view, b"needle", 0, len(octets))
        assert first == octets.find(b"needle")
        assert find(view, b"needle", first + 1, len(octets)) == len(octets) - 6
        assert find(view, b"needle", first + 1, len(octets) - 1) == -1
        assert count_lines(view, 5, len(octets)) == 2_000_000


@pytest.mark.parametrize(
    ("encoding", "encoded", "decoded"),
    [
        (b"7bit", b"a=b", b"a=b"),
        (b"x-unknown", b"a=b", b"a=b"),
        (b"base64", b"aGk\r\n=", b"hi"),
        (b"Base64 (comment)", b"aGk=", b"hi"),
        (b"quoted-printable", b"a=C3=A9=\r\nb=\nc", b"a\xc3\xa9bc"),
        (b"quoted-printable", b"bad =ZZ =", b"bad =ZZ "),
        (b"x-uuencode", b"begin 644 a\r\n#0V%T\r\n`\r\nend\r\n", b"Cat"),
        (b"x-uuencode", b'"0V%T\r\n\xff\r\n', b"Ca"),
    ],
)
def test_transfer_encodings(encoding: bytes, encoded: bytes, decoded: bytes) -> None:
    octets = b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + encoded
    assert decode_body(octets, scan(octets)) == decoded


def test_file_names() -> None:
    name = "=?euc-kr?B?" + base64.b64encode("회의.hwp".encode("cp949")).decode() + "?="
    for field in (
        f'Content-Type: a/b; name="{name}"',
        "Content-Disposition: attachment; filename*=utf-8''%ED%9A%8C%EC%9D%98.hwp",
        "Content-Disposition: a; filename*0*=euc-kr''%C8%B8; filename*1*=%C0%C7.hwp",
    ):
        assert scan(field.encode() + b"\r\n\r\n").filename == "회의.hwp"


def shape(part: Part) -> object:
    inner = [part.message] if part.message else part.children
    return (f"{part.type}/{part.subtype}", [shape(one) for one in inner])


def oracle_shape(message: email.message.Message) -> object:
    payload = message.get_payload()
    inner = payload if isinstance(payload, list) else []
    inner_messages = [one for one in inner if isinstance(one, email.message.Message)]
    return (message.get_content_type(), [oracle_shape(one) for one in inner_messages])


@given(st.data())
def test_the_tree_is_the_one_of_the_standard_library(data: st.DataObject) -> None:
    def build(depth: int) -> bytes:
        kind = data.draw(st.sampled_from(["text", "multipart", "message"]))
        if depth == 4 or kind == "text":
            return b"Content-Type: text/html\r\n\r\nsome text\r\nmore"
        if kind == "message":
            return b"Content-Type: message/rfc822\r\n\r\n" + build(depth + 1)
        boundary = b"b%d" % data.draw(st.integers(0, 10_000))
        children = [build(depth + 1) for _ in range(data.draw(st.integers(1, 3)))]
        pieces = [b"--" + boundary + b"\r\n" + child + b"\r\n" for child in children]
        head = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n"
        return head + b"".join(pieces) + b"--" + boundary + b"--"

    octets = build(0)
    assert shape(scan(octets)) == oracle_shape(email.message_from_bytes(octets))


def eleven_megabytes() -> dict[str, bytes]:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    base64 = (b"AbCd0123" * 9 + b"++==\r\n") * (10_900_000 // 78)
    part = b"--b\r\nContent-Type: image/png\r\n\r\n" + base64[:60_000] + b"\r\n"
    return {
        "an attachment": head + b"--b\r\n\r\nhi\r\n--b\r\n\r\n" + base64 + b"--b--\r\n",
        "text": b"Subject: x\r\n\r\n" + b"line by line --\r\n" * (11_000_000 // 17),
        "parts": head + part * 180 + b"--b--\r\n",
        "false delimiters": head + b"--not one\r\n" * (11_000_000 // 11),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", eleven_megabytes())
def test_eleven_megabytes_take_fifteen_milliseconds(kind: str) -> None:
    octets = eleven_megabytes()[kind]
    took = []
    for _ in range(7):
        begun = time.process_time()
        scan(octets)
        took.append(time.process_time() - begun)
    assert min(took) <= 0.015, took
