"""Fuzzing the message package.

The sentence: any octets give a value or one named error, never another; reading a
file gives what reading memory gives; and what was written is read again the same.
"""

import re
import tempfile
from mmap import PROT_READ, mmap

from hypothesis import given
from hypothesis import strategies as st

from pabal.message.address import (
    AddressError,
    HeaderAddress,
    Mailbox,
    parse_address_list,
)
from pabal.message.date import format_date, parse_date
from pabal.message.facts import scan_facts
from pabal.message.header import Header, fields, raw_fields, select, select_not, split
from pabal.message.mime import Part, decode_body, scan
from pabal.message.needle import Needle
from pabal.message.parameters import parse_parameters
from pabal.message.text import body_texts, contains, header_texts
from pabal.message.words import decode_words

PIECES = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"\r\n ", b"\r\n\r\n", b"\0", b"\xff", b";"),
    *(b"Content-Type: ", b"multipart/mixed", b"; boundary=b", b"message/rfc822", b"="),
    *(
        b"text/html; charset=euc-kr",
        b"--b",
        b"\r\n--b\r\n",
        b"\r\n--b--\r\n",
        b"<",
        b">",
    ),
    *(
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: ",
        b"a; filename*0*=",
    ),
    *(
        b"Subject: ",
        b"From: ",
        b"To: ",
        b"Date: ",
        b"=?utf-8?B?",
        b"?=",
        b"7ZWc",
        b"%ED",
    ),
    *(b"a@b", b"(", b")", b'"', b"\\", b",", b":", b"@", b".", b"24 Nov 2026 13:23:33"),
    *(
        "회의".encode(),
        "회의".encode("cp949"),
        b"<p>",
        b"<!--",
        b"&amp;",
        b"begin 644 a\r\n",
    ),
]
messages = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
)


def check_tree(part: Part, start: int, end: int) -> None:
    """A part lies within its parent, header before body."""
    assert start <= part.header_start <= part.body_start <= part.body_end <= end
    for inner in (*part.children, *([part.message] if part.message else [])):
        check_tree(inner, part.body_start, part.body_end)


IMAP_TOKEN = re.compile(
    rb'(\()|(\))|"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"|\{(\d+)\}\r\n|(NIL|\d+)'
)


def read_imap(octets: bytes) -> list[object]:
    """Read one parenthesised list of IMAP (RFC 9051 §9), all of ``octets``."""
    stack: list[list[object]] = [[]]
    position = 0
    while position < len(octets):
        if octets[position : position + 1] == b" ":
            position += 1
            continue
        match = IMAP_TOKEN.match(octets, position)
        assert match, octets[position:]
        position = match.end()
        if match[1]:
            stack.append([])
        elif match[2]:
            closed = stack.pop()
            stack[-1].append(closed)
        elif match[4]:
            size = int(match[4])
            stack[-1].append(octets[position : position + size])
            position += size
        else:
            stack[-1].append(match[3] if match[5] is None else match[5])
    ((only,),) = (stack[0],) if len(stack) == 1 else ([],)
    assert isinstance(only, list)
    return only


@given(messages)
def test_any_message_has_a_tree_and_facts(octets: bytes) -> None:
    root = scan(octets)
    check_tree(root, 0, len(octets))
    facts = scan_facts(octets)
    assert facts.header_length == split(octets) == root.body_start
    for ready in (facts.envelope, facts.body, facts.bodystructure):
        assert b"\0" not in ready
    assert len(read_imap(facts.envelope)) == 10
    assert len(read_imap(facts.bodystructure)) >= len(read_imap(facts.body))
    shown = (facts.subject, facts.from_, facts.to, facts.cc, facts.preview)
    assert (
        "\n".join((*shown, facts.message_id, facts.base_subject)).encode() is not None
    )
    for text in (*header_texts(octets, root), *body_texts(octets, root)):
        assert contains(octets, Needle(text[:2]))
    for path in ((), (1,), (1, 1), (2,), (0,)):
        part = root.part(path)
        if part is not None:
            decode_body(octets, part)


@given(messages.filter(bool))
def test_memory_and_file_give_the_same(octets: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(octets)
        file.flush()
        with mmap(file.fileno(), 0, prot=PROT_READ) as view:
            assert scan(view) == scan(octets)
            assert scan_facts(view) == scan_facts(octets)


@given(messages)
def test_any_header_is_the_sum_of_its_fields(octets: bytes) -> None:
    header = octets[: split(octets)]
    names = list(Header(header).names())
    assert sorted({name.lower() for name, _ in fields(header)}) == sorted(names)
    assert len(b"".join(raw_fields(header))) <= len(header)
    for chosen in ([], names[:1], names):
        assert len(select(header, chosen)) <= len(header)
        assert len(select_not(header, chosen)) <= len(header)


@given(messages)
def test_values_never_raise(octets: bytes) -> None:
    decode_words(octets)
    parse_parameters(octets)
    instant = parse_date(octets)
    if instant is not None:
        written = format_date(*instant)
        assert parse_date(written.encode()) == instant


@given(messages)
def test_address_lists_never_raise(octets: bytes) -> None:
    for entry in parse_address_list(octets):
        assert isinstance(entry.text, str)
        members = (entry,) if isinstance(entry, HeaderAddress) else entry.members
        for member in members:
            mailbox = member.mailbox
            assert mailbox is None or Mailbox.parse(str(mailbox)) == mailbox


@given(messages)
def test_a_mailbox_or_an_address_error(octets: bytes) -> None:
    try:
        mailbox = Mailbox.parse(octets)
    except AddressError:
        return
    assert Mailbox.parse(str(mailbox)) == mailbox
    assert "\n" not in str(mailbox)
