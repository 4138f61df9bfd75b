"""The files a named.conf names, on disk."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_MAX_OCTETS: Final = 256 * 1024 * 1024
"""A larger file is no configuration; reading it would eat the memory."""


@dataclass(frozen=True, slots=True)
class DiskFiles:
    """Reads files; paths are relative to the working directory."""

    def read(self, path: str) -> str:
        """Return the text of a file; raises OSError or UnicodeDecodeError."""
        file = Path(path)
        size = file.stat().st_size
        if not file.is_file() and not file.samefile(os.devnull):
            # One may never end, or wait for somebody who writes.
            raise OSError("not a file")
        if size > FILE_MAX_OCTETS:
            raise OSError(f"larger than {FILE_MAX_OCTETS} octets")
        return file.read_text(encoding="utf-8")

    def exists(self, path: str) -> bool:
        """Return whether there is a file of that name that can be seen.

        The null device is an empty one, which BIND's users name where none is wanted.
        """
        try:
            return Path(path).is_file() or Path(path).samefile(os.devnull)
        except (OSError, ValueError):
            return False

    def match(self, pattern: str) -> Sequence[str]:
        """Return the files a pattern fits, sorted."""
        return sorted(glob.glob(pattern))  # noqa: PTH207 - absolute patterns too
