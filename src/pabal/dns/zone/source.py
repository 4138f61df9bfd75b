"""Where master files come from: a directory of ``NAME.zone`` files.

Security: an included file must lie in the same directory or below it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import dns.exception
import dns.name

SUFFIX: Final = ".zone"

ROOT_FILE: Final = "root.zone"
"""The file of the root zone, whose own name would be empty."""

FILE_MAX_OCTETS: Final = 1024 * 1024 * 1024
"""A larger file is no zone of this server; reading it would eat the memory."""

Stamp = tuple[int, int, int]
"""Changes when a file does: inode, size in octets, time of change in nanoseconds."""


class ZoneSource(Protocol):
    """Knows the master files."""

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; raises OSError if they are out of reach."""
        ...

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does; raises OSError."""
        ...

    def read(self, file: str) -> str:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        ...


@dataclass(frozen=True, slots=True)
class DirectorySource:
    """Master files in ``directory``; file names are relative to it."""

    directory: Path

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; no directory means no files."""
        if not self.directory.is_dir():
            return {}
        found = {}
        for path in sorted(self.directory.iterdir()):
            if path.name.endswith(SUFFIX) and not path.name.startswith("."):
                name = zone_name(path.name)
                if name is not None:
                    found[name] = path.name
        return found

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does."""
        status = self._path(file).stat()
        return status.st_ino, status.st_size, status.st_mtime_ns

    def read(self, file: str) -> str:
        """Return the text of ``file``, UTF-8."""
        path = self._path(file)
        if path.stat().st_size > FILE_MAX_OCTETS:
            raise OSError(f"larger than {FILE_MAX_OCTETS} octets")
        return path.read_text(encoding="utf-8")

    def _path(self, file: str) -> Path:
        path = (self.directory / file).resolve()
        if not path.is_relative_to(self.directory.resolve()):
            raise OSError("outside the directory of zones")
        return path


def zone_name(file: str) -> dns.name.Name | None:
    """Return the zone that ``file`` holds by its name; ``None`` if that is no name."""
    if file == ROOT_FILE:
        return dns.name.root
    try:
        name = dns.name.from_text(file.removesuffix(SUFFIX))
    except (dns.exception.DNSException, ValueError):
        return None
    return name.canonicalize()
