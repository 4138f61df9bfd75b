"""DNS over TCP: length-prefixed messages, pipelined, answered as they are ready.

Source: RFC 1035 §4.2.2 (prefix), RFC 7766 §6.2 (connections, idle, pipelining),
RFC 7828 §3 (clients that keep a connection).
Security: connections are counted by the listener; a message must come whole in time;
when there are many, silence ends them sooner.
"""

from typing import Final

from pabal.base.clock import Clock
from pabal.base.tasks import Tasks
from pabal.dns.server.access import PLAIN, Arrival
from pabal.dns.server.answering import Answering, ControlQuery, Recursion
from pabal.dns.server.control import Control
from pabal.dns.settings import TcpSettings
from pabal.dns.wire.query import asks_to_keep
from pabal.net.framing import InputBuffer
from pabal.net.ports import ConnectionLostError, IdleTimeoutError, Stream

PIPELINE_MAX: Final = 32
"""Recursive questions of one connection under way at once; more have to wait."""

CROWDED_PART: Final = 2
CROWDED_IDLE_S: Final = 2.0
"""When half of the connections are taken, silence is short (RFC 7766 §6.2.3)."""

RECURSION_WAIT_S: Final = 30.0
"""How long a closing connection waits for answers under way: longer than they take."""


class TcpService:
    """Serves connections; one object for all of them."""

    def __init__(
        self,
        answering: Answering,
        settings: TcpSettings,
        clock: Clock,
        control: Control | None = None,
    ) -> None:
        self._control = control
        self._answering = answering
        self._settings = settings
        self._clock = clock
        self._open = 0

    async def serve(self, stream: Stream) -> None:
        """Answer the queries of one connection until it ends or falls silent."""
        tasks = Tasks()
        self._open += 1
        try:
            await self._messages(stream, tasks)
            await tasks.wait(RECURSION_WAIT_S)
        except (IdleTimeoutError, ConnectionLostError):
            # Both are how connections of DNS end (RFC 7766 §6.2.4).
            await tasks.wait(RECURSION_WAIT_S)
        finally:
            self._open -= 1
            await tasks.stop()

    def _idle_s(self, *, kept: bool) -> float:
        """Return how long a connection may be silent now, seconds.

        Args:
            kept: Whether the client says it will ask again (RFC 7828 §3.4).
        """
        settings = self._settings
        wanted_s = settings.idle_s
        if kept and settings.keepalive_s:
            wanted_s = settings.keepalive_s
        if self._open * CROWDED_PART >= settings.connections_max:
            return min(wanted_s, CROWDED_IDLE_S)
        return wanted_s

    def _offered_s(self) -> float | None:
        """Return what clients that ask are told; ``None``: nothing."""
        return self._idle_s(kept=True) if self._settings.keepalive_s else None

    async def _messages(self, stream: Stream, tasks: Tasks) -> None:
        buffer = InputBuffer()
        kept = False
        begun_at = self._clock.monotonic()
        while True:
            left_s = begun_at + self._idle_s(kept=kept) - self._clock.monotonic()
            if left_s <= 0:
                return
            data = await stream.receive(left_s)
            if not data:
                return
            buffer.feed(data)
            while (message := _next_message(buffer)) is not None:
                begun_at = self._clock.monotonic()
                kept |= asks_to_keep(message)
                if not await self._message(message, stream, tasks):
                    return
            await stream.flush(self._settings.idle_s)

    async def _message(self, message: bytes, stream: Stream, tasks: Tasks) -> bool:
        """Answer one message; return whether the connection may go on."""
        transport = "tcp" if stream.tls is None else "tls"
        self._answering.counts.note_streamed(transport, stream.peer.address)
        answer = self._answering.now(
            message,
            stream.peer.address,
            udp=False,
            encrypted=stream.tls is not None,
            idle_s=self._offered_s(),
            arrival=self._arrival(stream),
        )
        if answer is None:
            # What is no query at all will not get better.
            return False
        if isinstance(answer, Recursion):
            if len(tasks) >= PIPELINE_MAX:
                await tasks.wait(RECURSION_WAIT_S)
            tasks.start(self._recurse(answer, stream), "dns recursion")
        elif isinstance(answer, ControlQuery):
            await self._serve(answer, stream)
        else:
            _send(stream, answer)
            await stream.flush(self._settings.idle_s)
        return True

    def _arrival(self, stream: Stream) -> Arrival:
        if self._answering.access.by_destination:
            return Arrival(stream.local.address)
        return PLAIN

    async def _serve(self, asked: ControlQuery, stream: Stream) -> None:
        """Answer a server; a long answer goes no faster than it is taken."""
        if self._control is not None:
            async for message in self._control.messages(asked, udp=False):
                _send(stream, message)
                await stream.flush(self._settings.idle_s)

    async def _recurse(self, recursion: Recursion, stream: Stream) -> None:
        answer = await self._answering.later(recursion)
        if answer:
            _send(stream, answer)


def _next_message(buffer: InputBuffer) -> bytes | None:
    """Return the next whole message, or ``None`` if more octets are needed."""
    prefix = buffer.peek(2)
    if len(prefix) < 2:
        return None
    length = int.from_bytes(prefix, "big")
    if len(buffer) < 2 + length:
        return None
    return buffer.take(2 + length)[2:]


def _send(stream: Stream, answer: bytes) -> None:
    # Prefix and message in one write: RFC 7766 §8.
    stream.send(len(answer).to_bytes(2, "big") + answer)
