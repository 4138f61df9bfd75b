"""APPENDs of one connection that wait for the disk together.

A client that uploads a mailbox sends one APPEND behind the other without waiting for
answers (mbsync does). Run one by one each would wait for the disk alone; begun one
behind the other they share a transaction and a sync. They are answered in the order
they came, each once its message is on disk, and no other command is begun before the
last was answered: RFC 9051 §5.5 lets a server do so where no result depends on another.

A client that waits for each answer never comes here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pabal.base.errors import PabalError
from pabal.base.tasks import Tasks
from pabal.imap.announcer import Announcer
from pabal.imap.commands.append import add
from pabal.imap.commands.context import Context
from pabal.imap.commands.incoming import Incoming
from pabal.imap.commands.refusal import reply_of
from pabal.imap.session import Command
from pabal.imap.wire.mailboxes import Append
from pabal.imap.wire.response import Tagged
from pabal.net.ports import ConnectionLostError, IdleTimeoutError

AT_ONCE: Final = 12
"""Messages on their way: so many of 4 KB fit into a transaction on the event loop, and
the share of the sync that each waits for is a twelfth."""

SHORT_OCTETS: Final = 64 * 1024
"""Longest APPEND that is begun before the one in front of it was answered: bounds what
waits in memory, and a longer one gains little."""


class Answer(NamedTuple):
    """How a command ended."""

    command: Command
    reply: Tagged


@dataclass(slots=True)
class _Upload:
    """An APPEND on its way; ``reply`` is set once it was refused or is on disk."""

    command: Command
    value: Append
    messages: Incoming
    reply: Tagged | None = None


class Uploads:
    """The APPENDs that are on their way, in order.

    Args (of the constructor):
        context: The connection.
        announcer: Who else speaks there.
        tasks: Where they run.
        answer: Sends answers, called while nobody else speaks.
        rested: Called when the last was answered.
    """

    __slots__ = (
        *("_announcer", "_answer", "_answering", "_context", "_over", "_queue"),
        *("_rested", "_tasks"),
    )

    def __init__(
        self,
        context: Context,
        announcer: Announcer,
        tasks: Tasks,
        answer: Callable[[Sequence[Answer]], Awaitable[None]],
        rested: Callable[[], None],
    ) -> None:
        self._context = context
        self._announcer = announcer
        self._tasks = tasks
        self._answer = answer
        self._rested = rested
        # Thousands of connections wait for nothing: an empty list and no event.
        self._queue: list[_Upload] = []
        self._answering = False
        self._over: asyncio.Event | None = None

    @property
    def waiting(self) -> bool:
        """Whether any was not answered yet."""
        return bool(self._queue) or self._answering

    def takes(self, command: Command) -> Append | None:
        """Return the APPEND of ``command`` if ``begin`` is to begin it.

        It is if more came behind it, or others are on their way.
        """
        value = command.value
        if (
            isinstance(value, Append)
            and command.name == b"APPEND"
            and (self._queue or self._context.session.has_input)
            and sum([message.size for message in value.messages]) <= SHORT_OCTETS
            # What is put together from other messages waits for them.
            and not any(message.parts for message in value.messages)
        ):
            return value
        return None

    async def begin(self, command: Command, value: Append) -> None:
        """Begin an APPEND whose messages have come; waits while many are on their way.

        The next message goes into a place of its own.
        """
        if len(self._queue) >= AT_ONCE:
            await self.settle()
        context = self._context
        upload = _Upload(command, value, context.messages)
        context.messages = Incoming(context.services.spool)
        self._announcer.busy = True
        self._queue.append(upload)
        self._tasks.start(self._run(upload), "imap append")

    async def settle(self) -> None:
        """Wait until every APPEND begun was answered."""
        while self.waiting:
            self._over = asyncio.Event()
            await self._over.wait()

    async def _run(self, upload: _Upload) -> None:
        try:
            upload.reply = await self._reply(upload)
            if not self._answering:
                self._answering = True
                # Those that shared the sync have their replies in a moment.
                await self._context.services.pause()
                await self._drain()
        except BaseException as error:
            self._queue.clear()
            self._answering = False
            self._tell_over()
            self._context.stream.abort()
            if not isinstance(error, ConnectionLostError | IdleTimeoutError):
                raise
        finally:
            upload.messages.close()

    async def _reply(self, upload: _Upload) -> Tagged:
        try:
            code = await add(self._context, upload.value, messages=upload.messages)
        except PabalError as error:
            refusal = reply_of(error)
            if refusal is None:
                raise
            return refusal
        return Tagged(b"Appended", code)

    async def _drain(self) -> None:
        """Answer those at the head of the queue that can be."""
        queue = self._queue
        while queue and queue[0].reply is not None:
            async with self._announcer.speaking:
                answers = []
                while queue and (reply := queue[0].reply) is not None:
                    answers.append(Answer(queue.pop(0).command, reply))
                await self._answer(answers)
        self._answering = False
        if not queue:
            self._announcer.busy = False
            self._tell_over()
            self._rested()

    def _tell_over(self) -> None:
        if self._over is not None:
            self._over.set()
            self._over = None
