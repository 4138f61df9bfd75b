"""One IMAP connection from greeting to goodbye.

Drives the state machine with what a stream brings, runs commands one after another,
and pushes changes to a client that idles.

Security: a stranger reaches this. Silence, size and number of meaningless commands are
bounded; an error of ours closes the connection and shows no text of it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pabal.base.errors import LocalProtocolError, PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.imap.commands.append import check
from pabal.imap.commands.capability import capabilities
from pabal.imap.commands.context import Context, Services
from pabal.imap.commands.incoming import Incoming
from pabal.imap.commands.notify import tell
from pabal.imap.commands.refusal import reply_of
from pabal.imap.commands.selected import Selected
from pabal.imap.commands.table import COMMANDS, RULES
from pabal.imap.session import (
    Command,
    Continue,
    Event,
    Fatal,
    Line,
    MessageBegins,
    MessagePiece,
    Refused,
    Session,
    State,
)
from pabal.imap.wire.response import Tagged, quoted
from pabal.net.ports import (
    ConnectionLostError,
    IdleTimeoutError,
    Stream,
    TlsFailedError,
)

SHUTTING_DOWN: Final = b"[UNAVAILABLE] Shutting down"

log = Log("imap")


class Connection:
    """Pumps octets, runs commands, pushes changes; implements ``Dialogue``."""

    def __init__(self, stream: Stream, services: Services) -> None:
        self._settings = services.settings
        self._session = Session(RULES, services.settings)
        messages = Incoming(services.spool)
        self._context = Context(stream, services, self._session, self, messages)
        self._tasks = Tasks()
        self._pushing = False
        # Held by whoever sends more than one piece: a command, or a push.
        self._speaking = asyncio.Lock()
        self._busy = False
        self._stopping = False
        self._bad_commands = 0
        now = services.clock.monotonic()
        self._context.log_in_by = now + services.settings.login_timeout_s

    @property
    def _stream(self) -> Stream:
        """The stream, which a command may have wrapped."""
        return self._context.stream

    async def run(self) -> None:
        """Greet, then answer until one side has enough."""
        greeting = b"* OK [CAPABILITY %b] %b pabal ready\r\n"
        host = self._settings.hostname.encode("ascii", "replace")
        self._stream.send(greeting % (capabilities(self._context), host))
        try:
            while self._session.state is not State.LOGOUT:
                await self._handle(await self._next_event())
                if self._stopping:
                    self._bye(SHUTTING_DOWN)
        except asyncio.CancelledError:
            self._bye(SHUTTING_DOWN)
            raise
        except IdleTimeoutError:
            # The peer takes nothing: what is queued for it will never go out.
            self._stream.abort()
        except (ConnectionLostError, TlsFailedError) as error:
            log.debug("connection over", peer=str(self._stream.peer), why=str(error))

    def stop(self) -> None:
        """Say goodbye now, or once the command being run is done."""
        self._stopping = True
        if not self._busy or self._context.idling:
            self._bye(SHUTTING_DOWN)
            self._stream.close()

    async def end(self) -> None:
        """Let go of everything the connection held."""
        self._context.idling = False
        self._context.unselect()
        self._context.stop_notices()
        self._context.messages.close()
        await self._tasks.stop()
        self._stream.close()

    async def _next_event(self) -> Event:
        """Return the next event, reading as long as it takes.

        Raises:
            ConnectionLostError: The client closed, or was silent for too long.
        """
        while True:
            event = self._session.next_event()
            if event is not None:
                return event
            await self._stream.flush()
            self._session.feed(await self._receive())

    async def _receive(self) -> bytes:
        try:
            data = await self._stream.receive(self._patience_s)
        except IdleTimeoutError as error:
            self._bye(b"[UNAVAILABLE] Nothing came for too long")
            raise ConnectionLostError("the client was silent") from error
        if not data:
            raise ConnectionLostError("the client closed")
        return data

    @property
    def _patience_s(self) -> float:
        if self._session.state is State.NOT_AUTHENTICATED:
            # Of the whole log-in: an octet a minute must not hold a connection.
            left = self._context.log_in_by - self._context.services.clock.monotonic()
            if left <= 0:
                raise IdleTimeoutError("nobody logged in")
            return left
        return self._settings.idle_timeout_s

    async def _handle(self, event: Event) -> None:
        match event:
            case Command():
                self._busy = True
                await self._run(event)
                self._busy = False
                if self._context.notices is not None:
                    # What happened while the last word was sent.
                    self.changed()
            case MessagePiece(octets):
                self._context.messages.write(octets)
            case MessageBegins():
                async with self._speaking:
                    await self._begin_message(event)
            case Continue():
                async with self._speaking:
                    self._stream.send(b"+ OK\r\n")
            case Refused(tag, reply):
                self._context.messages.close()
                self._stream.send(b"%b %b\r\n" % (tag, reply))
                self._count_bad(reply)
            case Fatal(text):
                self._bye(text)
            case Line():
                raise LocalProtocolError("a line nobody waits for")

    async def _begin_message(self, event: MessageBegins) -> None:
        """Make room for a message, unless its mailbox is missing."""
        if event.sync:
            try:
                await check(self._context, event)
            except PabalError as error:
                refusal = reply_of(error)
                if refusal is None:
                    raise
                self._session.refuse_message()
                self._context.messages.close()
                self._stream.send(refusal.line(event.tag))
                return
            self._stream.send(b"+ OK\r\n")
        self._context.messages.begin()

    async def _run(self, command: Command) -> None:
        """Run one command and send how it ended, after what else is to be told."""
        before = self._context.selected
        if command.name == b"IDLE":
            async with self._speaking:
                # What was being pushed has ended; what is pushed now is its output.
                pass
            reply = await self._reply(command)
            async with self._speaking:
                await self._finish(command, reply, before)
            return
        async with self._speaking:
            reply = await self._reply(command)
            await self._finish(command, reply, before)

    async def _reply(self, command: Command) -> Tagged:
        """Run one command and return how it ended."""
        context = self._context
        context.tag = command.tag
        try:
            return await COMMANDS[command.name].run(context, command.value)
        except PabalError as error:
            refusal = reply_of(error)
            if refusal is None:
                raise
            self._log_refusal(command, error)
            return refusal
        finally:
            context.messages.close()

    async def _finish(
        self, command: Command, reply: Tagged, before: Selected | None
    ) -> None:
        """Send what else is to be told, and how the command ended."""
        spec, context = COMMANDS[command.name], self._context
        if context.selected is before:
            await tell(
                context,
                expunges=spec.expunges,
                own=spec.removes,
                arrivals=not spec.adds,
            )
        self._stream.send(reply.line(command.tag))
        self._leave_removed()
        if spec.after is not None and reply.status == b"OK":
            await spec.after(context)
        self._count_bad(reply.status)
        await self._stream.flush()

    def _leave_removed(self) -> None:
        """Close when the selected mailbox was deleted by somebody else.

        RFC 2180 §3.4: no client understands a mailbox that is not there any more.
        """
        selected = self._context.selected
        if selected is not None and selected.removed:
            self._bye(b"The selected mailbox was deleted")

    def _log_refusal(self, command: Command, error: PabalError) -> None:
        log.debug(
            "refused",
            peer=str(self._stream.peer),
            command=command.name.decode("ascii"),
            why=str(error),
        )

    def _count_bad(self, reply: bytes) -> None:
        if reply.startswith(b"BAD"):
            self._bad_commands += 1
        elif self._session.state is not State.NOT_AUTHENTICATED:
            self._bad_commands = 0
        if self._bad_commands > self._settings.bad_commands_max:
            self._bye(b"Too many commands without meaning")
        elif self._context.failures >= self._settings.login_failures_max:
            self._bye(b"Too many failed log-ins")

    def _bye(self, text: bytes) -> None:
        if self._session.state is State.LOGOUT:
            return
        self._stream.send(b"* BYE %b\r\n" % text)
        self._session.state = State.LOGOUT

    async def line(self) -> bytes:
        """Return the client's next line, whatever it is."""
        self._session.expect_line()
        event = await self._next_event()
        if isinstance(event, Line):
            return event.octets
        if isinstance(event, Fatal):
            self._bye(event.text)
        raise ConnectionLostError("the line is not one")

    async def start_tls(self) -> None:
        """Turn the connection into a TLS one."""
        await self._stream.start_tls()

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Tell the client now and then that its command is being worked on.

        RFC 9585 §4: never inside another response; only where nothing is sent.
        """
        loop = asyncio.get_running_loop()
        code = b"* OK [INPROGRESS (%b NIL NIL)] Still at it\r\n"
        line = code % quoted(self._context.tag)

        interval_s = self._settings.progress_interval_s
        timer: asyncio.TimerHandle

        def tick() -> None:
            nonlocal timer
            self._tasks.start(self._say(line), "imap progress")
            timer = loop.call_later(interval_s, tick)

        timer = loop.call_later(interval_s, tick)
        try:
            yield
        finally:
            timer.cancel()

    async def _say(self, line: bytes) -> None:
        self._stream.send(line)
        try:
            await self._stream.flush()
        except (ConnectionLostError, IdleTimeoutError):
            self._stream.abort()

    def changed(self) -> None:
        """Push changes to a client that wants them; at most one push at a time."""
        if self._may_push() and not self._pushing:
            self._pushing = True
            self._tasks.start(self._push(), "imap push")

    def _may_push(self) -> bool:
        """Whether something may be told now: RFC 9051 §6.3.13, RFC 5465 §3.1."""
        context = self._context
        if self._session.state is State.LOGOUT:
            return False
        return context.idling or (context.notices is not None and not self._busy)

    async def _push(self) -> None:
        """Tell what changed, and again what changed while that was taken."""
        context = self._context
        try:
            while self._may_push() and self._has_news():
                async with self._speaking:
                    if not self._may_push():
                        return
                    notices = context.notices
                    delayed = notices is not None and notices.delayed
                    await tell(context, expunges=context.idling or not delayed)
                    await self._stream.flush()
        except (ConnectionLostError, IdleTimeoutError):
            self._stream.abort()
        finally:
            self._pushing = False

    def _has_news(self) -> bool:
        """Whether there is something to push; leaves a mailbox that was removed."""
        context = self._context
        selected, notices = context.selected, context.notices
        if selected is not None and selected.removed:
            self._leave_removed()
            self._stream.close()
            return False
        if notices is not None and notices.waiting:
            return True
        if selected is None or not selected.numbers.behind:
            return False
        if notices is None:
            return True
        return bool(notices.selected_events) and (
            context.idling or not notices.delayed or not selected.numbers.shrunk
        )
