"""HTTP/2 over streams in memory; the other side is h2's client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from hypothesis import given
from hypothesis import strategies as st

from pabal.web.http2 import RESETS_MAX, STREAMS_MAX, Http2Connection
from tests.support.streams import MemoryStream
from tests.web.site import Echo, common, joined


@dataclass
class Response:
    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None


@dataclass
class Browser:
    connection: Http2Connection
    stream: MemoryStream
    site: Echo
    running: asyncio.Task[None]
    frames: h2.connection.H2Connection
    responses: dict[int, Response] = field(default_factory=dict)
    acknowledges: bool = True
    goodbye: int | None = None

    def begin(self, path: str, method: str = "GET", *, end: bool = True) -> int:
        number = self.frames.get_next_available_stream_id()
        fields = [
            (":method", method),
            (":scheme", "https"),
            (":authority", "a.test"),
            (":path", path),
        ]
        self.frames.send_headers(number, fields, end_stream=end)
        self.responses[number] = Response()
        self.put()
        return number

    def put(self) -> None:
        self.stream.send(self.frames.data_to_send())

    async def get(self, path: str, method: str = "GET") -> Response:
        return await self.response(self.begin(path, method))

    async def response(self, number: int) -> Response:
        found = self.responses[number]
        while not found.ended and found.reset is None:
            assert await self.read(), "closed"
        return found

    async def read(self) -> bool:
        data = await self.stream.receive(5)
        if not data:
            return False
        for event in self.frames.receive_data(data):
            self.take(event)
        self.put()
        return True

    def take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            found = self.responses[event.stream_id]
            fields = {str(name): str(value) for name, value in event.headers}
            found.status, found.headers = fields.pop(":status"), fields
        elif isinstance(event, h2.events.DataReceived):
            self.responses[event.stream_id].body += event.data
            if self.acknowledges:
                size = event.flow_controlled_length
                self.frames.acknowledge_received_data(size, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.responses[event.stream_id].ended = True
        elif isinstance(event, h2.events.StreamReset):
            self.responses[event.stream_id].reset = int(event.error_code or 0)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goodbye = int(event.error_code or 0)

    async def rest(self) -> None:
        """Read until the server closes."""
        await asyncio.wait_for(self.running, 5)
        self.connection._stream.close()
        while await self.read():
            pass


def parts() -> tuple[Http2Connection, MemoryStream, Echo]:
    server, client = joined()
    site = Echo()
    return Http2Connection(server, site, common), client, site


def client_frames() -> h2.connection.H2Connection:
    return h2.connection.H2Connection(
        h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
    )


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    connection, stream, site = parts()
    running = asyncio.get_running_loop().create_task(connection.run())
    user = Browser(connection, stream, site, running, client_frames())
    user.frames.initiate_connection()
    user.put()
    try:
        yield user
    finally:
        stream.close()
        site.gate.set()
        await asyncio.wait_for(running, 10)


async def test_a_request() -> None:
    async with browser() as user:
        found = await user.get("/a?b")
        assert (found.status, found.body) == ("200", b"/a:")
        assert found.headers["date"] == "today"
        scope = user.site.seen[0]
        assert (scope["http_version"], scope["scheme"]) == ("2", "https")
        assert scope["query_string"] == b"b"
        assert dict(scope["headers"])[b"host"] == b"a.test"
        head = await user.get("/a", "HEAD")
        assert (head.body, head.headers["content-length"]) == (b"", "3")


async def test_many_at_once_and_much() -> None:
    async with browser() as user:
        slow = user.begin("/slow")
        numbers = [user.begin(f"/{n}") for n in range(20)]
        big = user.begin("/big")
        for count, number in enumerate(numbers):
            assert (await user.response(number)).body == b"/%d:" % count
        assert len((await user.response(big)).body) == 300_000
        assert not user.responses[slow].ended
        user.site.gate.set()
        assert (await user.response(slow)).body == b"/slow:"


async def test_a_body_in_pieces_goes_no_faster_than_it_is_read() -> None:
    async with browser() as user:
        number = user.begin("/p", "POST", end=False)
        total = 0
        while total < 200_000:
            room = user.frames.local_flow_control_window(number)
            size = min(room, user.frames.max_outbound_frame_size)
            if size:
                user.frames.send_data(number, b"x" * size)
                user.put()
                total += size
            else:
                await user.read()
        user.frames.end_stream(number)
        user.put()
        assert len((await user.response(number)).body) == total + 3


async def test_a_body_nobody_reads_gives_its_room_back() -> None:
    async with browser() as user:
        for _ in range(8):
            number = user.begin("/deaf", "POST", end=False)
            user.frames.send_data(number, b"x" * 16_000, end_stream=True)
            user.put()
            assert (await user.response(number)).status == "200"
        assert user.frames.outbound_flow_control_window > 16_000


async def test_a_client_that_takes_nothing_is_waited_for() -> None:
    async with browser() as user:
        user.acknowledges = False
        number = user.begin("/big")
        while len(user.responses[number].body) < 65_535:
            await user.read()
        other = user.begin("/crash")
        assert (await user.response(other)).status == "500"
        user.frames.increment_flow_control_window(400_000)
        user.frames.increment_flow_control_window(400_000, number)
        user.put()
        assert len((await user.response(number)).body) == 300_000


async def test_bugs_cost_one_request() -> None:
    async with browser() as user:
        half = await user.get("/half")
        assert half.reset == h2.errors.ErrorCodes.INTERNAL_ERROR
        assert (await user.get("/crash")).status == "500"
        assert (await user.get("/a")).status == "200"


async def test_taking_requests_back_has_an_end() -> None:
    async with browser() as user:
        taken = user.begin("/slow")
        user.frames.reset_stream(taken)
        assert (await user.get("/a")).status == "200"
        for _ in range(RESETS_MAX):
            number = user.begin("/slow")
            user.frames.reset_stream(number)
            user.put()
        await user.rest()
        assert user.goodbye == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


async def test_requests_at_once_have_a_limit() -> None:
    async with browser() as user:
        await user.get("/a")
        codes = h2.settings.SettingCodes
        assert user.frames.remote_settings[codes.MAX_CONCURRENT_STREAMS] == STREAMS_MAX


async def test_what_is_no_http2_is_told_so() -> None:
    connection, stream, _ = parts()
    stream.send(b"GET / HTTP/1.1\r\n\r\n")
    await asyncio.wait_for(connection.run(), 5)
    async with browser() as user:
        await user.get("/a")
        user.stream.send(b"\x00\x00\x08\x06\x00\x00\x00\x00\x01" + bytes(8))
        await user.rest()
        assert user.goodbye == h2.errors.ErrorCodes.PROTOCOL_ERROR


async def test_silence_ends_it_but_not_while_something_is_asked() -> None:
    async with browser() as user:
        slow = user.begin("/slow")
        await asyncio.sleep(0.01)
        user.connection._stream.expire()  # type: ignore[attr-defined] # in memory
        await asyncio.sleep(0.01)
        user.site.gate.set()
        assert (await user.response(slow)).status == "200"
        user.connection._stream.expire()  # type: ignore[attr-defined] # in memory
        await user.rest()
        assert user.goodbye == 0


async def test_stopping_answers_first_and_takes_nothing_new() -> None:
    async with browser() as user:
        slow = user.begin("/slow")
        await asyncio.sleep(0.01)
        user.connection.stop()
        late = await user.get("/late")
        assert late.reset == h2.errors.ErrorCodes.REFUSED_STREAM
        user.site.gate.set()
        assert (await user.response(slow)).status == "200"
        await user.rest()
        assert user.goodbye == 0
    async with browser() as user:
        await user.get("/a")
        user.connection.stop()
        await user.rest()


@given(st.lists(st.binary(max_size=80), max_size=6))
async def test_any_octets(pieces: list[bytes]) -> None:
    connection, stream, site = parts()
    site.gate.set()
    frames = client_frames()
    frames.initiate_connection()
    stream.send(frames.data_to_send())
    for piece in pieces:
        stream.send(piece)
    stream.end()
    connection._stream.end()  # type: ignore[attr-defined] # in memory
    await asyncio.wait_for(connection.run(), 10)
