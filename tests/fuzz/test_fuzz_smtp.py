"""Fuzzing SMTP: a value or the one named error; any split the same; encode(decode)."""

from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st

from pabal.net.framing import BareNewlineError
from pabal.smtp.outcome import permanent
from pabal.smtp.session import (
    Chunk,
    Event,
    MessageEnd,
    Refused,
    SaslLine,
    Session,
)
from pabal.smtp.settings import ServerSettings
from pabal.smtp.wire.command import (
    Auth,
    CommandError,
    Context,
    PlainCommand,
    decode_xtext,
    encode_xtext,
    parse_command,
)
from pabal.smtp.wire.data import DataDecoder, DataEncoder
from pabal.smtp.wire.extensions import parse_extensions
from pabal.smtp.wire.reply import ReplyError, ReplyReader, format_outcome, format_reply

WORDS = [
    *[b"EHLO x", b"HELO", b"MAIL FROM:<", b"RCPT TO:<", b"a@b.example", b">", b"<>"],
    *[b"DATA", b"BDAT 3", b"BDAT 0 LAST", b"BDAT 99999999999", b"RSET", b"QUIT"],
    *[b"AUTH PLAIN ", b"AUTH SAY", b"AUTH ", b"STARTTLS", b" SIZE=5", b" SMTPUTF8"],
    *[b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b".", b"\r\n.\r\n", b"\r\n..", b" "],
    *[
        b"\0",
        b"\xff",
        "받".encode(),
        b"=",
        b"x" * 600,
        b"NOTIFY=NEVER",
        b"+3D",
        b"250-",
    ],
    *[b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<a@b.example>\r\n", b"DATA\r\n"],
]
OCTETS = st.lists(
    st.one_of(st.sampled_from(WORDS), st.binary(max_size=6)), max_size=40
).map(b"".join)
PIECES = st.lists(st.integers(1, 40), max_size=60)


def cut(octets: bytes, sizes: Iterable[int]) -> list[bytes]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(octets[start : start + size])
        start += size
    return [*pieces, octets[start:]]


def events_of(pieces: Iterable[bytes]) -> list[Event]:
    """Return events, chunks joined; those of a message that was broken do not count."""
    session = Session(ServerSettings(message_size_max=50, errors_max=9), "b.example")
    events: list[Event] = []
    text: list[bytes] = []
    for piece in pieces:
        session.feed(piece)
        while (event := session.next_event()) is not None:
            if isinstance(event, Chunk):
                text.append(event.octets)
                continue
            whole = not isinstance(event, MessageEnd) or not event.too_large
            if text and whole and not isinstance(event, Refused):
                events.append(Chunk(b"".join(text)))
            text.clear()
            events.append(event)
            if isinstance(event, SaslLine):
                session.end_sasl()
            elif isinstance(event, PlainCommand):
                session.accept()
                if isinstance(event, Auth):
                    session.expect_sasl()
    return events


@example(b"\r" + b"x" * 2000, [2])  # a find: the pieces chose between two errors
@given(OCTETS, PIECES)
def test_any_split_gives_the_same_events(octets: bytes, sizes: list[int]) -> None:
    assert events_of([octets]) == events_of(cut(octets, sizes))


@given(OCTETS)
def test_a_command_or_its_refusal(line: bytes) -> None:
    for utf8 in (False, True):
        outcome = permanent(0, "5.2", "no command")
        try:
            parse_command(line, Context("b.example", utf8))
        except CommandError as error:
            outcome = error.outcome
        assert outcome.reply_code >= 500


@given(OCTETS, PIECES)
def test_replies_or_the_one_error(octets: bytes, sizes: list[int]) -> None:
    def replies(pieces: Iterable[bytes]) -> list[object]:
        reader = ReplyReader()
        found: list[object] = []
        try:
            for piece in pieces:
                reader.feed(piece)
                while (reply := reader.next_reply()) is not None:
                    parse_extensions(reply)
                    found.append(reply)
        except ReplyError:
            found.append("error")
        return found

    assert replies([octets]) == replies(cut(octets, sizes))


@given(st.text(max_size=1100))
def test_what_we_reply_is_a_reply(text: str) -> None:
    reader = ReplyReader()
    for octets in (
        format_outcome(permanent(50, "1.1", text), utf8=True),
        format_reply(250, (text, text)),
    ):
        assert all(len(line) <= 510 for line in octets.split(b"\r\n"))
        reader.feed(octets)
        assert reader.next_reply() is not None
        assert reader.next_reply() is None


@given(OCTETS, PIECES, PIECES)
def test_dot_stuffing_is_undone(octets: bytes, one: list[int], two: list[int]) -> None:
    text = octets.replace(b"\r", b"").replace(b"\n", b"\r\n")
    encoder = DataEncoder()
    wire = b"".join(map(encoder.encode, cut(text, one))) + encoder.finish()
    assert wire.count(b"\r\n.\r\n") + wire.startswith(b".\r\n") == 1
    decoder = DataDecoder()
    got, rest = b"", None
    for piece in cut(wire + b"NEXT", two):
        if rest is None:
            more, rest = decoder.feed(piece)
            got += more
        else:
            rest += piece
    whole = text if text.endswith(b"\r\n") or not text else text + b"\r\n"
    assert got == whole
    assert rest == b"NEXT"


@given(OCTETS, PIECES)
def test_a_message_or_the_one_error(octets: bytes, sizes: list[int]) -> None:
    decoder = DataDecoder()
    got = b""
    try:
        for piece in cut(octets, sizes):
            more, rest = decoder.feed(piece)
            got += more
            if rest is not None:
                break
    except BareNewlineError:
        return
    # What was taken cannot mean anything else to whoever reads it next.
    assert got.count(b"\r") == got.count(b"\n") == got.count(b"\r\n")


@given(st.text(max_size=60))
def test_xtext_is_undone(text: str) -> None:
    clean = text.encode("utf-8", "ignore").decode()
    assert decode_xtext(encode_xtext(clean).encode()) == clean
