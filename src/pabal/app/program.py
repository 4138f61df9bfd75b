"""How this program is started once more, in a process of its own."""

import sys
from pathlib import Path
from typing import Final

import pabal

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
