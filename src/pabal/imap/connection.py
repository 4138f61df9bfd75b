"""One IMAP connection from greeting to goodbye.

Drives the state machine with what a stream brings, runs commands one after another,
and pushes changes to a client that idles.

Security: a stranger reaches this. Silence, size and number of meaningless commands are
bounded; an error of ours closes the connection and shows no text of it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from pabal.base.errors import LocalProtocolError, PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.imap.announcer import Announcer
from pabal.imap.commands.append import check
from pabal.imap.commands.capability import capabilities
from pabal.imap.commands.context import Context, Progress, Services
from pabal.imap.commands.incoming import Incoming
from pabal.imap.commands.notify import tell
from pabal.imap.commands.places import refresh
from pabal.imap.commands.refusal import RefusedError, reply_of, uid_required
from pabal.imap.commands.selected import Selected
from pabal.imap.commands.table import COMMANDS, NUMBERED, RULES
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
from pabal.imap.uploads import Answer, Uploads
from pabal.imap.wire.response import Tagged
from pabal.net.ports import (
    ConnectionLostError,
    IdleTimeoutError,
    Stream,
    TlsFailedError,
)

SHUTTING_DOWN: Final = b"[UNAVAILABLE] Shutting down"

DONE: Final = b"DONE"
"""What ends IDLE, in any case (RFC 9051 §6.3.13)."""

log = Log("imap")


class Connection:
    """Pumps octets, runs commands, pushes changes; implements ``Dialogue``."""

    __slots__ = (
        *("_announcer", "_bad_commands", "_context", "_idle", "_session"),
        *("_settings", "_stopping", "_tasks", "_uploads"),
    )

    def __init__(self, stream: Stream, services: Services) -> None:
        self._settings = services.settings
        self._session = Session(RULES, services.settings)
        messages = Incoming(services.spool)
        self._context = Context(stream, services, self._session, self, messages)
        self._tasks = Tasks()
        self._announcer = Announcer(self._context, self._tasks)
        self._uploads = Uploads(
            *(self._context, self._announcer, self._tasks),
            answer=self._answer,
            rested=self._rested,
        )
        self._idle: tuple[Command, Tagged] | None = None
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
                    self._announcer.bye(SHUTTING_DOWN)
        except asyncio.CancelledError:
            self._announcer.bye(SHUTTING_DOWN)
            raise
        except IdleTimeoutError:
            # The peer takes nothing: what is queued for it will never go out.
            self._stream.abort()
        except (ConnectionLostError, TlsFailedError) as error:
            await self._uploads.settle()
            log.debug("connection over", peer=str(self._stream.peer), why=str(error))

    def stop(self) -> None:
        """Say goodbye now, or once the command being run is done."""
        self._stopping = True
        if not self._announcer.busy or self._context.idling:
            self._announcer.bye(SHUTTING_DOWN)
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
            self._announcer.bye(b"[UNAVAILABLE] Nothing came for too long")
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
        if isinstance(event, MessagePiece):
            self._context.messages.write(event.octets)
            return
        if isinstance(event, MessageBegins) and not event.sync:
            self._context.messages.begin()
            return
        if isinstance(event, Command):
            upload = self._uploads.takes(event)
            if upload is not None:
                await self._uploads.begin(event, upload)
                return
        if self._uploads.waiting:
            await self._uploads.settle()
        await self._attend(event)

    async def _attend(
        self, event: Command | MessageBegins | Continue | Refused | Fatal | Line
    ) -> None:
        """Do what nothing else may overlap."""
        match event:
            case Command():
                self._announcer.busy = True
                await self._run(event)
                self._announcer.busy = False
                if self._context.notices is not None:
                    # What happened while the last word was sent.
                    self.changed()
            case MessageBegins():
                async with self._announcer.speaking:
                    await self._begin_message(event)
            case Continue():
                async with self._announcer.speaking:
                    self._stream.send(b"+ OK\r\n")
            case Refused(tag, reply):
                self._context.messages.close()
                told = self._context.language.reply(reply)
                self._stream.send(b"%b %b\r\n" % (tag, told))
                self._count_bad(reply)
            case Fatal(text):
                self._announcer.bye(text)
            case Line(octets):
                await self._end_idle(octets)

    async def _begin_message(self, event: MessageBegins) -> None:
        """Ask for a message, unless its mailbox is missing."""
        try:
            await check(self._context, event)
        except PabalError as error:
            refusal = reply_of(error)
            if refusal is None:
                raise
            self._session.refuse_message()
            self._context.messages.close()
            text = self._context.language.say(refusal.text)
            self._stream.send(refusal.line(event.tag, text))
            return
        self._stream.send(b"+ OK\r\n")
        self._context.messages.begin()

    async def _run(self, command: Command) -> None:
        """Run one command and send how it ended, after what else is to be told."""
        before = self._context.selected
        if command.name == b"IDLE":
            async with self._announcer.speaking:
                # What was being pushed has ended; what is pushed now is its output.
                pass
            self._idle = command, await self._reply(command)
            if self._context.idling:
                self._session.expect_line()
            else:
                await self._end_idle(DONE)  # it was refused
            return
        async with self._announcer.speaking:
            reply = await self._reply(command)
            await self._finish(command, reply, before)

    async def _end_idle(self, line: bytes) -> None:
        """Say how IDLE ended, once the client sent a line."""
        if self._idle is None:
            raise LocalProtocolError("a line nobody waits for")
        (command, reply), self._idle = self._idle, None
        self._context.idling = False
        if line.upper() != DONE:
            reply = Tagged(b"DONE expected", b"", b"BAD")
        async with self._announcer.speaking:
            await self._finish(command, reply, self._context.selected)

    async def _reply(self, command: Command) -> Tagged:
        """Run one command and return how it ended."""
        context = self._context
        context.tag = command.tag
        try:
            if context.uid_only and command.name in NUMBERED:
                raise uid_required()
            await refresh(context)
            if (
                COMMANDS[command.name].rule.states is State.SELECTED
                and not context.mailbox.access.rights
            ):
                raise RefusedError("You may not do that here", b"NOPERM")
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
        text = context.language.say(reply.text)
        context.send(reply.line(command.tag, text))
        self._announcer.leave_removed()
        if spec.after is not None and reply.status == b"OK":
            await spec.after(context)
        self._count_bad(reply.status)
        await self._stream.flush()

    async def _answer(self, answers: Sequence[Answer]) -> None:
        """Send how uploads ended, after what else is to be told."""
        context = self._context
        await refresh(context)
        await tell(context, expunges=True, arrivals=False)
        for command, reply in answers:
            text = context.language.say(reply.text)
            context.send_along(reply.line(command.tag, text))
            self._count_bad(reply.status)
        context.send(b"")
        self._announcer.leave_removed()
        await self._stream.flush()

    def _rested(self) -> None:
        """Go on once the last upload was answered."""
        if self._stopping:
            self._announcer.bye(SHUTTING_DOWN)
            self._stream.close()
        elif self._context.notices is not None:
            self.changed()

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
            self._announcer.bye(b"Too many commands without meaning")
        elif self._context.failures >= self._settings.login_failures_max:
            self._announcer.bye(b"Too many failed log-ins")

    async def line(self) -> bytes:
        """Return the client's next line, whatever it is."""
        self._session.expect_line()
        event = await self._next_event()
        if isinstance(event, Line):
            return event.octets
        if isinstance(event, Fatal):
            self._announcer.bye(event.text)
        raise ConnectionLostError("the line is not one")

    async def start_tls(self) -> None:
        """Turn the connection into a TLS one."""
        await self._stream.start_tls()

    def in_progress(self) -> AbstractContextManager[Progress]:
        """Tell the client now and then how far its command is."""
        return self._announcer.in_progress()

    def changed(self) -> None:
        """Push changes to a client that wants them."""
        self._announcer.changed()
