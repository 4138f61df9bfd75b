"""Locks that hold across processes and end with the process that has them."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pabal.base.errors import StorageFullError, UnavailableError

_MODE: Final = 0o600


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


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        kind = StorageFullError if full else UnavailableError
        raise kind(f"cannot lock {path}: {error}") from error
