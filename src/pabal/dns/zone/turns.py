"""Long work that few processes do at once.

Whoever hears of a change begins at the same moment, in every process. Were all of them
to work at once, each core would go from one to the next, four milliseconds each, before
it is the turn of who answers.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CORES_EACH: Final = 2
"""For each of as many cores one process works: the others are for who answers."""

ALONE: Final = 1
"""Places for who must be the only one."""

MODE: Final = 0o600


def places() -> int:
    """Return how many processes may work at once."""
    return max(ALONE, (os.cpu_count() or ALONE) // CORES_EACH)


@contextlib.contextmanager
def turn(directory: Path, count: int) -> Iterator[None]:
    """Wait until fewer than ``count`` other processes are in here; blocks.

    Who asks for one place only is there alone among those that do. Without such a
    directory nobody waits.

    Args:
        directory: Where they meet.
    """
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            found: list[int] = []
            for number in range(count):
                path = directory / f".turn-{number}"
                found.append(os.open(path, os.O_RDWR | os.O_CREAT, MODE))
                opened.callback(os.close, found[-1])
            if not any(map(_is_free, found)):
                fcntl.flock(found[os.getpid() % count], fcntl.LOCK_EX)
        yield


def _is_free(descriptor: int) -> bool:
    """Take a place if nobody has it; return whether that is so."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
