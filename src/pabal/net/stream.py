"""A connection on a socket: the one driver of every server and client.

Back-pressure both ways: reading stops while ``READ_HIGH_OCTETS`` wait to be taken,
``flush`` waits while the peer does not read. Memory a connection is bounded by these
and by what its session keeps.

In plaintext or not, octets come and go the same way; ``secure`` is asked what they
mean. Event loops read into one buffer for all connections.

Security: everything a stranger sends passes here first; nothing is interpreted.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final, cast

from typing_extensions import override

from pabal.net.endpoint import Endpoint
from pabal.net.ports import IdleTimeoutError, TlsFailedError, TlsInfo
from pabal.net.secure import TlsSession, TlsSetup
from pabal.net.waiting import Gate, Input

WRITE_HIGH_OCTETS: Final = 512 * 1024
"""Queued and not sent: above this ``flush`` waits."""

TLS_HANDSHAKE_SECONDS: Final = 30.0
"""Longest handshake: a slow client must not hold a connection for nothing."""

LINGER_SECONDS: Final = 2.0
"""How long we read on after our last word: closing with unread input would reset the
connection, and the peer would never see why (RFC 9293 §3.10.7.4)."""

DRAIN_SECONDS: Final = 30.0
"""How long a peer we are done with may take nothing of what is queued for it."""


class SocketStream(asyncio.Protocol):
    """Implements ``pabal.net.ports.Stream``.

    Args (of the constructor):
        tls: What ``start_tls`` uses; ``None``: TLS is not on offer.
        on_made: Called once the socket is connected.
        on_lost: Called once it is gone.
    """

    __slots__ = (
        *("_callbacks", "_closing", "_ends", "_input", "_linger", "_loop", "_output"),
        *("_owes_answer", "_scheduled", "_session", "_setup", "_transport"),
    )

    def __init__(
        self,
        tls: TlsSetup | None = None,
        *,
        on_made: "Callable[[SocketStream], None] | None" = None,
        on_lost: "Callable[[SocketStream], None] | None" = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._setup = tls
        self._session: TlsSession | None = None
        self._callbacks = (on_made, on_lost)
        self._transport: asyncio.Transport | None = None
        self._ends = (Endpoint("0.0.0.0", 0), Endpoint("0.0.0.0", 0))  # noqa: S104 (not bound: nobody yet)
        self._input = Input()
        self._output = Gate()
        self._closing = False
        self._owes_answer = False
        self._scheduled = False
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
        if self._callbacks[0]:
            self._callbacks[0](self)

    @override
    def data_received(self, data: bytes) -> None:
        session = self._session
        if session is not None:
            data = self._decrypt(session, data)
        if data and not self._closing:
            self._owes_answer = True
            if self._input.add(data) and self._transport:
                self._transport.pause_reading()
        if session is not None and session.backlog and self._transport:
            self._transport.pause_reading()
            if not self._input.full:
                self._read_on()
        if session is not None and session.ended:
            self._hang_up(session)

    def _read_on(self) -> None:
        """Take what comes next: what waits to be decrypted, then what comes."""
        transport, session = self._transport, self._session
        if transport is None or self._scheduled:
            return
        if session is None or not session.backlog:
            transport.resume_reading()
            return
        self._scheduled = True
        self._loop.call_soon(self._decrypt_more)

    def _decrypt_more(self) -> None:
        """Go on with what waits, now that others had their turn."""
        self._scheduled = False
        session = self._session
        if session is None or (self._input.full and not self._closing):
            return  # whoever takes what is there comes back to this
        self.data_received(b"")
        shut = self._input.full or not self._output.is_open
        if not session.backlog and (self._closing or not shut):
            self._read_on()

    @override
    def eof_received(self) -> bool:
        self._input.end()
        if self._session is not None and not self._session.half_closed:
            # Cut off: there is nobody who could be told more (RFC 8446 §6.1).
            self.close()
        return not self._closing  # who is done may still listen

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._linger:
            self._linger.cancel()
        self._transport = None
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
        if not (self._input.full or self._input.ended):
            self._read_on()

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
        return self._session.info if self._session else None

    async def receive(self, timeout_s: float) -> bytes:
        """Return whatever octets have come, at least one; ``b""`` once it is over.

        Raises:
            IdleTimeoutError: Nothing came for ``timeout_s`` seconds.
        """
        if not self._input.ready:
            if self._owes_answer and self._transport and not self._closing:
                self._owes_answer = False
                _acknowledge(self._transport)
            await self._input.wait(self._loop, timeout_s)
        data, was_full = self._input.take()
        if was_full and not self._closing:
            self._read_on()
        return data

    def send(self, data: bytes) -> None:
        """Queue octets for the peer; silently dropped once the connection is gone."""
        self._owes_answer = False
        if self._transport is None or self._closing:
            return
        if self._session is None:
            self._transport.write(data)
            return
        cipher = self._session.encrypt(data)
        if len(cipher) == 1:
            self._transport.write(cipher[0])
        else:
            self._transport.writelines(cipher)

    async def flush(self, timeout_s: float = 300.0) -> None:
        """Wait until more may be queued.

        Raises:
            ConnectionLostError: It never will.
            IdleTimeoutError: The peer took nothing for ``timeout_s`` seconds.
        """
        if self._output.is_open and not self._closing:
            return
        await self._output.wait(self._loop, timeout_s)

    def expect_tls(self, server_name: str = "") -> None:
        """Take every octet from here on as TLS; what came before is forgotten.

        Raises:
            TlsFailedError: The connection is closed, or TLS is not set up.
        """
        if self._transport is None or self._setup is None or self._closing:
            raise TlsFailedError("the connection is closed or TLS is not set up")
        self._session = TlsSession(self._setup, server_name)
        # RFC 3207 §4.2: what was sent in the clear may be anybody's.
        if self._input.forget():
            self._transport.resume_reading()
        self.data_received(b"")

    async def start_tls(self, server_name: str = "") -> None:
        """Turn the connection into a TLS one; plaintext received so far is forgotten.

        Raises:
            TlsFailedError: No TLS session came about; only ``close`` is left.
        """
        try:
            if self._session is None:
                self.expect_tls(server_name)
            await self._shake_hands()
        except TlsFailedError:
            self.close()
            raise
        except BaseException:  # cancelled: half a handshake is good for nothing
            self.abort()
            raise

    async def _shake_hands(self) -> None:
        """Wait until the handshake is done.

        Raises:
            TlsFailedError: It never will be.
        """
        give_up = self._loop.time() + TLS_HANDSHAKE_SECONDS
        while (session := self._session) is not None and session.info is None:
            if session.failure:
                raise TlsFailedError(session.failure)
            if self._input.ended:
                raise TlsFailedError("the peer closed during the handshake")
            try:
                await self._input.wait(self._loop, give_up - self._loop.time())
            except IdleTimeoutError as error:
                self.abort()
                raise TlsFailedError("the handshake takes too long") from error

    def _decrypt(self, session: TlsSession, cipher: bytes) -> bytes:
        """Return what the peer meant; answer what is TLS's own business."""
        shaking = session.info is None
        plain, answer = session.feed(cipher)
        if shaking and session.info is not None:
            self._input.wake()
        if answer and self._transport and not self._closing:
            self._transport.write(answer)
            if not self._output.is_open:
                # The peer makes us answer (new keys, again and again), and reads
                # nothing.
                self._transport.pause_reading()
        return plain

    def _hang_up(self, session: TlsSession) -> None:
        """Do what the end of the peer's octets asks for."""
        if session.failure:
            self.close()  # the alert is on its way
        elif self._closing:
            self._finish()
        else:
            self._input.end()
            if not session.half_closed:
                self.close()  # RFC 5246 §7.2.1: answer and be gone

    def close(self, *, linger: bool = True) -> None:
        """Send what is queued, then close. Idempotent.

        Args:
            linger: Whether the peer may still be sending.
        """
        transport = self._transport
        if transport is None or self._closing:
            return
        if self._session is not None:
            transport.write(self._session.end())
        self._closing = True
        over = self._input.ended
        self._input.end()
        if over or not linger or not transport.can_write_eof():
            self._finish()
            return
        self._input.forget()
        self._read_on()
        try:
            transport.write_eof()
        except OSError:  # the peer has reset it already
            transport.close()
            return
        self._linger = self._loop.call_later(LINGER_SECONDS, self._finish)

    def _finish(self, before: int = 0) -> None:
        """Close as soon as everything is sent, or the peer takes nothing any more.

        Args:
            before: Octets that were queued the last time.
        """
        transport = self._transport
        if transport is None:
            return
        if self._linger:
            self._linger.cancel()
        transport.close()
        left = transport.get_write_buffer_size()
        if left and left == before:
            transport.abort()
        elif left:
            self._linger = self._loop.call_later(DRAIN_SECONDS, self._finish, left)

    def abort(self) -> None:
        """Close at once; what is queued is lost. Idempotent."""
        self._closing = True
        if self._transport:
            self._transport.abort()


def _acknowledge(transport: asyncio.BaseTransport) -> None:
    """Tell the peer's TCP at once that its octets came.

    The kernel would wait up to 40 ms for an answer to carry that
    (RFC 9293 §3.8.6.3). A client that writes a literal and its line end apart
    holds the second back until the first is acknowledged (Nagle, §3.7.4).
    """
    tcp = transport.get_extra_info("socket")
    if tcp is not None:
        with contextlib.suppress(OSError):  # the peer has reset it already
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _endpoint(transport: asyncio.BaseTransport, key: str) -> Endpoint:
    name: tuple[str, int] | str | None = transport.get_extra_info(key)
    if isinstance(name, tuple):
        return Endpoint(name[0].removeprefix("::ffff:"), name[1])
    return Endpoint("127.0.0.1", 0)
