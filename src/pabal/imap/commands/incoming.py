"""Messages of an APPEND while they come in: spools, filled piece by piece.

Sans-IO. What goes wrong meanwhile is said when the command is whole: the rest of the
octets has to be read all the same.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pabal.base.errors import StorageFullError
from pabal.message.spool import MEMORY_MAX_OCTETS, Spool

APPEND_MEMORY_OCTETS: Final = 4 * 1024 * 1024
"""Memory one APPEND's messages may take together; the rest waits in files."""


class Incoming:
    """The messages of the APPEND that is being read, in order.

    Args (of the constructor):
        make: Makes a spool, given octets it may keep in memory.
    """

    __slots__ = ("_error", "_make", "_spools")

    def __init__(self, make: Callable[[int], Spool]) -> None:
        self._make = make
        self._spools: list[Spool] = []
        self._error: StorageFullError | None = None

    def begin(self) -> None:
        """Begin the next message."""
        used = sum(spool.size for spool in self._spools if spool.in_memory)
        room = max(0, min(MEMORY_MAX_OCTETS, APPEND_MEMORY_OCTETS - used))
        self._spools.append(self._make(room))

    def write(self, octets: bytes) -> None:
        """Add octets to the message begun last; dropped once there is no room."""
        if self._error is not None:
            return
        try:
            self._spools[-1].write(octets)
        except StorageFullError as error:
            self._error = error

    def take(self) -> Sequence[Spool]:
        """Return the messages; they stay with this object, which closes them.

        Raises:
            StorageFullError: There was no room for all of them.
        """
        if self._error is not None:
            raise self._error
        return self._spools

    def close(self) -> None:
        """Forget the messages."""
        for spool in self._spools:
            spool.close()
        self._spools.clear()
        self._error = None
