"""How this program is started once more, in a process of its own.

Started, not forked: what is forked shares memory, and every page of it that either
writes to is copied while answers wait.
Security: such a process has the rights of the one that starts it, and an environment
of our making.
"""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

import pabal
from pabal.base.tasks import let_others_first

PACKAGES: Final = ("site-packages", "dist-packages")
"""Ends of directories where installed packages are."""


def interpreter() -> list[str]:
    """Return how Python is started to behave as this one does.

    Nothing is imported from the directory a command runs in (-P).
    """
    words = [sys.executable, "-P"]
    if sys.dont_write_bytecode:
        words.append("-B")
    if sys.pycache_prefix:
        words += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return words


def modules() -> list[str]:
    """Return where Python finds this program and what it stands on."""
    installed = [path for path in sys.path if path.endswith(PACKAGES)]
    return [str(Path(pabal.__file__).parents[1]), *installed]


LENGTH_OCTETS: Final = 4


def helper(module: str) -> subprocess.Popen[bytes]:
    """Start ``module`` as a program that is fed and heard; raises OSError."""
    # No descriptor of ours is inherited as it is (PEP 446), so none need be closed one
    # by one, while nobody else runs.
    return subprocess.Popen(  # noqa: S603  our own program, no shell
        [*interpreter(), "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
        env={"PYTHONPATH": os.pathsep.join(modules()), "LANG": "C.UTF-8"},
    )


def be_helper() -> tuple[IO[bytes], IO[bytes]]:
    """Behave as one; return what comes in and where to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the server
    let_others_first()
    gc.disable()  # zones hold no cycles
    return sys.stdin.buffer, sys.stdout.buffer


def read_piece(stream: IO[bytes]) -> bytes:
    """Return the next piece; raises EOFError: whoever wrote has ended."""
    size = int.from_bytes(stream.read(LENGTH_OCTETS), "big")
    piece = stream.read(size)
    if not size or len(piece) != size:
        raise EOFError("the other process has ended")
    return piece


def write_piece(stream: IO[bytes], piece: bytes) -> None:
    """Write one piece, which is not empty; raises OSError."""
    stream.write(len(piece).to_bytes(LENGTH_OCTETS, "big") + piece)
