"""HTTP/2 on a stream: h2 knows the frames, this drives it.

Security: requests at once, resets, and octets that wait are bounded; what a client may
send is not more than the application took (flow control).
Source: RFC 9113 §5.2 (flow control), §8.3 (requests), §10.5 (what floods can be made).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from starlette.types import ASGIApp

from pabal.base.tasks import Tasks
from pabal.net.ports import ConnectionLostError, IdleTimeoutError, Stream
from pabal.web.request import Exchange, Headers, Request, RequestEndedError

STREAMS_MAX: Final = 100
"""Requests at once: RFC 9113 §6.5.2 recommends no fewer."""

RESETS_MAX: Final = 100
"""Requests a client may take back: a flood of them costs us work and it nothing
(CVE-2023-44487)."""

HEADERS_MAX_OCTETS: Final = 16 * 1024
"""Longest headers of a request."""

IDLE_SECONDS: Final = 60.0
"""A connection without a request is closed after that."""

REQUEST_SECONDS: Final = 20.0
"""For each part of a request's body."""

SEND_SECONDS: Final = 30.0
"""How long a client may take nothing of a response."""


@dataclass(slots=True)
class _Waiting:
    """What came of the body of one request and was not taken yet.

    Attributes:
        parts: Octets, and how much of the flow control window each took.
        ended: Whether nothing follows.
        gone: Whether the client took the request back.
        changed: Set when any of it, or the room to send, changed.
    """

    parts: list[tuple[bytes, int]] = field(default_factory=list)
    ended: bool = False
    gone: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Http2Connection:
    """Serves one connection.

    Args (of the constructor):
        stream: The connection; TLS, ALPN ``h2``.
        application: What responds.
        common: Returns the headers every response has.
    """

    def __init__(
        self, stream: Stream, application: ASGIApp, common: Callable[[], Headers]
    ) -> None:
        self._stream = stream
        self._application = application
        self._common = common
        self._frames = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=None)
        )
        self._requests: dict[int, _Waiting] = {}
        self._tasks = Tasks()
        self._resets = 0
        self._is_stopping = False

    def stop(self) -> None:
        """Answer what is being asked, then close."""
        self._is_stopping = True
        self._end_if_over()

    async def run(self) -> None:
        """Serve until it is over."""
        codes = h2.settings.SettingCodes
        self._frames.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                codes.MAX_CONCURRENT_STREAMS: STREAMS_MAX,
                codes.MAX_HEADER_LIST_SIZE: HEADERS_MAX_OCTETS,
            },
        )
        self._frames.decoder.max_header_list_size = HEADERS_MAX_OCTETS
        self._frames.initiate_connection()
        self._put()
        try:
            await self._read()
        except (IdleTimeoutError, ConnectionLostError):
            self._go_away(h2.errors.ErrorCodes.NO_ERROR)
        finally:
            for waiting in self._requests.values():
                waiting.gone = True
                waiting.changed.set()
            # Nobody is there to be answered: where we stop, that was waited for.
            await self._tasks.stop()

    async def _read(self) -> None:
        while True:
            try:
                data = await self._stream.receive(IDLE_SECONDS)
            except IdleTimeoutError:
                if self._requests:
                    continue
                raise
            if not data:
                return
            try:
                events = self._frames.receive_data(data)
            except h2.exceptions.ProtocolError:
                self._put()  # what h2 has to say of it
                return
            for event in events:
                if not self._take(event):
                    return
            self._put()
            await self._stream.flush(SEND_SECONDS)

    def _take(self, event: h2.events.Event) -> bool:
        """Take one event; return whether the connection goes on."""
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif isinstance(event, h2.events.DataReceived):
            self._body(event)
        elif isinstance(event, h2.events.StreamEnded):
            if (waiting := self._requests.get(event.stream_id)) is not None:
                waiting.ended = True
                waiting.changed.set()
        elif isinstance(event, h2.events.StreamReset):
            return self._reset(event.stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            return False
        else:
            # A window or a setting that decides how much may be sent.
            for waiting in self._requests.values():
                waiting.changed.set()
        return True

    def _begin(self, event: h2.events.RequestReceived) -> None:
        number = event.stream_id
        if self._is_stopping:
            self.take_back(number, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        self._requests[number] = _Waiting()
        headers = [(bytes(name), bytes(value)) for name, value in event.headers]
        self._tasks.start(self._respond(number, headers), "http/2 request")

    def _body(self, event: h2.events.DataReceived) -> None:
        waiting = self._requests.get(event.stream_id)
        if waiting is None:
            # Nobody reads it: only the window of the connection is given back.
            self._taken(event.flow_controlled_length, event.stream_id)
            return
        waiting.parts.append((event.data, event.flow_controlled_length))
        waiting.changed.set()

    def _reset(self, number: int) -> bool:
        waiting = self._requests.get(number)
        if waiting is not None:
            waiting.gone = True
            waiting.changed.set()
        self._resets += 1
        if self._resets <= RESETS_MAX:
            return True
        self._go_away(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
        return False

    async def _respond(self, number: int, fields: Headers) -> None:
        pseudo = {name: value for name, value in fields if name.startswith(b":")}
        headers = [each for each in fields if not each[0].startswith(b":")]
        if b":authority" in pseudo:
            headers = [each for each in headers if each[0] != b"host"]
            headers.append((b"host", pseudo[b":authority"]))
        request = Request(
            pseudo.get(b":method", b"").decode("latin-1"),
            pseudo.get(b":path", b"/"),
            headers,
            "2",
            "https",
            self._stream.peer,
            self._stream.local,
        )
        line = _Line(self, number, self._requests[number])
        try:
            exchange = Exchange(line, head=request.method == "HEAD")
            await exchange.run(self._application, request)
            line.end(whole=exchange.is_over)
        except RequestEndedError:
            line.end(whole=False)
        finally:
            waiting = self._requests.pop(number)
            for _, size in waiting.parts:
                self._taken(size, number)
            self._put()
            self._end_if_over()

    def _end_if_over(self) -> None:
        """Say goodbye once nothing is left to answer and nothing new is wanted."""
        if self._is_stopping and not self._requests:
            self._go_away(h2.errors.ErrorCodes.NO_ERROR)
            self._stream.close()

    def _taken(self, size: int, number: int) -> None:
        """Let the client send as much again."""
        if size:
            try:
                self._frames.acknowledge_received_data(size, number)
            except h2.exceptions.ProtocolError:
                return  # it is gone

    def _go_away(self, code: h2.errors.ErrorCodes) -> None:
        try:
            self._frames.close_connection(code)
        except h2.exceptions.ProtocolError:
            return
        self._put()

    def _put(self) -> None:
        data = self._frames.data_to_send()
        if data:
            self._stream.send(data)

    # For _Line.

    def start(self, number: int, status: int, headers: Headers) -> None:
        """Send status and headers; raises ProtocolError."""
        fields = [(b":status", b"%d" % status), *headers, *self._common()]
        self._frames.send_headers(number, fields)
        self._put()

    def room(self, number: int) -> int:
        """Return how many octets may be sent now; raises ProtocolError."""
        window = self._frames.local_flow_control_window(number)
        return min(window, self._frames.max_outbound_frame_size)

    async def send(self, number: int, data: bytes, *, end: bool) -> None:
        """Send octets there is room for; raises ProtocolError, or as ``flush``."""
        self._frames.send_data(number, data, end_stream=end)
        self._put()
        await self._stream.flush(SEND_SECONDS)

    def take_back(
        self,
        number: int,
        code: h2.errors.ErrorCodes = h2.errors.ErrorCodes.INTERNAL_ERROR,
    ) -> None:
        """End a request whose response is not whole."""
        try:
            self._frames.reset_stream(number, code)
        except h2.exceptions.ProtocolError:
            return
        self._put()

    def taken(self, size: int, number: int) -> None:
        """Let the client send as much again, and tell it."""
        self._taken(size, number)
        self._put()


class _Line:
    """One request of a connection: implements ``pabal.web.request.Line``."""

    def __init__(
        self, connection: Http2Connection, number: int, waiting: _Waiting
    ) -> None:
        self._connection = connection
        self._number = number
        self._waiting = waiting

    async def body(self) -> tuple[bytes, bool]:
        """Return the next octets of the request's body and whether more may come."""
        waiting = self._waiting
        while not waiting.parts:
            if waiting.ended:
                return b"", False
            await self._change(REQUEST_SECONDS)
        data, size = waiting.parts.pop(0)
        self._connection.taken(size, self._number)
        return data, True

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        try:
            self._connection.start(self._number, status, headers)
        except h2.exceptions.ProtocolError as error:
            raise RequestEndedError(str(error)) from error

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send octets of the response's body, no faster than they are taken."""
        rest = memoryview(data)
        try:
            while rest:
                room = self._connection.room(self._number)
                if room <= 0:
                    self._waiting.changed.clear()
                    await self._change(SEND_SECONDS)
                    continue
                part, rest = bytes(rest[:room]), rest[room:]
                await self._connection.send(self._number, part, end=False)
            if not more:
                await self._connection.send(self._number, b"", end=True)
        except (
            h2.exceptions.ProtocolError,
            ConnectionLostError,
            IdleTimeoutError,
        ) as error:
            raise RequestEndedError(str(error)) from error

    def end(self, *, whole: bool) -> None:
        """Note that the application is done."""
        if not whole and not self._waiting.gone:
            self._connection.take_back(self._number)

    async def _change(self, wait_s: float) -> None:
        """Wait until something changed."""
        if self._waiting.gone:
            raise RequestEndedError("the client is gone")
        try:
            async with asyncio.timeout(wait_s):
                await self._waiting.changed.wait()
        except TimeoutError as error:
            raise RequestEndedError("the client is too slow") from error
        self._waiting.changed.clear()
        if self._waiting.gone:
            raise RequestEndedError("the client is gone")
