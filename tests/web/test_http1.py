"""HTTP/1.1 over streams in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.base.clock import SystemClock
from pabal.web.http1 import HEAD_MAX_OCTETS, Http1Connection
from tests.support.streams import MemoryStream
from tests.web.site import Echo, common, joined

GET = b"GET /a?b HTTP/1.1\r\nHost: a.test\r\n\r\n"


@dataclass
class Browser:
    connection: Http1Connection
    stream: MemoryStream
    site: Echo
    running: asyncio.Task[None]
    received: bytes = field(default=b"")

    async def ask(self, data: bytes) -> tuple[bytes, bytes]:
        """Send octets; return head and body of the next response."""
        self.stream.send(data)
        return await self.response()

    async def response(self, *, head_only: bool = False) -> tuple[bytes, bytes]:
        while b"\r\n\r\n" not in self.received:
            await self._more()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ]
        size = 0 if head_only or not lengths else lengths[0]
        while len(self.received) < size:
            await self._more()
        body, self.received = self.received[:size], self.received[size:]
        return head, body

    async def _more(self) -> None:
        data = await self.stream.receive(5)
        assert data, "closed"
        self.received += data

    async def rest(self) -> bytes:
        """Return everything until the server closes."""
        await asyncio.wait_for(self.running, 5)
        self.connection._stream.close()
        data = self.received
        while part := await self.stream.receive(5):
            data += part
        return data


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    server, client = joined()
    site = Echo()
    connection = Http1Connection(server, site, common, SystemClock())
    running = asyncio.get_running_loop().create_task(connection.run())
    try:
        yield Browser(connection, client, site, running)
    finally:
        client.close()
        await asyncio.wait_for(running, 5)


async def test_several_requests_on_one_connection() -> None:
    async with browser() as user:
        for _ in range(3):
            head, body = await user.ask(GET)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"date: today" in head.lower()
            assert body == b"/a:"
        both = [await user.ask(GET + GET), await user.response()]
        assert [body for _, body in both] == [b"/a:"] * 2
        assert user.site.seen[0]["query_string"] == b"b"
        assert user.site.seen[0]["scheme"] == "http"


async def test_bodies_in_pieces_and_none_for_head() -> None:
    post = b"POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\n"
    async with browser() as user:
        user.stream.send(post + b"\r\nabc")
        await asyncio.sleep(0)
        assert (await user.ask(b"def"))[1] == b"/p:abcdef"
        user.stream.send(post + b"Expect: 100-continue\r\n\r\n")
        head, _ = await user.response()
        assert head.startswith(b"HTTP/1.1 100")
        assert (await user.ask(b"ghijkl"))[1] == b"/p:ghijkl"
        user.stream.send(GET.replace(b"GET", b"HEAD"))
        head, _ = await user.response(head_only=True)
        assert b"content-length: 3" in head.lower()
        assert (await user.ask(GET))[1] == b"/a:"


async def test_much() -> None:
    async with browser() as user:
        assert len((await user.ask(GET.replace(b"/a?b", b"/big")))[1]) == 300_000


async def test_bugs_cost_one_connection_at_most() -> None:
    async with browser() as user:
        head, _ = await user.ask(GET.replace(b"/a?b", b"/crash"))
        assert head.startswith(b"HTTP/1.1 500 Internal Server Error")
        assert (await user.ask(GET))[1] == b"/a:"
        user.stream.send(GET.replace(b"/a?b", b"/half"))
        assert b"200 OK" in await user.rest()


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * HEAD_MAX_OCTETS, b"431"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_request(octets: bytes, status: bytes) -> None:
    async with browser() as user:
        user.stream.send(octets)
        said = await user.rest()
        assert said.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in said.lower()
        assert user.site.seen == []


async def test_a_body_nobody_read_ends_the_connection() -> None:
    async with browser() as user:
        user.stream.send(
            b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx" + GET
        )
        assert (await user.rest()).count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET])
async def test_silence_ends_it(sent: bytes) -> None:
    async with browser() as user:
        if sent == GET:
            await user.ask(GET)
        elif sent:
            user.stream.send(sent)
            await asyncio.sleep(0)
        user.connection._stream.expire()  # type: ignore[attr-defined] # in memory
        await user.rest()


async def test_a_body_that_does_not_come_and_a_client_that_takes_nothing() -> None:
    async with browser() as user:
        user.stream.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
        await asyncio.sleep(0.01)
        user.connection._stream.expire()  # type: ignore[attr-defined] # in memory
        assert await user.rest() == b""
    async with browser() as user:
        user.connection._stream.stuck = True  # type: ignore[attr-defined] # in memory
        user.stream.send(GET)
        await user.rest()


async def test_stopping_answers_first() -> None:
    async with browser() as user:
        user.stream.send(GET.replace(b"/a?b", b"/slow"))
        await asyncio.sleep(0.01)
        user.connection.stop()
        user.site.gate.set()
        said = await user.rest()
        assert b"200 OK" in said
        assert b"connection: close" in said.lower()
    async with browser() as user:
        await user.ask(GET)
        user.connection.stop()
        await user.rest()


@given(st.lists(st.binary(max_size=60) | st.just(GET), max_size=6))
async def test_any_octets(pieces: list[bytes]) -> None:
    server, client = joined()
    connection = Http1Connection(server, Echo(), common, SystemClock())
    for piece in pieces:
        client.send(piece)
    client.end()
    server.end()
    await asyncio.wait_for(connection.run(), 5)
