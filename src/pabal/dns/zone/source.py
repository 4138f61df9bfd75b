"""Where master files come from: a directory of ``NAME.zone`` files.

Security: an included file must lie in the same directory or below it.
"""

import errno
import os
import re
import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping
from io import RawIOBase
from pathlib import Path
from typing import Final, Protocol

import dns.exception
import dns.name

from pabal.dns.wire.name import LABEL_MAX_OCTETS

SUFFIX: Final = ".zone"

ROOT_FILE: Final = "root.zone"
"""The file of the root zone, whose own name would be empty."""

_PLAIN: Final = re.compile(r"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.zone")
"""The files of nearly all zones: read without the whole grammar of names."""

_SAID: Final = re.compile(rb'(?:[^";\\]|\\.|"(?:[^"\\]|\\.)*")*')
"""What stands in a line before its comment."""

_PLAIN_MAX: Final = 250
"""Characters that surely are a name's (RFC 1035 §2.3.4)."""

COPIED: Final = "copied:"
"""Before the name of a file that is the copy of another server's zone."""

FILE_MAX_OCTETS: Final = 1024 * 1024 * 1024
"""A larger file is no zone of this server; reading it would eat the memory."""

PIECE_OCTETS: Final = 512 * 1024
"""Read, and made text of, at once: no other thread runs meanwhile."""

Text = str | tuple[str, ...]
"""What a file holds; of a large one in pieces, each but the last with whole lines."""

Stamp = tuple[int, int, int]
"""Changes when a file does: inode, size in octets, time of change in nanoseconds."""


class ZoneSource(Protocol):
    """Knows the master files."""

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; raises OSError if they are out of reach."""
        ...

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return every zone's file and what changes when it does.

        An own file and a copy of the same zone: only the own one. Raises OSError if
        they are out of reach.

        Args:
            own: Those of the own files, if somebody has just looked.
        """
        ...

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does; raises OSError."""
        ...

    def read(self, file: str) -> Text:
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
            if is_zone_file(file)
        }
        return {name: file for file, name in self._names.items() if name is not None}

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return every zone's file and its stamp: a system call a file."""
        if own is not None:
            return own
        try:
            return dict(self._looked_at())
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def _looked_at(self) -> Iterator[tuple[str, Stamp]]:
        """Yield files and stamps; raises OSError if the directory cannot be read."""
        # Relative to the directory, and without a call of ours for each: it is done a
        # hundred thousand times.
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        look = os.stat
        try:
            for name in os.listdir(directory):  # noqa: PTH208  a Path costs more
                if is_zone_file(name):
                    try:
                        status = look(name, dir_fd=directory)
                    except OSError:
                        yield name, GONE
                    else:
                        yield name, (status.st_ino, status.st_size, status.st_mtime_ns)
        finally:
            os.close(directory)

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does."""
        # Few calls: a hundred thousand files are looked at whenever one changes.
        path = self._prefix + file
        status = os.lstat(path)
        if os.sep in file or stat.S_ISLNK(status.st_mode):
            self._expect_inside(path)
            status = os.stat(path)  # noqa: PTH116  a Path costs more
        return _stamp(status)

    def read(self, file: str) -> Text:
        """Return the text of ``file``, UTF-8."""
        descriptor = self._open(file)
        try:
            size = os.fstat(descriptor).st_size
            if size > FILE_MAX_OCTETS:
                raise OSError(f"larger than {FILE_MAX_OCTETS} octets")
            if size <= PIECE_OCTETS:
                return _text(_octets(descriptor, size))
            with open(descriptor, "rb", buffering=0, closefd=False) as stream:
                try:
                    return tuple(map(_text, _pieces(stream)))
                except UnicodeDecodeError:
                    stream.seek(0)  # once more, so that the place is right
                    return _text(stream.readall())
        finally:
            os.close(descriptor)

    def _open(self, file: str) -> int:
        path = self._prefix + file
        flags = os.O_RDONLY | os.O_CLOEXEC
        if os.sep not in file:
            try:
                return os.open(path, flags | os.O_NOFOLLOW)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
        self._expect_inside(path)
        return os.open(path, flags)

    def fingerprint(self) -> int:
        """Return a number that is another one when a zone's file is or has changed.

        That of ``imprint_of``. Cost: a system call a file. Included files do not count.
        """
        try:
            return _sum_of(self._looked_at())
        except OSError:
            return 0

    def _expect_inside(self, path: str) -> None:
        """Raise OSError if ``path`` leads out of the directory."""
        if not Path(path).resolve().is_relative_to(self.directory.resolve()):
            raise OSError("outside the directory of zones")


def _octets(descriptor: int, size: int) -> bytes:
    """Return what a file of about ``size`` octets holds."""
    octets = b""
    while more := os.read(descriptor, max(size, len(octets)) + 1):
        octets = octets + more if octets else more
        if len(octets) == size:
            # One call more would only say that this was the end.
            break
    return octets


def _text(octets: bytes) -> str:
    """Return lines of a file, each of which ends as ours do.

    A byte order mark is left out: editors on Windows put it there.
    """
    if b"\r" in octets:
        octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if octets.startswith(BOM_UTF8):
        octets = octets[len(BOM_UTF8) :]
    elif octets.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        reason = "it is UTF-16: save it as UTF-8"
        raise UnicodeDecodeError("utf-8", octets[:2], 0, 2, reason)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return _text_with_comments(octets)


def _text_with_comments(octets: bytes) -> str:
    """Return the same where a comment has octets that are not UTF-8.

    As BIND takes them: nobody means anything by a comment. Raises UnicodeDecodeError.
    """
    lines, start = [], 0
    for line in octets.split(b"\n"):
        said = _SAID.match(line)
        end = 0 if said is None else said.end()
        try:
            lines.append(line[:end].decode() + line[end:].decode("latin-1"))
        except UnicodeDecodeError as error:
            at = start + error.start
            reason = error.reason
            raise UnicodeDecodeError("utf-8", octets, at, at + 1, reason) from error
        start += len(line) + 1
    return "\n".join(lines)


def _pieces(stream: RawIOBase) -> Iterator[bytes]:
    """Yield what is in ``stream``, cut behind line feeds."""
    begun: list[bytes] = []
    while piece := stream.read(PIECE_OCTETS):
        end = piece.rfind(b"\n") + 1
        if end:
            yield b"".join((*begun, piece[:end]))
            begun = []
        begun.append(piece[end:])
    yield b"".join(begun)


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def imprint_of(stamps: Mapping[str, Stamp]) -> int:
    """Return a number that is another one for other files; never 0."""
    return _sum_of(stamps.items())


def _sum_of(stamps: Iterable[tuple[str, Stamp]]) -> int:
    # Not as a set: to hash a hundred thousand at once would hold everybody up.
    total = 0
    for each in stamps:
        total = (total + 1 + hash(each)) & _IMPRINT
    return total + 1


_IMPRINT: Final = (1 << 62) - 1
"""Bits of an imprint, in which sums of hashes are kept."""

GONE: Final[Stamp] = (0, 0, 0)
"""The stamp of a file that went while we looked, or of a link to none."""


def is_zone_file(name: str) -> bool:
    """Return whether a file of this name in the directory of zones holds one."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def is_plain(file: str) -> bool:
    """Return whether ``file`` is called as ``zone_file`` calls it, copy or not.

    ``False`` says nothing.
    """
    return _PLAIN.fullmatch(file.removeprefix(COPIED)) is not None


