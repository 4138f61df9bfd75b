"""What changed in a signed zone since its whole file was written, change by change.

No sockets, no threads. One process writes, all others apply to what they hold what is
behind the place up to which they know. A log belongs to one whole file, and is only
ever appended to; an entry that is not whole, or of another history, is not there.
Security: readable by the program only; holds public data, no key.
"""

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Final

from pabal.base.atomic import fsync_directory, write_file
from pabal.base.errors import PabalError
from pabal.dns.zone.shards import copied, differing
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.tree import Zone, respelt

CHANGES: Final = "changes"
"""What the log is called, beside the whole file."""

EARLIER: Final = "changes.before"
"""The log of the whole file before: for those who had not followed it to its end."""

MODE: Final = 0o600

ENTRY: Final = Struct("!BI")
"""Octets of a name, octets of what belongs to it; 0 names end a list."""

DELTA_MAX_OCTETS: Final = 64 * 1024 * 1024
"""A longer one is damaged: a whole file would have been written instead."""

_MAGIC: Final = b"pabal signed changes 1\n"

_HEAD: Final = Struct("!QIQIQI")
"""The whole file it belongs to; that of the log before, and how far that went."""

_CHECK: Final = Struct("!I")

_FRAME: Final = Struct("!II")
"""Octets of the entry that follows; the CRC-32 of the history up to its end."""

_START: Final = len(_MAGIC) + _HEAD.size + _CHECK.size


class SignedLogError(PabalError):
    """What was to be appended does not follow what is in the log."""


@dataclass(frozen=True, slots=True)
class Base:
    """Which whole file.

    Attributes:
        size: Octets.
        check: CRC-32 of what it holds.
    """

    size: int
    check: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Which version of a zone.

    Attributes:
        base: The whole file it begins with.
        offset: Octets of entries behind it.
        check: CRC-32 of the history up to there.
    """

    base: Base
    offset: int
    check: int

    @classmethod
    def of(cls, base: Base) -> "Mark":
        """Return the version of a whole file."""
        return cls(base, 0, base.check)


@dataclass(frozen=True, slots=True)
class Delta:
    """From one version to the next.

    Attributes:
        gone: Folded names that are no longer there.
        records: Folded name → all packed records it has now.
        spelt: Folded name → as written now, where that was otherwise.
    """

    gone: Sequence[bytes]
    records: Mapping[bytes, bytes]
    spelt: Mapping[bytes, bytes]

    def encode(self) -> bytes:
        """Return it as octets."""
        gone = dict.fromkeys(self.gone, b"")
        return b"".join(
            piece
            for pairs in (gone, self.records, self.spelt)
            for piece in encoded(pairs.items())
        )


def encoded(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield names and what belongs to them as octets, piece by piece."""
    for name, value in pairs:
        yield ENTRY.pack(len(name), len(value)) + name + value
    yield ENTRY.pack(0, 0)


def delta_of(old: Zone, new: Zone) -> Delta:
    """Return what leads from ``old`` to ``new``; cost: what they do not share."""
    packed, written = new.nodes.packed, new.nodes.written
    names = list(differing(old.nodes.packed, packed))
    return Delta(
        [name for name in names if name not in packed],
        {name: packed[name] for name in names if name in packed},
        {n: written.get(n, n) for n in differing(old.nodes.written, written)},
    )


def applied(zone: Zone, deltas: Sequence[Delta]) -> Zone:
    """Return ``zone`` after ``deltas``; cost: what they change."""
    if not deltas:
        return zone
    nodes = copied(zone.nodes.packed)
    touched: set[bytes] = set()
    spelt: dict[bytes, bytes] = {}
    for delta in deltas:
        for name in delta.gone:
            nodes.pop(name, None)
        nodes.update(delta.records)
        spelt.update(delta.spelt)
        touched.update(delta.gone, delta.records)
    letters = respelt(zone.nodes.written, spelt)
    after = None if zone.denial is None else (zone.denial, touched)
    return served_zone(zone.origin, nodes, letters, zone.derived, after)


def decode(octets: bytes) -> Delta:
    """Return what ``encode`` made ``octets`` of.

    Raises:
        SignedLogError: They are none.
    """
    try:
        gone, at = _pairs(octets, 0)
        records, at = _pairs(octets, at)
        spelt, at = _pairs(octets, at)
    except struct.error as error:
        raise SignedLogError("an entry is cut short") from error
    if at != len(octets):
        raise SignedLogError("an entry is longer than what it holds")
    return Delta(list(gone), records, spelt)


