"""Where master files come from: a directory of ``NAME.zone`` files.

Security: an included file must lie in the same directory or below it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import dns.exception
import dns.name

SUFFIX: Final = ".zone"

ROOT_FILE: Final = "root.zone"
"""The file of the root zone, whose own name would be empty."""

COPIED: Final = "copied:"
"""Before the name of a file that is the copy of another server's zone."""

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


class DirectorySource:
    """Master files in ``directory``; file names are relative to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._prefix = f"{directory}{os.sep}"
        self._names: dict[str, dns.name.Name | None] = {}

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; no directory means no files."""
        try:
            with os.scandir(self.directory) as entries:
                present = [entry.name for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        known = self._names
        # What is no longer there is forgotten.
        self._names = {
            file: known[file] if file in known else zone_name(file)
            for file in sorted(present)
            if file.endswith(SUFFIX) and not file.startswith(".")
        }
        return {name: file for file, name in self._names.items() if name is not None}

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does."""
        return _stamp(os.stat(self._path(file)))  # noqa: PTH116  a Path costs more

    def read(self, file: str) -> str:
        """Return the text of ``file``, UTF-8."""
        with Path(self._path(file)).open(encoding="utf-8") as stream:
            if os.fstat(stream.fileno()).st_size > FILE_MAX_OCTETS:
                raise OSError(f"larger than {FILE_MAX_OCTETS} octets")
            return stream.read()

    def fingerprint(self) -> int:
        """Return a number that is another one when a zone's file is or has changed.

        Cost: a system call a file. Included files do not count.
        """
        try:
            with os.scandir(self.directory) as entries:
                found = {
                    (entry.name, _stamp(entry.stat()))
                    for entry in entries
                    if entry.name.endswith(SUFFIX)
                }
        except OSError:
            return 0
        return hash(frozenset(found))

    def _path(self, file: str) -> str:
        """Return the path of ``file``; raises OSError if it lies elsewhere."""
        path = self._prefix + file
        if os.sep not in file and not os.path.islink(path):  # noqa: PTH114  as above
            return path
        if not Path(path).resolve().is_relative_to(self.directory.resolve()):
            raise OSError("outside the directory of zones")
        return path


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def zone_name(file: str) -> dns.name.Name | None:
    """Return the zone that ``file`` holds by its name; ``None`` if that is no name."""
    if file == ROOT_FILE:
        return dns.name.root
    try:
        name = dns.name.from_text(file.removesuffix(SUFFIX))
    except (dns.exception.DNSException, ValueError):
        return None
    return name.canonicalize()


def zone_file(name: dns.name.Name) -> str:
    """Return the file that holds zone ``name``."""
    if name == dns.name.root:
        return ROOT_FILE
    text = name.to_text(omit_final_dot=True).lower()
    # A label may hold a slash; such a zone has a file all the same.
    return text.replace("/", "\\047") + SUFFIX


class NoFiles:
    """No master files at all."""

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return nothing."""
        return {}

    def stamp(self, file: str) -> Stamp:
        """Raise OSError: there is no file."""
        raise FileNotFoundError(file)

    def read(self, file: str) -> str:
        """Raise OSError: there is no file."""
        raise FileNotFoundError(file)


class JoinedSource:
    """Own master files, and the copies of other servers' zones; own ones win."""

    def __init__(self, own: ZoneSource, copies: ZoneSource) -> None:
        self._own = own
        self._copies = copies

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; raises OSError if they are out of reach."""
        copies = {name: COPIED + file for name, file in self._copies.files().items()}
        return {**copies, **self._own.files()}

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does; raises OSError."""
        if file.startswith(COPIED):
            return self._copies.stamp(file.removeprefix(COPIED))
        return self._own.stamp(file)

    def read(self, file: str) -> str:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        if file.startswith(COPIED):
            return self._copies.read(file.removeprefix(COPIED))
        return self._own.read(file)
