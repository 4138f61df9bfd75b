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
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

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

DELTA_MAX_OCTETS: Final = 16 * 1024 * 1024
"""Of one change: of more a whole file is written, which is read in small steps, while
to make this one, and to apply it, has some that take as long as it is."""

READ_MAX_OCTETS: Final = 64 * 1024 * 1024
"""A longer one is damaged: earlier versions of this program wrote such."""

JOINED_ENTRIES: Final = 256
"""Entries of one piece: some 200 KB."""

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

    def encode(self) -> list[bytes]:
        """Return it as octets, in pieces: one of many megabytes takes long to make."""
        gone = dict.fromkeys(self.gone, b"")
        entries = (
            entry
            for pairs in (gone, self.records, self.spelt)
            for entry in encoded(pairs.items())
        )
        return list(joined(entries))


def encoded(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield names and what belongs to them as octets, piece by piece."""
    for name, value in pairs:
        yield ENTRY.pack(len(name), len(value)) + name + value
    yield ENTRY.pack(0, 0)


def joined(entries: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same octets in longer pieces."""
    source = iter(entries)
    while some := b"".join(islice(source, JOINED_ENTRIES)):
        yield some


def delta_of(old: Zone, new: Zone, most: int = DELTA_MAX_OCTETS) -> Delta | None:
    """Return what leads from ``old`` to ``new``; cost: what they do not share.

    ``None``: encoded, it would have more than ``most`` octets. That is soon known: a
    million names that all differ are not even looked through.
    """
    packed, written = new.nodes.packed, new.nodes.written
    gone: list[bytes] = []
    records: dict[bytes, bytes] = {}
    octets = 0
    for name in differing(old.nodes.packed, packed):
        now = packed.get(name)
        if now is None:
            gone.append(name)
        else:
            records[name] = now
        octets += ENTRY.size + len(name) + len(now or b"")
        if octets > most:
            return None
    spelt: dict[bytes, bytes] = {}
    for name in differing(old.nodes.written, written):
        spelt[name] = written.get(name, name)
        octets += ENTRY.size + 2 * len(name)
        if octets > most:
            return None
    return Delta(gone, records, spelt)


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

    def append(self, mark: Mark, delta: Sequence[bytes]) -> Mark:
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
            check, size = mark.check, sum(map(len, delta))
            for piece in delta:
                check = zlib.crc32(piece, check)
            _append(descriptor, end, (_FRAME.pack(size, check), *delta))
        finally:
            os.close(descriptor)
        return Mark(mark.base, mark.offset + _FRAME.size + size, check)

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


def _append(descriptor: int, end: int, pieces: Iterable[bytes]) -> None:
    """Write ``pieces`` behind ``end``, durably, or nothing; raises OSError."""
    try:
        at = end
        for piece in pieces:
            view = memoryview(piece)
            while view:
                written = os.pwrite(descriptor, view, at)
                view, at = view[written:], at + written
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
            return _entries(stream, mark)
    except OSError:
        return (), None


def _entries(stream: BinaryIO, mark: Mark) -> tuple[Sequence[Delta], Mark]:
    found: list[Delta] = []
    at, check = 0, mark.check
    while len(frame := stream.read(_FRAME.size)) == _FRAME.size:
        size, after = _FRAME.unpack(frame)
        if size > READ_MAX_OCTETS:
            break
        octets = stream.read(size)
        if len(octets) < size:
            break
        if zlib.crc32(octets, check) != after:
            break
        try:
            found.append(decode(octets))
        except SignedLogError:
            break
        at, check = at + _FRAME.size + size, after
    return found, Mark(mark.base, mark.offset + at, check)
