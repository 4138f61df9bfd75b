"""The file that dynamic updates of one zone are appended to.

No sockets, no threads. Several processes read it, whoever holds its lock writes; a
process that dies lets go of the lock. What is half written at its end is not there.
Source: RFC 2136 §7.3 (stable storage before the answer), RFC 1995 §4 (differences).
"""

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Final

from pabal.base.atomic import fsync_directory, write_file
from pabal.base.errors import PabalError
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.history import Change
from pabal.dns.zone.overlay import Patch
from pabal.dns.zone.packed import pack, walk
from pabal.dns.zone.tree import Key

SUFFIX: Final = ".journal"

_MAGIC: Final = b"pabal journal 1\n"

_FRAME: Final = Struct("!II")
"""Octets of the entry that follows, and their CRC-32."""

ENTRY_MAX_OCTETS: Final = 64 * 1024 * 1024
"""An entry is one update, 64 KiB at most, or all that updates changed in one zone. What
would be longer is left in the pieces it came in."""

COMPACT_OCTETS: Final = 1024 * 1024
"""A journal is written anew, short, when it is longer than this and four times as long
as it has to be."""

_LONG: Final = Struct("!I")
_PATCH: Final = Struct("!HI?")
"""Type, TTL, whether nothing stays."""

MODE: Final = 0o600


class JournalError(PabalError):
    """A journal is not what it should be; says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a zone.

    Attributes:
        change: What led to it; ``None``: not known, or it is where this file begins.
        patches: The patches that are other ones from here on.
        soa: The SOA of this version.
        plain: Digest of what it lies on (``overlay.digest_of``).
    """

    change: Change | None
    patches: Mapping[Key, Patch]
    soa: RRset
    plain: bytes


Position = tuple[int, int]
"""Inode and offset up to which a journal was read; another inode is another file."""

