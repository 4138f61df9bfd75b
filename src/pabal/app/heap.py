"""How the C library hands out memory to threads.

glibc gives each thread a heap of its own, up to eight a core. What one thread took and
another gave back stays with the heap it came from, and a process with many short works
on many threads comes to have several half empty ones. Python's threads mostly wait for
each other anyway.
"""

import ctypes
from typing import Final

HEAPS_MAX: Final = 2
"""Heaps of a process: one for the event loop, one for threads that work beside it."""

_M_ARENA_MAX: Final = -8
"""mallopt(3)."""


def share_heaps() -> bool:
    """Let all threads share ``HEAPS_MAX`` heaps from now on; return whether they do.

    Not where the C library is another one: it has its own ways.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes = (ctypes.c_int, ctypes.c_int)
    mallopt.restype = ctypes.c_int
    return bool(mallopt(_M_ARENA_MAX, HEAPS_MAX))
