"""The driver of a POP3 connection: octets in, commands, octets out.

Replies to pipelined commands gather and leave together; a client that does not read
is waited for, and one that never does is cut off. So is one that holds a connection
with an octet now and then, or never logs in.
Security: a line that breaks the rules ends the connection; what came before TLS is
forgotten; the peer never sees more of an error than its code.
"""

from asyncio import sleep, to_thread
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Final

from pabal.base.clock import Clock
from pabal.base.ids import new_id
from pabal.base.log import Log
from pabal.net.framing import BareNewlineError, InputBuffer, LineTooLongError
from pabal.net.ports import IdleTimeoutError, Stream
from pabal.pop3.commands import Commands, Then, Turn
from pabal.pop3.ports import Services, Tools
from pabal.pop3.session import Session, State
from pabal.pop3.settings import Pop3Settings
from pabal.pop3.wire import err, ok

OUT_MAX_OCTETS: Final = 64 * 1024
"""Replies that gather before they are sent."""

LINES_OCTETS: Final = 512
"""Octets looked at for pipelined RETRs: some forty, more than leave together."""

TURN_MAX_COMMANDS: Final = 256
"""Commands answered before other connections get a turn."""

log = Log("pop3")


class Pop3Server:
    """Serves POP3 connections.

    Args (of the constructor):
        services: What sessions ask.
        settings: Limits.
        clock: For session ids.
        tls_offered: Whether connections can ``start_tls``.
    """

    def __init__(
        self,
        services: Services,
        settings: Pop3Settings,
        clock: Clock,
        *,
        tls_offered: bool,
    ) -> None:
        tools = Tools(services.tools.spool, to_thread, partial(sleep, 0))
        self._services = replace(services, now=clock.now, tools=tools)
        self._settings = settings
        self._clock = clock
        self._tls_offered = tls_offered

    async def serve(self, stream: Stream) -> None:
        """Serve one connection until it is over."""
        session = Session(
            self._settings,
            tls=stream.tls,
            tls_offered=self._tls_offered,
        )
        session_id = new_id(self._clock.now())
        peer = stream.peer.address
        log.info("connected", session=session_id, peer=peer)
        commands = Commands(self._services, session, peer, session_id)
        try:
            await _Connection(stream, commands, session, self._clock).run()
        finally:
            commands.close()
            stream.close()
            log.info("disconnected", session=session_id)


class _Connection:
    """One connection: lines in, replies out."""

    def __init__(
        self, stream: Stream, commands: Commands, session: Session, clock: Clock
    ) -> None:
        self._stream = stream
        self._commands = commands
        self._session = session
        self._clock = clock
        self._log_in_by = clock.monotonic() + session.settings.login_timeout_s
        self._buffer = InputBuffer()
        self._out: list[bytes] = [ok("pabal ready")]
        self._out_octets = 0

    async def run(self) -> None:
        """Answer line after line."""
        answered = 0
        while (line := await self._next_line()) is not None:
            reply = self._commands.at_once(line) or await self._commands.handle(line)
            if isinstance(reply, bytes):
                await self._put(reply)
            elif isinstance(reply, Turn):
                self._out.append(reply.octets)
                self._write()
                if reply.then is Then.CLOSE:
                    return
                await self._start_tls()
            else:
                await self._put_all(reply)
            answered += 1
            if self._commands.reads_ahead:
                answered += await self._retrieve_ahead()
            if answered >= TURN_MAX_COMMANDS:
                answered = 0
                await sleep(0)

    async def _retrieve_ahead(self) -> int:
        """Answer the RETRs that wait already; return how many."""
        answered, buffer = 0, self._buffer
        while len(buffer):
            lines = buffer.peek(LINES_OCTETS)
            count, replies = self._commands.retrieve_ahead(lines)
            if not count:
                break
            buffer.take(len(lines) - len(lines.split(b"\n", count)[count]))
            await self._put(replies)
            answered += count
        return answered

    async def _next_line(self) -> bytes | None:
        """Return the next line, ``None`` when there will be none."""
        settings = self._session.settings
        buffer, until = self._buffer, 0.0
        try:
            while (line := buffer.next_line(settings.line_max_octets)) is None:
                await self._send()
                until = until or self._patience()
                data = await self._stream.receive(self._left(until))
                if not data:
                    return None
                buffer.feed(data)
        except LineTooLongError:
            await self._refuse("line too long")
            return None
        except BareNewlineError:
            await self._refuse("a line ends with CRLF")
            return None
        return line

    def _patience(self) -> float:
        """Return when a whole line must have come, monotonic seconds.

        RFC 1939 §3: commands keep the timer back, not octets; and before log-in even
        commands do not for ever.
        """
        until = self._clock.monotonic() + self._session.settings.idle_timeout_s
        if self._session.state is State.AUTHORIZATION:
            return min(until, self._log_in_by)
        return until

    def _left(self, until: float) -> float:
        left = until - self._clock.monotonic()
        if left <= 0:
            raise IdleTimeoutError("no command came")
        return left

    async def _refuse(self, text: str) -> None:
        await self._put(err(text, "SYS/PERM"))
        await self._send()

    async def _start_tls(self) -> None:
        # RFC 2595 §2.4, RFC 3207 §4.2: commands sent along with STLS came in the
        # clear and may be anybody's.
        self._buffer.clear()
        await self._stream.start_tls()
        self._session.tls_started(self._stream.tls)

    async def _put_all(self, pieces: AsyncIterator[bytes]) -> None:
        async for piece in pieces:
            await self._put(piece)
            await sleep(0)

    async def _put(self, octets: bytes) -> None:
        self._out.append(octets)
        self._out_octets += len(octets)
        if self._out_octets >= OUT_MAX_OCTETS:
            await self._send()

    async def _send(self) -> None:
        self._write()
        await self._stream.flush()

    def _write(self) -> None:
        if self._out:
            self._stream.send(b"".join(self._out))
            self._out.clear()
            self._out_octets = 0
