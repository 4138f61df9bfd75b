import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.commands.table import RULES
from pabal.imap.session import (
    LITERAL_MINUS_MAX,
    SKIP_MAX_OCTETS,
    Command,
    Continue,
    Event,
    Fatal,
    Line,
    MessageBegins,
    MessagePiece,
    Refused,
    Session,
    State,
)
from pabal.imap.settings import ImapSettings

SETTINGS = ImapSettings(
    line_max_octets=1000,
    literal_max_octets=500,
    login_literal_max_octets=100,
    command_max_octets=1500,
    message_max_octets=3000,
    saves_max=2,
)


def session(state: State = State.AUTHENTICATED) -> Session:
    made = Session(RULES, SETTINGS)
    made.state = state
    return made


def drain(one: Session) -> list[Event]:
    """Return every event; the pieces of a message joined."""
    events: list[Event] = []
    while (event := one.next_event()) is not None:
        add(events, event)
    return events


def add(events: list[Event], event: Event) -> None:
    last = events[-1] if events else None
    if isinstance(event, MessagePiece) and isinstance(last, MessagePiece):
        events[-1] = MessagePiece(last.octets + event.octets)
    else:
        events.append(event)


def feed(octets: bytes, state: State = State.AUTHENTICATED) -> list[Event]:
    one = session(state)
    one.feed(octets)
    return drain(one)


def names(events: list[Event]) -> list[bytes]:
    return [event.name for event in events if isinstance(event, Command)]


def test_commands_come_whole() -> None:
    one = session()
    one.feed(b"a NO")
    assert one.next_event() is None
    one.feed(b"OP\r\nb capability\r\n")
    assert names(drain(one)) == [b"NOOP", b"CAPABILITY"]


def test_a_literal_is_asked_for_before_it_comes() -> None:
    one = session()
    one.feed(b"a CREATE {3}\r\n")
    assert drain(one) == [Continue()]
    one.feed(b"b")
    assert drain(one) == []
    one.feed(b"ox\r\n")
    assert names(drain(one)) == [b"CREATE"]


def test_uid_commands_are_commands() -> None:
    events = feed(b"a UID FETCH 1 FLAGS\r\nb UID NOOP\r\nc UID\r\n", State.SELECTED)
    assert names(events) == [b"UID FETCH"]
    assert [e.tag for e in events if isinstance(e, Refused)] == [b"b", b"c"]


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"a CREATE {501}\r\n", b"BAD [TOOBIG]"),
        (b"a APPEND x {3001}\r\n", b"NO [TOOBIG]"),
        (b"a APPEND x {1+}\r\na {1+}\r\nb {1}\r\n", b"NO [MESSAGELIMIT "),
        (b"a NOSUCH {1}\r\n", b"BAD there is no such command"),
        (b"a FETCH {1}\r\n", b"BAD the command is not allowed"),
        (b"{1}\r\n", b"BAD a tag and a command"),
        (b"a CREATE {501+}\r\n" + b"x" * 501 + b"\r\n", b"BAD [TOOBIG]"),
        (b"a CREATE {501+}\r\n" + b"x" * 501 + b" {9}\r\n", b"BAD [TOOBIG]"),
    ],
)
def test_unwanted_literals_are_refused_before_they_are_read(
    octets: bytes, reply: bytes
) -> None:
    events = feed(octets + b"z NOOP\r\n")
    refused = [event for event in events if isinstance(event, Refused)]
    assert [one.reply.startswith(reply) for one in refused] == [True]
    assert names(events) == [b"NOOP"], "what follows is understood again"


def test_many_literals_together_are_too_long() -> None:
    part = b"a" * 400
    octets = b"a LOGIN " + b" ".join([b"{400+}\r\n" + part] * 5) + b"\r\n"
    events = feed(octets)
    assert isinstance(events[-1], Refused)
    one = session()
    one.feed(b"a APPEND x")
    for _ in range(10):
        one.feed(b" " + b"(a " * 200 + b"{1+}\r\nx")
    one.feed(b"\r\n")
    assert isinstance(drain(one)[-1], Refused)


def test_before_login_literals_are_small() -> None:
    state = State.NOT_AUTHENTICATED
    assert feed(b"a LOGIN {100}\r\n", state) == [Continue()]
    (event,) = feed(b"a LOGIN {101}\r\n", state)
    assert isinstance(event, Refused)
    size = LITERAL_MINUS_MAX + 1
    events = feed(b"a LOGIN {%d+}\r\n" % size + b"x" * size + b"\r\n", state)
    assert isinstance(events[-1], Refused)


