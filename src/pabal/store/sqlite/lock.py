"""Locks that hold across processes and end with the process that has them."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pabal.base.errors import UnavailableError

_MODE: Final = 0o600


def try_lock(path: Path) -> Callable[[], None] | None:
    """Take the lock of file ``path``; return how to release it (twice is fine).

    Returns ``None`` when it is taken, here or in another process.

    Raises:
        UnavailableError: The file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise UnavailableError(f"cannot lock {path}: {error}") from error
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
