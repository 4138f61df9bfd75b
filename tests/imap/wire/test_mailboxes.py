import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.mailboxes import (
    PATTERNS_MAX,
    Append,
    AppendMessage,
    Create,
    ListMailboxes,
    Rename,
    Select,
    Status,
    append_message_next,
    parse_append,
    parse_create,
    parse_list,
    parse_lsub,
    parse_rename,
    parse_select,
    parse_status,
)


def test_list() -> None:
    assert parse_list(Reader(b' "" *')) == ListMailboxes(b"", (b"*",))
    found = parse_list(
        Reader(
            b' (SUBSCRIBED RECURSIVEMATCH) "" ("a" b%) RETURN (CHILDREN STATUS'
            b" (MESSAGES UNSEEN))"
        )
    )
    assert found == ListMailboxes(
        b"",
        (b"a", b"b%"),
        frozenset((b"SUBSCRIBED", b"RECURSIVEMATCH")),
        frozenset((b"CHILDREN", b"STATUS")),
        (b"MESSAGES", b"UNSEEN"),
        extended=True,
    )
    assert parse_lsub(Reader(b' "" x')).selection == {b"SUBSCRIBED"}


@pytest.mark.parametrize(
    "octets",
    [
        b' ""',
        b' (NONSENSE) "" *',
        b' "" ()',
        b' "" * RETURN (NONSENSE)',
        b' "" * RETURN (STATUS)',
        b' "" * RETURN (STATUS ())',
        b' (RECURSIVEMATCH) "" *',
        b' "" (' + b" ".join([b"x"] * (PATTERNS_MAX + 1)) + b")",
    ],
)
def test_no_list(octets: bytes) -> None:
    with pytest.raises(ScanError):
        parse_list(Reader(octets))


def test_the_rest() -> None:
    assert parse_select(Reader(b" a (CONDSTORE)")) == Select(b"a", condstore=True)
    assert parse_select(Reader(b" a")) == Select(b"a")
    assert parse_create(Reader(b" a (USE (\\Sent))")) == Create(b"a", ("\\Sent",))
    assert parse_rename(Reader(b' a "b c"')) == Rename(b"a", b"b c")
    assert parse_status(Reader(b" a (unseen unseen)")) == Status(b"a", (b"UNSEEN",))


def test_append() -> None:
    assert parse_append(
        Reader(
            b' a (\\Seen) " 1-Jan-1970 00:00:09 +0000" {5}\r\n {6+}\r\n UTF8 (~{7}\r\n)'
        )
    ) == Append(
        b"a",
        (
            AppendMessage(frozenset(("\\Seen",)), 9.0, 5),
            AppendMessage(frozenset(), None, 6),
            AppendMessage(frozenset(), None, 7),
        ),
    )
    for octets in (
        b" a",
        b" a x",
        b" a (\\Seen)",
        b" a {5}",
        b" a UTF8 ({5}\r\n)",
        b" a {5}\r\n   {5}\r\n",
    ):
        with pytest.raises(ScanError):
            parse_append(Reader(octets))


def test_two_spaces_between_messages_as_imapclient_sends_them() -> None:
    command = parse_append(Reader(b" a {5}\r\n  {6}\r\n"))
    assert [message.size for message in command.messages] == [5, 6]


@pytest.mark.parametrize(
    ("octets", "is_message"),
    [
        (b" {5}\r\n", False),
        (b" {5}\r\nINBOX {3}\r\n", True),
        (b" INBOX {3}\r\n", True),
        (b" INBOX (\\Seen) {3}\r\n", True),
        (b' "INBOX" {3}\r\n', True),
        (b"{3}\r\n", False),
    ],
)
def test_which_literal_is_a_message(octets: bytes, is_message: bool) -> None:
    assert append_message_next(octets) is is_message