def plain_apex(file: str) -> bytes | None:
    """Return the folded wire name of the zone that ``file`` holds.

    ``None``: another way finds out, whether by a rarer name or none at all.
    """
    plain = _PLAIN.fullmatch(file)
    if plain is None or len(plain[1]) >= _PLAIN_MAX or file == ROOT_FILE:
        return None
    labels = plain[1].encode().split(b".")
    if max(map(len, labels)) > LABEL_MAX_OCTETS:
        return None
    return b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"


def zone_name(file: str) -> dns.name.Name | None:
    """Return the zone that ``file`` holds by its name; ``None`` if that is no name."""
    if file == ROOT_FILE:
        return dns.name.root
    plain = _PLAIN.fullmatch(file)
    if plain is not None:
        labels = plain[1].encode().split(b".")
        if len(plain[1]) < _PLAIN_MAX and max(map(len, labels)) <= LABEL_MAX_OCTETS:
            return dns.name.Name((*labels, b""))
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

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return nothing."""
        del own
        return {}

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return nothing."""
        return {}

    def stamp(self, file: str) -> Stamp:
        """Raise OSError: there is no file."""
        raise FileNotFoundError(file)

    def read(self, file: str) -> Text:
        """Raise OSError: there is no file."""
        raise FileNotFoundError(file)


class JoinedSource:
    """Own master files, and the copies of other servers' zones; own ones win.

    Attributes:
        own: Where own files are.
        copies: Where copies are.
    """

    def __init__(self, own: ZoneSource, copies: ZoneSource) -> None:
        self.own = own
        self.copies = copies

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; raises OSError if they are out of reach."""
        copies = {name: COPIED + file for name, file in self.copies.files().items()}
        return {**copies, **self.own.files()}

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return every zone's file and its stamp; raises OSError."""
        own, copies = self.own.stamps(own), self.copies.stamps()
        if not copies:
            return own
        added = {COPIED + file: copies[file] for file in copies if file not in own}
        return {**added, **own}

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does; raises OSError."""
        if file.startswith(COPIED):
            return self.copies.stamp(file.removeprefix(COPIED))
        return self.own.stamp(file)

    def read(self, file: str) -> Text:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        if file.startswith(COPIED):
            return self.copies.read(file.removeprefix(COPIED))
        return self.own.read(file)
