"""What reading a named.conf needs of the disk."""

from collections.abc import Sequence
from typing import Protocol


class Files(Protocol):
    """Reads the files a configuration names."""

    def read(self, path: str) -> str:
        """Return the text of a file; raises OSError or UnicodeDecodeError."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether there is a file of that name."""
        ...

    def match(self, pattern: str) -> Sequence[str]:
        """Return the files a pattern with ``*``, ``?`` or ``[`` fits, sorted."""
        ...
