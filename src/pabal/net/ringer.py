"""Ringing a bell at once, but not once a message."""

import asyncio
from collections.abc import Callable
from typing import Final

APART_S: Final = 0.01
"""Least time between two rings, seconds: a ring is a system call a process, and one
look takes everything that is there."""


class Ringer:
    """Calls ``ring_bell`` at once, and once more at the end of a burst.

    Args (of the constructor):
        ring_bell: A hint to others; lost ones cost time, never a message.
        apart_s: Least time between two calls, seconds.
    """

    __slots__ = ("_apart_s", "_quiet_until", "_ring_bell", "_timer")

    def __init__(self, ring_bell: Callable[[], None], apart_s: float = APART_S) -> None:
        self._ring_bell = ring_bell
        self._apart_s = apart_s
        self._quiet_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Ring now, or within ``apart_s`` seconds when that was just done."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= self._quiet_until:
            self._quiet_until = now + self._apart_s
            self._ring_bell()
        else:
            self._timer = loop.call_at(self._quiet_until, self._late)

    def _late(self) -> None:
        self._timer = None
        self._quiet_until = asyncio.get_running_loop().time() + self._apart_s
        self._ring_bell()
