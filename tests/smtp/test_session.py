"""The state machine, without a driver: everything is accepted unless a test refuses."""

from collections.abc import Callable, Iterable

import pytest

from pabal.base.errors import LocalProtocolError
from pabal.smtp.session import (
    TRANSITIONS,
    Chunk,
    ChunkEnd,
    Event,
    MessageEnd,
    Refused,
    SaslLine,
    Session,
    State,
)
from pabal.smtp.settings import ServerSettings
from pabal.smtp.wire.command import (
    Auth,
    Data,
    Ehlo,
    Mail,
    Noop,
    PlainCommand,
    Quit,
    Rcpt,
    StartTls,
)

SETTINGS = ServerSettings(message_size_max=1000)
START = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.com>\r\n"


def run(
    pieces: Iterable[bytes],
    settings: ServerSettings = SETTINGS,
    decide: Callable[[PlainCommand], bool] = lambda _: True,
) -> list[Event]:
    """Return the events; chunks of a message joined, those of a broken one dropped."""
    session = Session(settings, "mail.example.com")
    events: list[Event] = []
    for piece in pieces:
        session.feed(piece)
        while (event := session.next_event()) is not None:
            if isinstance(event, Refused) and event.fatal:
                while events and isinstance(events[-1], Chunk):
                    events.pop()
            if isinstance(event, Chunk) and events and isinstance(events[-1], Chunk):
                event = Chunk(events.pop().octets + event.octets)  # type: ignore[union-attr]  # checked the line above
            events.append(event)
            if isinstance(event, SaslLine):
                session.end_sasl()
            elif isinstance(event, PlainCommand):
                if decide(event):
                    session.accept()
                else:
                    session.refuse()
                if isinstance(event, Auth):
                    session.expect_sasl()
    return events