NOWHERE: Final[Position] = (0, 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        entries: What came since the position asked for; from the beginning if
            ``is_anew``.
        position: Where to go on.
        end: Where the file ended; behind ``position`` there is what is not finished.
        is_anew: The file is another one than before.
    """

    entries: tuple[Entry, ...]
    position: Position
    end: Position
    is_anew: bool


class JournalFile:
    """The journal at ``path``, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def read(self, since: Position) -> Reading:
        """Return what came after ``since``.

        Raises:
            JournalError: The file is no journal or is damaged.
            OSError: It cannot be read.
        """
        try:
            with self.path.open("rb") as stream:
                inode = os.fstat(stream.fileno()).st_ino
                is_anew = inode != since[0]
                start = 0 if is_anew else since[1]
                stream.seek(start)
                data = stream.read()
        except FileNotFoundError:
            return Reading((), NOWHERE, NOWHERE, since != NOWHERE)
        entries, used = self._entries(data, whole=start == 0)
        end = (inode, start + len(data))
        return Reading(tuple(entries), (inode, start + used), end, is_anew)

    def position(self) -> Position:
        """Return inode and size now; ``NOWHERE`` if there is no file."""
        try:
            status = self.path.stat()
        except OSError:
            return NOWHERE
        return status.st_ino, status.st_size

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing; waits for whoever does.

        Raises:
            OSError: The file cannot be opened or made.
        """
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whoever had the lock may have put a new file in this one's place.
                if os.fstat(descriptor).st_ino == self.position()[0]:
                    self._descriptor = descriptor
                    yield
                    return
            finally:
                self._descriptor = -1
                os.close(descriptor)

    def append(
        self, position: Position, entries: Sequence[Entry], *, lasting: bool = True
    ) -> Position:
        """Write ``entries`` behind ``position`` and return once they are on disk.

        Only while it is locked, and everything before was read: what stands behind
        was never finished.

        Args:
            lasting: Whether they must outlive the machine; else nobody waits.

        Raises:
            OSError: Nothing was added.
        """
        descriptor = self._descriptor
        start = position[1] if position[0] == os.fstat(descriptor).st_ino else 0
        data = b"".join(_framed(entry) for entry in entries)
        if not start:
            data = _MAGIC + data
        try:
            os.ftruncate(descriptor, start)
            view = memoryview(data)
            written = 0
            while written < len(data):
                written += os.pwrite(descriptor, view[written:], start + written)
            if lasting:
                os.fsync(descriptor)
        except OSError:
            # No room: those who read must not find what nobody was promised.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, start)
            raise
        if not start and lasting:
            fsync_directory(self.path.parent)
        return os.fstat(descriptor).st_ino, start + len(data)

    def compact(
        self, position: Position, shorter: Callable[[], Sequence[Entry]]
    ) -> Position:
        """Put a file with the entries ``shorter`` returns in place, if that is time.

        Only while it is locked.

        Returns:
            Its end; ``position`` if it is short enough as it is.

        Raises:
            OSError: The old file stays.
        """
        if position[1] < COMPACT_OCTETS:
            return position
        entries = [_framed(entry) for entry in shorter()]
        data = _MAGIC + b"".join(entries)
        longest = max(map(len, entries), default=0)
        if position[1] < 4 * len(data) or longest > ENTRY_MAX_OCTETS:
            return position
        write_file(self.path, data, MODE)
        return self.position()

    def _entries(self, data: bytes, *, whole: bool) -> tuple[list[Entry], int]:
        """Return the entries in ``data`` and how many octets they take."""
        at = 0
        if whole:
            if not data.startswith(_MAGIC):
                if _MAGIC.startswith(data):
                    return [], 0
                raise JournalError(f"{self.path} is no journal")
            at = len(_MAGIC)
        found = []
        while at + _FRAME.size <= len(data):
            size, check = _FRAME.unpack_from(data, at)
            if size > ENTRY_MAX_OCTETS:
                # Taken for one not finished yet, it would be written over.
                raise JournalError(f"{self.path} is damaged at octet {at}")
            end = at + _FRAME.size + size
            octets = data[at + _FRAME.size : end]
            if len(octets) < size:
                break
            if zlib.crc32(octets) != check:
                if end < len(data):
                    raise JournalError(f"{self.path} is damaged at octet {at}")
                break
            found.append(decode(octets))
            at = end
        return found, at


def _framed(entry: Entry) -> bytes:
    octets = encode(entry)
    return _FRAME.pack(len(octets), zlib.crc32(octets)) + octets


def encode(entry: Entry) -> bytes:
    """Return ``entry`` as octets."""
    change = entry.change
    parts = [
        entry.plain,
        _sets([entry.soa]),
        _sets([] if change is None else [change.before]),
        _sets([] if change is None else change.removed),
        _sets([] if change is None else change.added),
        _LONG.pack(len(entry.patches)),
    ]
    for (_, rdtype), patch in entry.patches.items():
        parts += [
            _string(patch.owner),
            _PATCH.pack(rdtype, patch.ttl_s, patch.cleared),
            _string(patch.base),
            _records(rdtype, sorted(patch.removed)),
            _records(rdtype, patch.added),
        ]
    return _string(parts[0]) + b"".join(parts[1:])


def _string(octets: bytes) -> bytes:
    return bytes((len(octets),)) + octets


def _records(rdtype: int, rdatas: Sequence[bytes], ttl_s: int = 0) -> bytes:
    octets = b"".join(pack(rdtype, ttl_s, 0, rdata) for rdata in rdatas)
    return _LONG.pack(len(octets)) + octets


def _sets(rrsets: Sequence[RRset]) -> bytes:
    return _LONG.pack(len(rrsets)) + b"".join(
        _string(rrset.owner) + _records(rrset.rdtype, rrset.rdatas, rrset.ttl_s)
        for rrset in rrsets
    )


def decode(octets: bytes) -> Entry:
    """Return the entry that ``encode`` made ``octets`` of.

    Raises:
        JournalError: They are none.
    """
    try:
        return _Decoder(octets).entry()
    except (IndexError, ValueError, struct.error) as error:
        raise JournalError(f"an entry cannot be read: {error}") from error


class _Decoder:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def entry(self) -> Entry:
        plain = self._string()
        soa, before, removed, added = (self._sets() for _ in range(4))
        change = Change(before[0], soa[0], removed, added) if before else None
        patches = dict(self._patch() for _ in range(self._long()))
        return Entry(change, patches, soa[0], plain)

    def _take(self, size: int) -> bytes:
        taken = self._octets[self._at : self._at + size]
        if len(taken) != size:
            raise ValueError("it is too short")
        self._at += size
        return taken

    def _long(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def _string(self) -> bytes:
        return self._take(self._take(1)[0])

    def _records(self) -> list[tuple[int, int, int, bytes]]:
        return list(walk(self._take(self._long())))

    def _sets(self) -> tuple[RRset, ...]:
        return tuple(self._set() for _ in range(self._long()))

    def _set(self) -> RRset:
        owner = self._string()
        records = self._records()
        rdtype, ttl_s, _, _ = records[0]
        return RRset(owner, rdtype, ttl_s, tuple(record[3] for record in records))

    def _patch(self) -> tuple[Key, Patch]:
        owner = self._string()
        rdtype, ttl_s, cleared = _PATCH.unpack(self._take(_PATCH.size))
        base = self._string()
        removed = frozenset(record[3] for record in self._records())
        added = tuple(record[3] for record in self._records())
        patch = Patch(owner, base, ttl_s, removed, added, cleared)
        return (owner.lower(), rdtype), patch