def _pairs(octets: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    found: dict[bytes, bytes] = {}
    while True:
        name_size, size = ENTRY.unpack_from(octets, at)
        at += ENTRY.size
        if not name_size:
            return found, at
        middle = at + name_size
        found[octets[at:middle]] = octets[middle : middle + size]
        at = middle + size


@dataclass(frozen=True, slots=True)
class SignedLog:
    """The log in the folder of a zone, which need not be there."""

    folder: Path

    def follow(self, mark: Mark) -> tuple[Sequence[Delta], Mark]:
        """Return what came after ``mark``, and the version that leads to.

        Nothing, and ``mark`` itself, if no log goes on from there.
        """
        found: list[Delta] = []
        for file in (CHANGES, EARLIER, CHANGES):
            deltas, after = _read(self.folder / file, mark)
            found += deltas
            if file == CHANGES and after is not None:
                return found, after
            mark = after or mark
        return found, mark

    def append(self, mark: Mark, delta: bytes) -> Mark:
        """Write an encoded change of the version ``mark``; return when it is on disk.

        Returns:
            The version after it.

        Raises:
            SignedLogError: There is something behind ``mark``, or another history.
            OSError: Nothing was added.
        """
        path = self.folder / CHANGES
        if not mark.offset and _base_of(path) != mark.base:
            self.begin(mark.base, None)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            head = _header(os.pread(descriptor, _START, 0))
            end = _START + mark.offset
            if (
                head is None
                or head[0] != mark.base
                or os.fstat(descriptor).st_size != end
            ):
                raise SignedLogError("the log is not where it was left")
            check = zlib.crc32(delta, mark.check)
            _append(descriptor, end, _FRAME.pack(len(delta), check) + delta)
        finally:
            os.close(descriptor)
        return Mark(mark.base, mark.offset + _FRAME.size + len(delta), check)

    def begin(self, base: Base, after: Mark | None) -> None:
        """Put an empty log of ``base`` in place, durably; raises OSError.

        Args:
            after: The version that ``base`` holds, as those know it who followed the
                log before; ``None``: it is not in that.
        """
        path, earlier = self.folder / CHANGES, self.folder / EARLIER
        earlier.unlink(missing_ok=True)
        if after is not None:
            with contextlib.suppress(FileNotFoundError):
                earlier.hardlink_to(path)
        last = after or Mark(Base(0, 0), 0, 0)
        head = _MAGIC + _HEAD.pack(
            base.size, base.check, last.base.size, last.base.check, last.offset,
            last.check,
        )  # fmt: skip
        write_file(path, head + _CHECK.pack(zlib.crc32(head)), MODE)

    def remove(self) -> None:
        """Let there be none; raises OSError."""
        there = [
            path for file in (CHANGES, EARLIER) if (path := self.folder / file).exists()
        ]
        for path in there:
            path.unlink(missing_ok=True)
        if there:
            fsync_directory(self.folder)


def _append(descriptor: int, end: int, data: bytes) -> None:
    """Write ``data`` behind ``end``, durably, or nothing; raises OSError."""
    try:
        view, written = memoryview(data), 0
        while written < len(data):
            written += os.pwrite(descriptor, view[written:], end + written)
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, end)
        raise


def _header(octets: bytes) -> tuple[Base, Mark] | None:
    """Return whose log it is, and the version that begins with; ``None``: none."""
    head = octets[: _START - _CHECK.size]
    if len(octets) < _START or not head.startswith(_MAGIC):
        return None
    if _CHECK.unpack_from(octets, len(head))[0] != zlib.crc32(head):
        return None
    size, check, *last = _HEAD.unpack_from(head, len(_MAGIC))
    return Base(size, check), Mark(Base(last[0], last[1]), last[2], last[3])


def _base_of(path: Path) -> Base | None:
    try:
        with path.open("rb") as stream:
            head = _header(stream.read(_START))
    except OSError:
        return None
    return None if head is None else head[0]


def _read(path: Path, mark: Mark) -> tuple[Sequence[Delta], Mark | None]:
    """Return what the log at ``path`` has after ``mark``; ``None``: it has no mark."""
    try:
        with path.open("rb") as stream:
            head = _header(stream.read(_START))
            if head is None:
                return (), None
            base, begin = head
            if begin == mark:
                mark = Mark.of(base)
            if mark.base != base or os.fstat(stream.fileno()).st_size < (
                _START + mark.offset
            ):
                return (), None
            stream.seek(_START + mark.offset)
            return _entries(stream.read(), mark)
    except OSError:
        return (), None


def _entries(data: bytes, mark: Mark) -> tuple[Sequence[Delta], Mark]:
    found: list[Delta] = []
    at, check = 0, mark.check
    while at + _FRAME.size <= len(data):
        size, after = _FRAME.unpack_from(data, at)
        octets = data[at + _FRAME.size : at + _FRAME.size + size]
        if size > DELTA_MAX_OCTETS or len(octets) < size:
            break
        if zlib.crc32(octets, check) != after:
            break
        try:
            found.append(decode(octets))
        except SignedLogError:
            break
        at, check = at + _FRAME.size + size, after
    return found, Mark(mark.base, mark.offset + at, check)
