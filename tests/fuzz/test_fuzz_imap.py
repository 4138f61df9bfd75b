"""IMAP's parsers against anything: a value or one named error, never another.

The three invariants (docs/architecture.md): parse or ``ScanError``; any split of the
input gives the same events (tests/imap/test_session.py holds the cutting of real
dialogues); what was written reads back.
"""

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pabal.base.scan import ScanError
from pabal.imap.commands.table import RULES
from pabal.imap.session import Event, Fatal, MessagePiece, Session, State
from pabal.imap.settings import ImapSettings
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.mailbox_name import NameEncodingError, decode, encode
from tests.imap.rig import PASSWORD, USER, Rig, letter

SMALL = ImapSettings(
    line_max_octets=400,
    literal_max_octets=50,
    command_max_octets=500,
    message_max_octets=60,
    saves_max=2,
)

WORDS = st.sampled_from(
    [
        *(name for name in RULES),
        *(b" ", b"  ", b"(", b")", b"[", b"]", b"<", b">", b'"', b"\\", b"$", b"*"),
        *(b"1", b"0", b"1:*", b"4294967296", b"99999999999999999999", b"1,2:3"),
        *(b"{3}", b"{3+}", b"~{2+}", b"{0+}", b"{999}", b"{3}\r\n", b"{3+}\r\nabc"),
        *(b"INBOX", b"NIL", b"FLAGS", b"BODY", b"BODY.PEEK[", b"HEADER.FIELDS ("),
        *(b"MIME", b"TEXT", b"1.2.", b"<0.5>", b"BINARY.SIZE[", b"RETURN (", b"ALL"),
        *(b"CHARSET ", b"NOT ", b"OR ", b"UID ", b"SINCE ", b"1-Feb-2026", b"MODSEQ"),
        *(b"CHANGEDSINCE 1", b"UNCHANGEDSINCE ", b"+FLAGS", b"-FLAGS.SILENT ", b"USE"),
        *(b"QRESYNC (", b"1 2 ", b"VANISHED", b"PARTIAL 1:2", b"-1:-5", b"SAVE"),
        *(b"SET ", b"STATUS (", b"selected ", b"subtree ", b"(MessageNew (UID) "),
        *(b"MessageExpunge)", b"/private/a", b"DEPTH 1", b"METADATA (", b"DEFLATE"),
        *(b"REFERENCES ", b"UTF-8 ", b"(REVERSE DATE)", b"FUZZY ", b"OLDER 5", b"2 a "),
        *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", "회의".encode(), b"a", b"+", b"DONE"),
    ]
)
OCTETS = st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=30).map(b"".join))
COMMANDS = st.builds(
    lambda name, rest: b"t " + name + b" " + rest, st.sampled_from([*RULES]), OCTETS
)


def events_of(pieces: list[bytes], state: State) -> list[Event]:
    session = Session(RULES, SMALL)
    session.state = state
    events: list[Event] = []
    for piece in pieces:
        session.feed(piece)
        while (event := session.next_event()) is not None:
            last = events[-1] if events else None
            if isinstance(event, MessagePiece) and isinstance(last, MessagePiece):
                events[-1] = MessagePiece(last.octets + event.octets)
            else:
                events.append(event)
    return events


@given(st.lists(st.one_of(COMMANDS, OCTETS), max_size=4), st.sampled_from(State))
@example([b"a APPEND x {2+}\r\nab {0}\r\n"], State.SELECTED)
@settings(max_examples=300)
def test_any_split_gives_the_same_events(parts: list[bytes], state: State) -> None:
    octets = b"\r\n".join(parts) + b"\r\n"
    whole = events_of([octets], state)
    single = events_of([octets[i : i + 1] for i in range(len(octets))], state)
    if whole and isinstance(whole[-1], Fatal):
        # How much of a bad line was there decides which error it is, not whether.
        assert isinstance(single[-1], Fatal)
        assert whole[:-1] == single[:-1]
    else:
        assert whole == single


@given(st.sampled_from(sorted(RULES)), OCTETS)
@settings(max_examples=500)
@example(b"FETCH", b" 1 BODY[")
@example(b"SEARCH", b" ")
@example(b"STORE", b" 1 FLAGS (\\")
def test_arguments_parse_or_do_not(name: bytes, octets: bytes) -> None:
    position = 0
    try:
        RULES[name].parse(Reader(octets))
    except ScanError as error:
        position = error.position
    assert 0 <= position <= len(octets)


@given(st.binary(max_size=60))
def test_names_decode_or_do_not(octets: bytes) -> None:
    try:
        name = decode(octets)
    except NameEncodingError:
        return
    assert decode(encode(name)) == name


@given(st.lists(st.one_of(COMMANDS, OCTETS), max_size=6), st.booleans())
@settings(max_examples=60, deadline=None)
async def test_the_server_survives(lines: list[bytes], login: bool) -> None:
    rig = Rig(SMALL)
    await rig.put([letter("one"), letter("two")])
    # What the server raises, the end of the connection raises here.
    async with rig.connection() as client:
        if login:
            client.send(f'l LOGIN {USER} "{PASSWORD}"\r\ns SELECT INBOX\r\n'.encode())
        for line in lines:
            client.send(line + b"\r\n")
        client.send(b")\r\nDONE\r\n*\r\nlast LOGOUT\r\n")
        for _ in range(100):
            await asyncio.sleep(0)
