"""A connection on a socket: the one driver of every server and client.

Back-pressure both ways: reading stops while ``READ_HIGH_OCTETS`` wait to be taken,
``flush`` waits while the peer does not read. Memory a connection is bounded by these
and by what its session keeps.

Security: everything a stranger sends passes here first; nothing is interpreted.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

from typing_extensions import override

from pabal.net.endpoint import Endpoint
from pabal.net.ports import (
    ConnectionLostError,
    IdleTimeoutError,
    TlsFailedError,
    TlsInfo,
)
from pabal.net.tls import ServerContext, client_addresses

READ_HIGH_OCTETS: Final = 256 * 1024
"""Received and not taken: above this the kernel holds the rest."""

WRITE_HIGH_OCTETS: Final = 512 * 1024
"""Queued and not sent: above this ``flush`` waits."""

TLS_HANDSHAKE_SECONDS: Final = 30.0
"""Longest handshake: a slow client must not hold a connection for nothing."""

LINGER_SECONDS: Final = 2.0
"""How long we read on after our last word: closing with unread input would reset the
connection, and the peer would never see why (RFC 9293 §3.10.7.4)."""

TIMER_SLACK_SECONDS: Final = 0.002
"""How early a timer may ring: event loops count in milliseconds."""

TLS_SHUTDOWN_SECONDS: Final = 5.0
"""How long the peer may take to answer our close_notify."""


class SocketStream(asyncio.Protocol):
    """Implements ``pabal.net.ports.Stream``.

    Args (of the constructor):
        tls_context: What ``start_tls`` uses; ``None``: TLS is not on offer.
        server_side: Which part of the handshake is ours.
        on_made: Called once the socket is connected.
        on_lost: Called once it is gone.
    """

    def __init__(
        self,
        tls_context: ssl.SSLContext | None = None,
        *,
        server_side: bool = True,
        on_made: "Callable[[SocketStream], None] | None" = None,
        on_lost: "Callable[[SocketStream], None] | None" = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = tls_context
        self._server_side = server_side
        self._callbacks = (on_made, on_lost)
        self._transport: asyncio.Transport | None = None
        self._ends = (Endpoint("0.0.0.0", 0), Endpoint("0.0.0.0", 0))  # noqa: S104 (not bound: nobody yet)
        self._tls: TlsInfo | None = None
        self._input = _Input()
        self._output = _Gate()
        self._closing = False
        self._owes_answer = False
        self._linger: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport by inheritance.
        transport = cast("asyncio.Transport", transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_OCTETS)
        self._ends = (
            _endpoint(transport, "peername"),
            _endpoint(transport, "sockname"),
        )
        self._tls = _tls_info(transport)
        if self._callbacks[0]:
            self._callbacks[0](self)

    @override
    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._owes_answer = True
        if self._input.add(data) and self._transport:
            self._transport.pause_reading()

    @override
    def eof_received(self) -> bool:
        self._input.end()
        # A TLS transport must close with its peer; a plain one may still send.
        return self._tls is None and not self._closing

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._linger:
            self._linger.cancel()
        self._input.end()
        self._output.fail()
        if self._callbacks[1]:
            self._callbacks[1](self)

    @override
    def pause_writing(self) -> None:
        self._output.shut()

    @override
    def resume_writing(self) -> None:
        self._output.open()

    @property
    def peer(self) -> Endpoint:
        """The other end."""
        return self._ends[0]

    @property
    def local(self) -> Endpoint:
        """Our end."""
        return self._ends[1]

    @property
    def tls(self) -> TlsInfo | None:
        """What protects the octets, ``None`` if nothing does."""
        return self._tls

    async def receive(self, timeout_s: float) -> bytes:
        """Return whatever octets have come, at least one; ``b""`` once it is over.

        Raises:
            IdleTimeoutError: Nothing came for ``timeout_s`` seconds.
        """
        if not self._input.ready:
            if self._owes_answer:
                self._acknowledge()
            await self._input.wait(self._loop, timeout_s)
        data, was_full = self._input.take()
        if was_full and self._transport and not self._closing:
            self._transport.resume_reading()
        return data

    def send(self, data: bytes) -> None:
        """Queue octets for the peer; silently dropped once the connection is gone."""
        self._owes_answer = False
        if self._transport and not self._closing:
            self._transport.write(data)

    def _acknowledge(self) -> None:
        """Tell the peer's TCP at once that its octets came.

        The kernel would wait up to 40 ms for an answer to carry that
        (RFC 9293 §3.8.6.3). A client that writes a literal and its line end apart
        holds the second back until the first is acknowledged (Nagle, §3.7.4).
        """
        self._owes_answer = False
        transport = self._transport
        tcp = transport.get_extra_info("socket") if transport else None
        if tcp is not None and not self._closing:
            with contextlib.suppress(OSError):  # the peer has reset it already
                tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def flush(self, timeout_s: float = 300.0) -> None:
        """Wait until more may be queued.

        Raises:
            ConnectionLostError: It never will.
            IdleTimeoutError: The peer took nothing for ``timeout_s`` seconds.
        """
        if self._output.is_open and not self._closing:
            return
        await self._output.wait(self._loop, timeout_s)

    async def start_tls(self, server_name: str = "") -> None:
        """Turn the connection into a TLS one; plaintext received so far is forgotten.

        Raises:
            TlsFailedError: No TLS session came about; only ``close`` is left.
        """
        if self._transport is None or self._context is None or self._closing:
            raise TlsFailedError("the connection is closed or TLS is not set up")
        self._input.forget()
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                self._context,
                server_side=self._server_side,
                server_hostname=None if self._server_side else server_name,
                ssl_handshake_timeout=TLS_HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS,
            )
        except (OSError, ssl.SSLError, TimeoutError) as error:
            self.abort()
            raise TlsFailedError(str(error)) from error
        if transport is None:
            self.abort()
            raise TlsFailedError("the peer closed during the handshake")
        self._transport = transport
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_OCTETS)
        self._tls = _tls_info(transport)

    def close(self, *, linger: bool = True) -> None:
        """Send what is queued, then close. Idempotent.

        Args:
            linger: Whether the peer may still be sending.
        """
        transport = self._transport
        if transport is None or self._closing:
            return
        self._closing = True
        over = self._input.ended or self._tls is not None
        self._input.end()
        if over or not linger or not transport.can_write_eof():
            transport.close()
            return
        if self._input.full:
            transport.resume_reading()
        self._input.forget()
        try:
            transport.write_eof()
        except OSError:  # the peer has reset it already
            transport.close()
            return
        self._linger = self._loop.call_later(LINGER_SECONDS, transport.close)

    def abort(self) -> None:
        """Close at once; what is queued is lost. Idempotent."""
        self._closing = True
        if self._transport:
            self._transport.abort()


class _Input:
    """Octets received and not taken; one waiter at most."""

    __slots__ = (
        "_chunks",
        "_deadline",
        "_ended",
        "_full",
        "_size",
        "_timer",
        "_waiter",
    )

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._full = False
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0

    @property
    def ready(self) -> bool:
        return self._ended or self._size > 0

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def full(self) -> bool:
        return self._full

    def add(self, data: bytes) -> bool:
        """Return whether reading has to stop now."""
        self._chunks.append(data)
        self._size += len(data)
        self._wake()
        if self._size > READ_HIGH_OCTETS and not self._full:
            self._full = True
            return True
        return False

    def end(self) -> None:
        self._ended = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def forget(self) -> None:
        self._chunks.clear()
        self._size = 0

    def take(self) -> tuple[bytes, bool]:
        """Return every octet, and whether reading had been stopped."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        was_full = self._full
        chunks.clear()
        self._size, self._full = 0, False
        return data, was_full

    async def wait(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self._waiter = waiter = loop.create_future()
        self._set_deadline(loop, timeout_s)
        try:
            if not await waiter:
                raise IdleTimeoutError(f"nothing came for {timeout_s:g} s")
        finally:
            self._waiter = None

    def _set_deadline(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        """Give up the wait at a time; a timer that rings earlier is left running.

        Making and cancelling one for every line costs more than reading the line.
        """
        self._deadline = deadline = loop.time() + timeout_s
        timer = self._timer
        if timer is None or timer.when() > deadline:
            if timer is not None:
                timer.cancel()
            self._timer = loop.call_at(deadline, self._rang, loop)

    def _rang(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if loop.time() < self._deadline - TIMER_SLACK_SECONDS:
            self._timer = loop.call_at(self._deadline, self._rang, loop)
        else:
            _give_up(self._waiter)

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(True)


class _Gate:
    """Whether more may be written."""

    __slots__ = ("_failed", "_open", "_waiters")

    def __init__(self) -> None:
        self._open = True
        self._failed = False
        self._waiters: list[asyncio.Future[bool]] = []

    @property
    def is_open(self) -> bool:
        return self._open and not self._failed

    def shut(self) -> None:
        self._open = False

    def open(self) -> None:
        self._open = True
        self._wake()

    def fail(self) -> None:
        self._failed = True
        self._wake()

    async def wait(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        if not self._failed and not self._open:
            waiter = loop.create_future()
            self._waiters.append(waiter)
            timer = loop.call_later(timeout_s, _give_up, waiter)
            try:
                if not await waiter:
                    raise IdleTimeoutError(f"the peer read nothing for {timeout_s:g} s")
            finally:
                timer.cancel()
                self._waiters.remove(waiter)
        if self._failed:
            raise ConnectionLostError("the connection is closed")

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(True)


def _give_up(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)


def _endpoint(transport: asyncio.BaseTransport, key: str) -> Endpoint:
    name: tuple[str, int] | str | None = transport.get_extra_info(key)
    if isinstance(name, tuple):
        return Endpoint(name[0].removeprefix("::ffff:"), name[1])
    return Endpoint("127.0.0.1", 0)


def _tls_info(transport: asyncio.BaseTransport) -> TlsInfo | None:
    ssl_object = transport.get_extra_info("ssl_object")
    if not isinstance(ssl_object, ssl.SSLObject):
        return None
    cipher = ssl_object.cipher() or ("", "", 0)
    protocol = ssl_object.selected_alpn_protocol() or ""
    context = ssl_object.context
    if not isinstance(context, ServerContext):
        return TlsInfo(
            ssl_object.version() or "TLS", cipher[0], cipher[2], protocol=protocol
        )
    return TlsInfo(
        ssl_object.version() or "TLS",
        *(cipher[0], cipher[2]),
        end_point=context.end_point,
        client_addresses=client_addresses(ssl_object),
        protocol=protocol,
    )
