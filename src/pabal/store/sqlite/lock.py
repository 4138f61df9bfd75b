"""Locks that hold across processes and end with the process that has them; turns."""

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pabal.base.errors import StorageFullError, UnavailableError

_MODE: Final = 0o600
_TURN: Final = struct.Struct("=d")
"""When the last turn was taken, as a file holds it."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only one, here and in other processes, who does what follows.

    For what takes microseconds: others wait.

    Raises:
        UnavailableError: The lock's file cannot be made.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> Callable[[], None] | None:
    """Take the lock of file ``path``; return how to release it (twice is fine).

    Returns ``None`` when it is taken, here or in another process.

    Raises:
        UnavailableError: The file cannot be made.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    held = [descriptor]

    def release() -> None:
        while held:
            os.close(held.pop())

    return release


class FileTurns:
    """Implements ``pabal.store.turns.Turns``: a small file a purpose.

    Nothing is synced: a crash may let somebody in once too often.
    """

    __slots__ = ("_directory",)

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def take(self, purpose: str, now: float, apart_s: float) -> bool:
        """Take the next turn, unless the last one is less than ``apart_s`` s ago.

        Raises:
            UnavailableError: The file cannot be made or written.
        """
        path = self._directory / f"{purpose}.turn"
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            octets = os.pread(descriptor, _TURN.size, 0)
            if len(octets) == _TURN.size:
                (last,) = _TURN.unpack(octets)
                if now - apart_s < last <= now:
                    return False
            os.pwrite(descriptor, _TURN.pack(now), 0)
        except OSError as error:
            raise _refusal(path, error) from error
        finally:
            os.close(descriptor)
        return True


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: OSError) -> UnavailableError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    kind = StorageFullError if full else UnavailableError
    return kind(f"cannot lock {path}: {error}")