def kinds(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_transaction() -> None:
    events = run([START + b"DATA\r\n..a\r\n.b\r\n\r\n.\r\nQUIT\r\n"])
    assert kinds(events) == [
        "Ehlo",
        "Mail",
        "Rcpt",
        "Data",
        "Chunk",
        "MessageEnd",
        "Quit",
    ]
    assert events[4] == Chunk(b".a\r\nb\r\n\r\n")
    assert events[5] == MessageEnd(9, too_large=False)


def test_one_octet_at_a_time_is_the_same() -> None:
    octets = START + b"DATA\r\n..a\r\n.\r\nAUTH SAY\r\nYQ==\r\nNOOP\r\n"
    octets += b"MAIL FROM:<>\r\nRCPT TO:<a@example.com>\r\nBDAT 3\r\na\r\n"
    octets += b"BDAT 6 LAST\r\nb\r\n.\r\nWHAT\r\n"
    assert run([octets]) == run([octets[n : n + 1] for n in range(len(octets))])
    assert kinds(run([octets]))[-4:] == ["ChunkEnd", "Chunk", "MessageEnd", "Refused"]


def test_nothing_is_read_before_a_command_is_answered() -> None:
    session = Session(SETTINGS, "x")
    session.feed(b"EHLO x\r\nNOOP\r\n")
    assert isinstance(session.next_event(), Ehlo)
    assert session.next_event() is None
    session.accept()
    assert isinstance(session.next_event(), Noop)
    session.accept()
    with pytest.raises(LocalProtocolError):
        session.accept()


def test_refused_commands_change_nothing() -> None:
    events = run([START], decide=lambda command: not isinstance(command, Mail))
    assert kinds(events) == ["Ehlo", "Mail", "Refused"]


def test_data_needs_an_accepted_recipient() -> None:
    events = run(
        [START + b"DATA\r\n"], decide=lambda command: not isinstance(command, Rcpt)
    )
    assert isinstance(events[-1], Refused)
    assert events[-1].outcome.reply_code == 554


def test_starttls_forgets_what_follows() -> None:
    events = run(
        [b"EHLO x\r\nSTARTTLS\r\nNOOP\r\nMAIL FR", b"NOOP\r\nMAIL FROM:<>\r\n"]
    )
    assert kinds(events) == ["Ehlo", "StartTls", "Noop", "Refused"]


def test_a_refused_starttls_forgets_nothing() -> None:
    events = run(
        [b"EHLO x\r\nSTARTTLS\r\nNOOP\r\n"],
        decide=lambda command: not isinstance(command, StartTls),
    )
    assert kinds(events) == ["Ehlo", "StartTls", "Noop"]


@pytest.mark.parametrize(
    "end",
    [b"\n.\r\n", b"\r\n.\n", b"\n.\n", b"\r.\r\n", b"\r\n.\r\r\n", b"a\rb", b"\n"],
)
def test_only_crlf_ends_lines_of_a_message(end: bytes) -> None:
    octets = START + b"DATA\r\ntext" + end + b"MAIL FROM:<>\r\n.\r\nNOOP\r\n"
    for pieces in ([octets], [octets[n : n + 1] for n in range(len(octets))]):
        events = run(pieces)
        assert kinds(events) == ["Ehlo", "Mail", "Rcpt", "Data", "Refused"]
        assert isinstance(events[-1], Refused)
        assert events[-1].fatal


def test_the_first_fault_of_a_line_is_told() -> None:
    for first, text in ((b"\r", "CR or LF"), (b"NOOP ", "too long")):
        octets = first + b"x" * 1300
        for pieces in ([octets], [octets[:2], octets[2:]]):
            (event,) = run(pieces)
            assert isinstance(event, Refused)
            assert text in event.outcome.text


def test_chunks_may_cut_a_crlf_but_not_end_with_half_of_one() -> None:
    good = START + b"BDAT 2\r\na\rBDAT 1 LAST\r\n\n"
    assert kinds(run([good]))[3:] == ["Chunk", "ChunkEnd", "Chunk", "MessageEnd"]
    bad = START + b"BDAT 2 LAST\r\na\r"
    assert kinds(run([bad]))[3:] == ["Refused"]
    worse = START + b"BDAT 2\r\na\rBDAT 1 LAST\r\nb"
    assert kinds(run([worse]))[-1] == "Refused"


def test_an_empty_message() -> None:
    assert run([START + b"DATA\r\n.\r\n"])[-1] == MessageEnd(0, too_large=False)
    assert run([START + b"BDAT 0 LAST\r\n"])[-1] == MessageEnd(0, too_large=False)
    assert run([START + b"BDAT 0\r\n"])[-1] == ChunkEnd(0)


def test_a_message_too_large_is_read_to_its_end() -> None:
    octets = START + b"DATA\r\n" + b"x" * 1001 + b"\r\n.\r\nNOOP\r\n"
    events = run([octets[n : n + 100] for n in range(0, len(octets), 100)])
    assert events[-2:] == [MessageEnd(1003, too_large=True), Noop()]
    events = run([START + b"BDAT 1001 LAST\r\n" + b"x" * 1001 + b"NOOP\r\n"])
    assert events[-2:] == [MessageEnd(1001, too_large=True), Noop()]


def test_a_message_far_too_large_ends_the_session() -> None:
    events = run([START + b"DATA\r\n" + b"x" * 5000 + b"\r\n.\r\nNOOP\r\n"])
    assert isinstance(events[-1], Refused)
    assert events[-1].fatal
    assert events[-1].outcome.enhanced == "5.3.4"


def test_too_many_commands_for_no_message() -> None:
    settings = ServerSettings(commands_max=5)
    events = run([b"NOOP\r\n" * 10], settings)
    assert kinds(events) == ["Noop"] * 5 + ["Refused"]


def test_a_message_taken_forgives() -> None:
    session = Session(ServerSettings(errors_max=2), "x")
    for _ in range(10):
        session.count_error()
        session.message_taken()
    assert session.next_event() is None
    for _ in range(3):
        session.count_error()
    assert isinstance(session.next_event(), Refused)


def test_the_table_knows_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    for state, commands in TRANSITIONS.items():
        assert commands[Quit] is state
        assert (Mail in commands) == (state is State.READY)
        assert (Data in commands) == (state is State.RCPT)