def test_strangers_get_shorter_lines() -> None:
    settings = ImapSettings(login_line_max_octets=20)
    one = Session(RULES, settings)
    one.feed(b"a NOOP " + b"x" * 30)
    assert isinstance(one.next_event(), Fatal)
    other = Session(RULES, settings)
    other.state = State.AUTHENTICATED
    other.feed(b"a NOOP " + b"x" * 30)
    assert other.next_event() is None


def test_nobody_reads_a_huge_literal_for_nothing() -> None:
    octets = b"a LOGIN {%d+}\r\n" % (SKIP_MAX_OCTETS + 1)
    (event,) = feed(octets, State.NOT_AUTHENTICATED)
    assert isinstance(event, Fatal)
    (event,) = feed(b"a APPEND x {9000000000+}\r\n")
    assert isinstance(event, Fatal)


def test_a_message_too_large_is_refused_when_it_is_over() -> None:
    octets = b"a APPEND x {9000+}\r\n" + b"x" * 9000 + b"\r\nb NOOP\r\n"
    events = feed(octets)
    assert events[0] == Refused(b"a", b"NO [TOOBIG] the message is too large")
    assert names(events) == [b"NOOP"]


@pytest.mark.parametrize("octets", [b"a" * 1001, b"a\nb\r\n", b"a\rb\r\n"])
def test_what_cannot_be_a_line_is_the_end(octets: bytes) -> None:
    one = session()
    one.feed(octets)
    assert isinstance(one.next_event(), Fatal)
    one.feed(b"a NOOP\r\n")
    assert one.next_event() is None


def test_messages_are_handed_out_in_pieces() -> None:
    octets = b"a APPEND {1+}\r\nx (\\Seen) {4}\r\nabcd {2+}\r\nef\r\n"
    events = feed(octets)
    assert events[:4] == [
        MessageBegins(4, True, b"a", b" {1+}\r\nx (\\Seen) {4}\r\n", b"APPEND"),
        MessagePiece(b"abcd"),
        MessageBegins(
            2, False, b"a", b" {1+}\r\nx (\\Seen) {4}\r\n {2+}\r\n", b"APPEND"
        ),
        MessagePiece(b"ef"),
    ]
    assert names(events) == [b"APPEND"]


def test_a_message_can_be_refused_before_it_comes() -> None:
    one = session()
    one.feed(b"a APPEND x {4}\r\n")
    assert isinstance(one.next_event(), MessageBegins)
    one.refuse_message()
    one.feed(b"b NOOP\r\n")
    assert names(drain(one)) == [b"NOOP"]


def test_a_line_is_not_a_command() -> None:
    one = session()
    one.expect_line()
    one.feed(b"a NOOP {3}\r\nb NOOP\r\n")
    assert one.next_event() == Line(b"a NOOP {3}")
    assert names(drain(one)) == [b"NOOP"]


def test_forget_drops_what_was_injected() -> None:
    one = session(State.NOT_AUTHENTICATED)
    one.feed(b"a STARTTLS\r\nb LOGIN user pass\r\nc NO")
    first = one.next_event()
    assert isinstance(first, Command)
    assert first.name == b"STARTTLS"
    one.forget()
    assert one.next_event() is None
    one.feed(b"d NOOP\r\n")
    assert names(drain(one)) == [b"NOOP"]


def test_secrets_are_not_in_the_repr() -> None:
    events = feed(b"a LOGIN user secret\r\n", State.NOT_AUTHENTICATED)
    assert "secret" not in repr(events)


PIECES = st.lists(
    st.sampled_from(
        [
            b"a APPEND x {4+}\r\nabcd\r\n",
            b"a APPEND x (\\Seen) {3}\r\nabc {0+}\r\n\r\n",
            b"b CREATE {3+}\r\nb\r\n",
            b"\r\n",
            b"c NOOP\r\n",
            b"{2+}\r\n",
            b"d SELECT {600+}\r\n",
            b"x" * 200,
            b" ",
            b"\n",
            b"UID",
        ]
    ),
    max_size=20,
)


@given(PIECES, st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_however_it_is_cut_the_events_are_the_same(
    pieces: list[bytes], cuts: list[int]
) -> None:
    octets = b"".join(pieces)
    whole = feed(octets)
    one = session()
    events: list[Event] = []
    position = turn = 0
    while position < len(octets):
        size = cuts[turn % len(cuts)]
        one.feed(octets[position : position + size])
        position, turn = position + size, turn + 1
        for event in drain(one):
            add(events, event)
    assert events == whole
