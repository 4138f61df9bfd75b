"""POP3 octets: replies by the RFC or a closed connection, never anything else."""

import asyncio
import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.base.errors import PabalError
from pabal.pop3.wire import (
    CommandError,
    LineCounter,
    Stuffer,
    parse_auth,
    parse_command,
    parse_numbers,
    parse_text,
    stuffed,
)
from tests.pop3.site import ALICE, PASSWORD, open_site
from tests.support.streams import stream_pair

TOKENS = [
    b"USER ", b"PASS ", ALICE.encode(), PASSWORD.encode(), b"\r\n", b"\r\n", b"\r",
    b"\n", b" ", b"\0", b"\xff", b"RETR ", b"TOP ", b"DELE ", b"LIST", b"UIDL", b"1",
    b"3", b"0", b"4", b"-1", b"STAT\r\n", b"RSET\r\n", b"QUIT\r\n", b"AUTH PLAIN",
    b"AUTH LOGIN", b" =", b"AGE=", b"*\r\n", b"STLS\r\n", b"CAPA\r\n", b"UTF8\r\n",
]  # fmt: skip

LOGIN = f"USER {ALICE}\r\nPASS {PASSWORD}\r\n".encode()

OCTETS = st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6))).map(
    b"".join
)


async def talk(pieces: list[bytes]) -> bytes:
    """Return everything the server says to ``pieces``."""
    async with open_site() as site:
        client, server = stream_pair()
        await server.start_tls()

        async def serve() -> None:
            with contextlib.suppress(PabalError):
                await site.server().serve(server)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(serve())
            for piece in pieces:
                client.send(piece)
                await asyncio.sleep(0)
            # The client sends no more; the server says what it has to say.
            server.end()
            await task
        return b"".join(server.writes)


@settings(max_examples=60, deadline=None)
@given(OCTETS, st.booleans())
def test_any_octets_in_any_pieces(octets: bytes, logged_in: bool) -> None:
    data = LOGIN + octets if logged_in else octets
    whole = asyncio.run(talk([data]))
    assert whole.startswith(b"+OK pabal ready\r\n")
    assert whole.endswith(b"\r\n")
    assert b"Traceback" not in whole
    assert asyncio.run(talk([data[i : i + 3] for i in range(0, len(data), 3)])) == whole


@given(st.binary(max_size=60))
def test_parsers(line: bytes) -> None:
    command = parse_command(line)
    for parse in (parse_auth, parse_text, lambda a: parse_numbers(a, 0, 2)):
        with contextlib.suppress(CommandError):
            parse(command.argument)


PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r", b"\n", b"\r\n."]))


@given(PIECES)
def test_stuffing_can_be_undone_and_pieces_do_not_matter(pieces: list[bytes]) -> None:
    message = b"".join(pieces)
    stuffer = Stuffer()
    assert b"".join(map(stuffer.feed, pieces)) + stuffer.end() == stuffed(message)
    lines = stuffed(message).split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    back = b"\r\n".join(line[line.startswith(b".") :] for line in lines[:-2])
    assert back == message.removesuffix(b"\r\n")


@given(PIECES, st.integers(0, 10))
def test_counting_lines_in_pieces(pieces: list[bytes], count: int) -> None:
    whole = LineCounter(count).feed(b"".join(pieces))
    counter = LineCounter(count)
    assert b"".join(map(counter.feed, pieces)) == whole
    assert whole.count(b"\n") <= count
