"""What a connection says without being asked: changes, progress, goodbye.

A command and a push never speak at once: each may send a response in pieces.
Source: RFC 9051 §6.3.13 (IDLE), RFC 5465 §3.1 (NOTIFY), RFC 9585 (INPROGRESS).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pabal.base.tasks import Tasks
from pabal.imap.commands.context import Context, Progress
from pabal.imap.commands.notify import tell
from pabal.imap.commands.places import refresh
from pabal.imap.session import State
from pabal.imap.wire.response import quoted
from pabal.net.ports import ConnectionLostError, IdleTimeoutError


class Announcer:
    """Speaks for one connection.

    Attributes:
        speaking: Held by whoever sends more than one piece: a command, or a push.
        busy: Whether a command is being run.
    """

    __slots__ = (
        *("_context", "_in_progress", "_pushing", "_tasks"),
        *("busy", "speaking"),
    )

    def __init__(self, context: Context, tasks: Tasks) -> None:
        self.speaking = asyncio.Lock()
        self.busy = False
        self._context = context
        self._tasks = tasks
        self._pushing = False
        self._in_progress = False

    def bye(self, text: bytes) -> None:
        """Say goodbye, once."""
        context = self._context
        if context.session.state is State.LOGOUT:
            return
        context.stream.send(b"* BYE %b\r\n" % context.language.reply(text))
        context.session.state = State.LOGOUT

    def leave_removed(self) -> None:
        """Say goodbye when the selected mailbox was deleted by somebody else.

        RFC 2180 §3.4: no client understands a mailbox that is not there any more.
        """
        selected = self._context.selected
        if selected is None or not selected.removed:
            return
        if selected.access.rights:
            self.bye(b"The selected mailbox was deleted")
        else:
            self.bye(b"The selected mailbox is not shared any more")

    @contextmanager
    def in_progress(self) -> Iterator[Progress]:
        """Tell the client now and then how far its command is.

        Only where nothing is sent meanwhile: it is a response of its own. Where the
        store looks for, or changes, all at once nobody knows (RFC 9585 §4: then it is
        NIL). What is begun inside of another is a part of it: the outer one is told.
        """
        progress = Progress()
        if self._in_progress:
            yield progress
            return
        loop = asyncio.get_running_loop()
        text = self._context.language.say(b"Still at it")
        tag = self._context.tag
        interval_s = self._context.services.settings.progress_interval_s
        timer: asyncio.TimerHandle

        def tick() -> None:
            nonlocal timer
            # Queued at once: said later, it might come behind the tagged response.
            details = _details(tag, progress)
            self._context.stream.send(b"* OK [INPROGRESS%b] %b\r\n" % (details, text))
            self._tasks.start(self._flush(), "imap progress")
            timer = loop.call_later(interval_s, tick)

        timer = loop.call_later(interval_s, tick)
        self._in_progress = True
        try:
            yield progress
        finally:
            self._in_progress = False
            timer.cancel()

    async def _flush(self) -> None:
        try:
            await self._context.stream.flush()
        except (ConnectionLostError, IdleTimeoutError):
            self._context.stream.abort()

    def changed(self) -> None:
        """Push changes to a client that wants them; at most one push at a time."""
        if self._may_push() and not self._pushing:
            self._pushing = True
            self._tasks.start(self._push(), "imap push")

    def _may_push(self) -> bool:
        """Whether something may be told now: RFC 9051 §6.3.13, RFC 5465 §3.1."""
        context = self._context
        if self._context.session.state is State.LOGOUT:
            return False
        return context.idling or (context.notices is not None and not self.busy)

    async def _push(self) -> None:
        """Tell what changed, and again what changed while that was taken."""
        context = self._context
        try:
            while self._may_push() and await self._has_news():
                async with self.speaking:
                    if not self._may_push():
                        return
                    notices = context.notices
                    delayed = notices is not None and notices.delayed
                    await tell(context, expunges=context.idling or not delayed)
                    await self._context.stream.flush()
        except (ConnectionLostError, IdleTimeoutError):
            self._context.stream.abort()
        finally:
            self._pushing = False

    async def _has_news(self) -> bool:
        """Whether there is something to push; leaves a mailbox that was removed."""
        context = self._context
        async with self.speaking:
            await refresh(context)
        selected, notices = context.selected, context.notices
        if selected is not None and selected.removed:
            self.leave_removed()
            self._context.stream.close()
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


def _details(tag: bytes, progress: Progress) -> bytes:
    """Return what the code INPROGRESS says of a command (RFC 9585 §4)."""
    if b"]" in tag:
        return b""  # it would end the code
    state = b"NIL NIL"
    if progress.goal:
        state = b"%d %d" % (min(progress.done, progress.goal), progress.goal)
    return b" (%b %b)" % (quoted(tag), state)
