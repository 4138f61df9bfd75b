"""What a connection waits for: octets from its peer, and room for octets to it.

One waiter for what comes, any number for room; each wait has a bound.
"""

import asyncio
from typing import Final

from pabal.net.ports import ConnectionLostError, IdleTimeoutError

READ_HIGH_OCTETS: Final = 256 * 1024
"""Received and not taken: above this the kernel holds the rest."""

CHUNK_COST_OCTETS: Final = 64
"""What a chunk costs beside its octets: a peer that sends them one by one is stopped
before its chunks fill the memory."""

TIMER_SLACK_SECONDS: Final = 0.002
"""How early a timer may ring: event loops count in milliseconds."""


class Input:
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
        """Whether there is something to take, be it the end."""
        return self._ended or self._size > 0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def full(self) -> bool:
        """Whether reading has been stopped."""
        return self._full

    def add(self, data: bytes) -> bool:
        """Return whether reading has to stop now."""
        self._chunks.append(data)
        self._size += len(data) + CHUNK_COST_OCTETS
        self.wake()
        if self._size > READ_HIGH_OCTETS and not self._full:
            self._full = True
            return True
        return False

    def end(self) -> None:
        """Nothing more will come; what is here may still be taken."""
        self._ended = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.wake()

    def forget(self) -> bool:
        """Drop every octet; return whether reading had been stopped."""
        was_full = self._full
        self._chunks.clear()
        self._size, self._full = 0, False
        return was_full

    def wake(self) -> None:
        """Let the waiter look again."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(True)

    def take(self) -> tuple[bytes, bool]:
        """Return every octet, and whether reading had been stopped."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return data, self.forget()

    async def wait(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        """Wait until ``add``, ``end`` or ``wake``.

        Raises:
            IdleTimeoutError: None of them for ``timeout_s`` seconds.
        """
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


class Gate:
    """Whether more may be written."""

    __slots__ = ("_failed", "_open", "_waiters")

    def __init__(self) -> None:
        self._open = True
        self._failed = False
        self._waiters: list[asyncio.Future[bool]] = []

    @property
    def is_open(self) -> bool:
        """Whether there is room."""
        return self._open and not self._failed

    def shut(self) -> None:
        """The peer does not read: there is no room."""
        self._open = False

    def open(self) -> None:
        """There is room again."""
        self._open = True
        self._wake()

    def fail(self) -> None:
        """There never will be room again."""
        self._failed = True
        self._wake()

    async def wait(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        """Wait until there is room.

        Raises:
            ConnectionLostError: There never will be.
            IdleTimeoutError: The peer read nothing for ``timeout_s`` seconds.
        """
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
