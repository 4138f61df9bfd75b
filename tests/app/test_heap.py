"""In processes of their own: what is asked of the C library cannot be taken back."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from pabal.app.heap import HEAPS_MAX
from tests.support.server import environment

ALLOCATE = """
import ctypes, sys, threading
from pabal.app.heap import share_heaps
path, shared = sys.argv[1:]
if shared == "shared":
    assert share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(9)
def work():
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
together.wait()
file = ctypes.c_void_p(libc.fopen(path.encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def heaps(path: Path, shared: str) -> int:
    """Return how many heaps eight threads have."""
    subprocess.run(
        [sys.executable, "-c", ALLOCATE, path, shared],
        check=True,
        timeout=20,
        env=environment(),
    )
    return path.read_text().count("<heap nr")


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not this C library"
)
def test_threads_share_few_heaps(tmp_path: Path) -> None:
    assert heaps(tmp_path / "info", "") > HEAPS_MAX
    assert heaps(tmp_path / "info", "shared") == HEAPS_MAX
