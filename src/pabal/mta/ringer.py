"""Waking whoever runs the queue: at once, but not once a message."""

import asyncio
from collections.abc import Callable
from typing import Final

APART_S: Final = 0.01
"""Least time between two rings, seconds: a ring is a system call a process, and one
look at the queue takes everything that is due."""


class Ringer:
    """Calls ``wake`` at once, and once more at the end of a burst.

    A ring that is lost costs ``QueueSettings.poll_s``, never a message.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._quiet_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake now, or within ``APART_S`` seconds when that was just done."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= self._quiet_until:
            self._quiet_until = now + APART_S
            self._wake()
        else:
            self._timer = loop.call_at(self._quiet_until, self._late)

    def _late(self) -> None:
        self._timer = None
        self._quiet_until = asyncio.get_running_loop().time() + APART_S
        self._wake()
