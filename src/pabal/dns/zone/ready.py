"""Large zones as they were read before, for whoever needs them next.

What several processes read, and each start reads again, is checked and put together
once: a file of ours holds the pieces that the process which read it has said
(``pieces``). It is used as long as the master files are the same ones, and may be
deleted at any time.
Security: readable by the program only; ``marshal`` reads what we wrote, checked against
damage by chance.
"""

import contextlib
import hashlib
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

import dns.name

from pabal.dns.zone.load import Loaded, ZoneInput
from pabal.dns.zone.pieces import directories_of, loaded_of, stamps_of
from pabal.dns.zone.reading import Stamps
from pabal.dns.zone.source import COPIED, SUFFIX, ZoneSource, zone_file

ENDING: Final = ".ready"

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

FORM: Final = 1
"""Raise it when a zone is checked, or put together, in another way than before."""

BUFFER_OCTETS: Final = 256 * 1024
"""Read at once: no other thread runs while it is copied."""

UNUSED_S: Final = 30 * 86400
"""Who was not wanted for a month goes: to read the master file again costs seconds."""

PIECE_MAX_OCTETS: Final = 64 * 1024 * 1024
"""Names have 64 KiB of one type, and a piece has 256; what says more is damaged."""

_MAGIC: Final = b"pabal zone 1\n"
_HEAD: Final = Struct("!II")
"""Of each piece: its octets, and their CRC-32."""


def key_of(given: ZoneInput, source: ZoneSource) -> bytes | None:
    """Return what is equal for zones made from the same; ``None``: it cannot be said.

    The files themselves are not in it, nor the time an SOA of ours would have: of a
    zone that has not changed it is that of its latest change.
    """
    paths = directories_of(source)
    if paths is None or given.file is None:
        return None
    if given.copied:
        return key_of_copy(Path(paths[-1]) / given.file.removeprefix(COPIED))
    return _digest(
        paths,
        given.name.labels,
        given.file,
        given.hosted,
        [(r.owner, r.rdtype, r.rdata, r.ttl_s) for r in given.derived],
        given.hostname,
    )


def key_of_copy(path: Path) -> bytes:
    """Return the same for the copy of another server's zone: nothing is added to it."""
    return _digest(str(path))


def _digest(*made_from: object) -> bytes:
    everything = FORM, tuple(sys.version_info[:2]), made_from
    return hashlib.sha256(repr(everything).encode()).digest()


@dataclass(frozen=True, slots=True)
class Ready:
    """The zones of one directory that were read before.

    Attributes:
        directory: Belongs to us alone.
    """

    directory: Path

    def make(self) -> None:
        """Make the directory; raises OSError."""
        self.directory.mkdir(FOLDER_MODE, parents=True, exist_ok=True)

    def path(self, name: dns.name.Name) -> Path:
        """Return where zone ``name`` is."""
        return self.directory / (zone_file(name).removesuffix(SUFFIX) + ENDING)

    def find(
        self, name: dns.name.Name, key: bytes, are_current: Callable[[Stamps], bool]
    ) -> tuple[Loaded, Stamps] | None:
        """Return the zone that was made from ``key``, and the files it was read from.

        ``None``: it is not there, or not whole, or those files have changed.
        """
        path = self.path(name)
        try:
            with path.open("rb", BUFFER_OCTETS) as stream:
                if stream.read(len(_MAGIC)) != _MAGIC or _piece(stream) != key:
                    return None
                head = _piece(stream)
                if not are_current(stamps_of(head)):
                    return None
                os.utime(path)
                first = iter((head,))
                return loaded_of(lambda: next(first, b"") or _piece(stream))
        except (OSError, EOFError, ValueError, TypeError, KeyError):
            return None

    def kept(
        self, name: dns.name.Name, key: bytes, pieces: Iterable[bytes]
    ) -> Iterator[bytes]:
        """Yield ``pieces``, and put them in place when the last was taken.

        A disk that is full keeps nobody from the zone.
        """
        path = self.path(name)
        file = _Written(path.with_name(f".{path.name}.{os.getpid()}.new"))
        try:
            file.put(key)
            for piece in pieces:
                yield piece
                file.put(piece)
            file.finish(path)
        finally:
            file.give_up()
        with contextlib.suppress(OSError):
            self._sweep(path.stat().st_mtime - UNUSED_S)

    def _sweep(self, since: float) -> None:
        """Let go of what was not wanted ``since``; raises OSError."""
        for path in self.directory.glob(f"*{ENDING}*"):
            if path.stat().st_mtime < since:
                path.unlink(missing_ok=True)


class _Written:
    """A file as it is written, until that fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: BinaryIO | None = None
        with contextlib.suppress(OSError):
            self._stream = path.open("wb", BUFFER_OCTETS)
            path.chmod(MODE)
            self._stream.write(_MAGIC)

    def put(self, piece: bytes) -> None:
        """Write one more."""
        if self._stream is not None:
            try:
                self._stream.write(_HEAD.pack(len(piece), zlib.crc32(piece)))
                self._stream.write(piece)
            except OSError:
                self.give_up()

    def finish(self, path: Path) -> None:
        """Put all of it at ``path``."""
        if self._stream is not None:
            try:
                self._stream.close()
                self._path.replace(path)
                self._stream = None
            except OSError:
                self.give_up()

    def give_up(self) -> None:
        """Leave nothing behind, unless it is in place."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _piece(stream: BinaryIO) -> bytes:
    """Return the next piece; raises EOFError, ValueError: it is not whole."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError("the file ends too early")
    size, check = _HEAD.unpack(head)
    piece = stream.read(size) if size <= PIECE_MAX_OCTETS else b""
    if len(piece) < size or zlib.crc32(piece) != check:
        raise ValueError("the file is damaged")
    return piece
