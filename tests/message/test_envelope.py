"""Strings and envelopes of IMAP."""

import pytest

from pabal.message.envelope import (
    QUOTED_MAX_OCTETS,
    envelope,
    imap_nstring,
    imap_string,
)
from pabal.message.header import Header


@pytest.mark.parametrize(
    ("value", "string"),
    [
        (b"", b'""'),
        (b"plain text", b'"plain text"'),
        (b'say "hi" \\o/', b'"say \\"hi\\" \\\\o/"'),
        (b"tab\there", b'"tab\there"'),
        (b"a\rb", b"{3}\r\na\rb"),
        (b"a\nb", b"{3}\r\na\nb"),
        ("회의".encode(), b"{6}\r\n" + "회의".encode()),
        (b"a\0b", b"{2}\r\nab"),
        (b"x" * QUOTED_MAX_OCTETS, b'"' + b"x" * QUOTED_MAX_OCTETS + b'"'),
        (b"x" * 1001, b"{1001}\r\n" + b"x" * 1001),
    ],
)
def test_strings(value: bytes, string: bytes) -> None:
    assert imap_string(value) == string
    assert imap_nstring(value) == string


def test_nil() -> None:
    assert imap_nstring(None) == b"NIL"


def test_the_example_of_the_rfc() -> None:
    # RFC 9051 §8.
    header = Header(
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
        b"From: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
        b"To: imap@cac.washington.edu\r\n"
        b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n"
    )
    assert envelope(header) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" '
        b'"IMAP4rev2 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")'
        b'("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )


def test_nothing_there_and_empty() -> None:
    assert envelope(Header(b"\r\n")) == b"(" + b" ".join([b"NIL"] * 10) + b")"
    header = Header(b"Subject:\r\nSender:\r\nTo:\r\nIn-Reply-To:\r\n\r\n")
    assert envelope(header) == b'(NIL "" NIL NIL NIL NIL NIL NIL "" NIL)'


def test_sender_reply_to_and_all_the_others() -> None:
    header = Header(
        b"From: a@b\r\nSender: s@b\r\nReply-To: r@b\r\nBcc: x@b\r\n"
        b"In-Reply-To: <i@b>\r\n"
    )
    assert envelope(header) == (
        b'(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "s" "b")) ((NIL NIL "r" "b")) '
        b'NIL NIL ((NIL NIL "x" "b")) "<i@b>" NIL)'
    )


def test_groups_and_routes_and_missing_domains() -> None:
    header = Header(b"To: G: a@b;, <@r:c@d>, bob\r\n")
    assert envelope(header) == (
        b'(NIL NIL NIL NIL NIL ((NIL NIL "G" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)'
        b'(NIL "@r" "c" "d")(NIL NIL "bob" "")) NIL NIL NIL NIL)'
    )


def test_eight_bit_headers_are_sent_as_they_are() -> None:
    raw = "회의".encode("cp949")
    assert b"{4}\r\n" + raw in envelope(Header(b"Subject: " + raw + b"\r\n"))


def test_folds_are_gone() -> None:
    assert b'"a b"' in envelope(Header(b"Subject: a\r\n b\r\n"))
