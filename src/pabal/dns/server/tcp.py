"""DNS over TCP: length-prefixed messages, pipelined, answered as they are ready.

Source: RFC 1035 §4.2.2 (prefix), RFC 7766 §6.2 (connections, idle, pipelining).
Security: connections are counted by the listener; a message must come whole in time.
"""

from typing import Final

from pabal.base.clock import Clock
from pabal.base.tasks import Tasks
from pabal.dns.server.answering import Answering, ControlQuery, Recursion
from pabal.dns.server.control import Control
from pabal.net.framing import InputBuffer
from pabal.net.ports import ConnectionLostError, IdleTimeoutError, Stream

PIPELINE_MAX: Final = 32
"""Recursive questions of one connection under way at once; more have to wait."""

RECURSION_WAIT_S: Final = 30.0
"""How long a closing connection waits for answers under way: longer than they take."""


class TcpService:
    """Serves connections; one object for all of them."""

    def __init__(
        self,
        answering: Answering,
        idle_s: float,
        clock: Clock,
        control: Control | None = None,
    ) -> None:
        self._control = control
        self._answering = answering
        self._idle_s = idle_s
        self._clock = clock

    async def serve(self, stream: Stream) -> None:
        """Answer the queries of one connection until it ends or falls silent."""
        tasks = Tasks()
        try:
            await self._messages(stream, tasks)
            await tasks.wait(RECURSION_WAIT_S)
        except (IdleTimeoutError, ConnectionLostError):
            # Both are how connections of DNS end (RFC 7766 §6.2.4).
            await tasks.wait(RECURSION_WAIT_S)
        finally:
            await tasks.stop()

    async def _messages(self, stream: Stream, tasks: Tasks) -> None:
        buffer = InputBuffer()
        begun_at = self._clock.monotonic()
        while True:
            left_s = begun_at + self._idle_s - self._clock.monotonic()
            if left_s <= 0:
                return
            data = await stream.receive(left_s)
            if not data:
                return
            buffer.feed(data)
            while (message := _next_message(buffer)) is not None:
                begun_at = self._clock.monotonic()
                if not await self._message(message, stream, tasks):
                    return
            await stream.flush(self._idle_s)

    async def _message(self, message: bytes, stream: Stream, tasks: Tasks) -> bool:
        """Answer one message; return whether the connection may go on."""
        encrypted = stream.tls is not None
        answer = self._answering.now(
            message, stream.peer.address, udp=False, encrypted=encrypted
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
            await stream.flush(self._idle_s)
        return True

    async def _serve(self, asked: ControlQuery, stream: Stream) -> None:
        """Answer a server; a long answer goes no faster than it is taken."""
        if self._control is not None:
            async for message in self._control.messages(asked, udp=False):
                _send(stream, message)
                await stream.flush(self._idle_s)

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
