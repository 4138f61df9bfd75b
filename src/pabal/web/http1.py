"""HTTP/1.1 on a stream: h11 knows the grammar, this drives it.

Security: a request's head and each part of its body must come in time, and heads are
bounded; a client that takes nothing is cut off.
Source: RFC 9112 §9 (connections), RFC 9110 §10.1.1 (100-continue).
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import h11
from starlette.types import ASGIApp

from pabal.base.clock import Clock
from pabal.net.ports import ConnectionLostError, IdleTimeoutError, Stream
from pabal.web.request import Exchange, Headers, Request, RequestEndedError

HEAD_MAX_OCTETS: Final = 16 * 1024
"""Longest request line with its headers: browsers send less than half of it."""

REQUEST_SECONDS: Final = 20.0
"""For the head of a request, and for each part of its body."""

KEEP_ALIVE_SECONDS: Final = 15.0
"""An idle connection is closed after that."""

SEND_SECONDS: Final = 30.0
"""How long a client may take nothing of a response."""


class Http1Connection:
    """Serves one connection.

    Args (of the constructor):
        stream: The connection.
        application: What responds.
        common: Returns the headers every response has.
        clock: For how long a request takes.
    """

    def __init__(
        self,
        stream: Stream,
        application: ASGIApp,
        common: Callable[[], Headers],
        clock: Clock,
    ) -> None:
        self._stream = stream
        self._application = application
        self._common = common
        self._clock = clock
        self._parser = h11.Connection(h11.SERVER, HEAD_MAX_OCTETS)
        self._is_idle = True
        self._is_stopping = False

    def stop(self) -> None:
        """Answer what is being asked, then close."""
        self._is_stopping = True
        if self._is_idle:
            self._stream.close()

    async def run(self) -> None:
        """Serve until it is over."""
        wait_s = REQUEST_SECONDS
        try:
            while not self._is_stopping:
                event = await self._head(wait_s)
                if not isinstance(event, h11.Request):
                    return
                self._is_idle = False
                await self._respond(event)
                if self._parser.our_state is not h11.DONE or self._is_body_left():
                    return
                self._parser.start_next_cycle()
                self._is_idle = True
                wait_s = KEEP_ALIVE_SECONDS
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint)
        except (RequestEndedError, IdleTimeoutError, ConnectionLostError):
            return

    def _is_body_left(self) -> bool:
        """Return whether a body was not read: what follows is no request then."""
        if self._parser.their_state is h11.SEND_BODY:
            # The end of a body that has no octets may not have been looked at.
            return not isinstance(self._parser.next_event(), h11.EndOfMessage)
        return self._parser.their_state is not h11.DONE

    async def _head(self, wait_s: float) -> h11.Event:
        """Return the next request; its head has to come in time as a whole."""
        until = self._clock.monotonic() + wait_s
        while True:
            event = self._parser.next_event()
            if not isinstance(event, type):
                return event
            await self._read(max(until - self._clock.monotonic(), 0.001))

    async def _read(self, wait_s: float) -> None:
        self._parser.receive_data(await self._stream.receive(wait_s))

    async def _respond(self, event: h11.Request) -> None:
        request = Request(
            event.method.decode("ascii"),
            event.target,
            [(bytes(name), bytes(value)) for name, value in event.headers],
            event.http_version.decode("ascii"),
            "http" if self._stream.tls is None else "https",
            self._stream.peer,
            self._stream.local,
        )
        exchange = Exchange(self, head=request.method == "HEAD")
        await exchange.run(self._application, request)

    async def body(self) -> tuple[bytes, bool]:
        """Return the next octets of the request's body and whether more may come."""
        if self._parser.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._put(self._parser.send(go_on))
        while True:
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError as error:
                raise RequestEndedError(str(error)) from error
            if isinstance(event, h11.Data):
                return bytes(event.data), True
            if isinstance(event, h11.EndOfMessage):
                return b"", False
            if not isinstance(event, type) or event is h11.PAUSED:
                raise RequestEndedError("the client is gone")
            try:
                await self._read(REQUEST_SECONDS)
            except IdleTimeoutError as error:
                raise RequestEndedError(str(error)) from error

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        headers = [*headers, *self._common()]
        if self._is_stopping:
            headers.append((b"connection", b"close"))
        self._put(self._parser.send(_head(status, headers)))

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send octets of the response's body, no faster than they are taken."""
        if data:
            self._put(self._parser.send(h11.Data(data=data)))
        if not more:
            self._put(self._parser.send(h11.EndOfMessage()))
        try:
            await self._stream.flush(SEND_SECONDS)
        except (ConnectionLostError, IdleTimeoutError) as error:
            raise RequestEndedError(str(error)) from error

    def _put(self, data: bytes | None) -> None:
        if data:
            self._stream.send(data)

    async def _refuse(self, status: int) -> None:
        """Say what is wrong with a request, if that can still be said."""
        if self._parser.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            self._put(self._parser.send(_head(status, [*headers, *self._common()])))


def _head(status: int, headers: Headers) -> h11.Response:
    try:
        reason = HTTPStatus(status).phrase.encode()
    except ValueError:
        reason = b""
    return h11.Response(status_code=status, headers=headers, reason=reason)
