"""What those who write SQLite databases share: errors, and the log they wait for.

A commit of ours does not wait for the disk (synchronous=NORMAL): whoever promised
something waits for the log (sqlite.org/wal.html) himself, and this module knows it: how
long it is, whether it is on disk, and what to do when it cannot be written.

The rule after a sync that failed: **nothing is promised before the log was written anew
and synced.** The kernel says once that it could not write and from then on takes the
pages for clean, whether they are on disk, in memory only, or gone (fsync(2)). Frames
committed behind them would be synced and told of, and a crash would lose them all the
same: SQLite reads a log up to the first frame that is not right. Moving the log into
the file (a checkpoint) does not help: it copies what the frames are now and checks no
checksum. So, while nobody can append (we have SQLite's lock for writing):

- every frame is read and checked against the log's checksums, to the one the index of
  the log calls the last; the same octets are written again, which makes them dirty, and
  synced. Then the log is what it was, and on disk;
- if a frame is not what was written, the index is made invalid. Every process then
  makes it anew from the frames that are right (walformat, §4), as after a crash. What
  is lost was not promised: each of those that waited for it was told that it failed.

Until one of the two worked, writes fail. A file beside the database says that it is in
doubt, for other processes and for us when we come back after a crash.
"""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import apsw

from pabal.base.errors import StorageFullError, UnavailableError

INLINE_OCTETS: Final = 128 * 1024
"""Octets of messages one transaction on the event loop writes: below 2 ms."""

CHECKPOINT_PAGES: Final = 2_000
"""Pages of log before a writer moves them into the file: 8 MB."""

LOG_MAX_OCTETS: Final = 32 * 1024 * 1024
"""The log file is cut back to this after a large transaction."""

FRAME_OCTETS: Final = 4_096 + 24
"""What a page takes in the log (sqlite.org/fileformat2, §4.1)."""

ROOM_FROM_PAGES: Final = 64
"""Pages of log from which on room is made ahead: a database with some traffic."""

ROOM_OCTETS: Final = 1024 * 1024
"""Room made ahead: some forty messages; writing it takes below 1 ms."""

MENDINGS_MAX: Final = 2
"""Looks at a log in doubt: one more after its index was made anew."""

NO_FILE: Final = -1
"""Instead of a descriptor: nothing has to be waited for."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a system says that has no room."""

_NOT_WRITTEN: Final = frozenset(
    {
        apsw.SQLITE_IOERR_WRITE,
        apsw.SQLITE_IOERR_TRUNCATE,
        apsw.SQLITE_IOERR_SHMSIZE,
        apsw.SQLITE_IOERR_SHMOPEN,
    }
)
"""What SQLite says of a quota that is used up, or of no room beside the database."""

# sqlite.org/fileformat2, §4.1: all fields are big-endian, but the checksum adds words
# in the order of octets that the magic number tells.
_HEADER: Final = struct.Struct(">IIIIIIII")
_FRAME: Final = struct.Struct(">IIIIII")
_MAGIC: Final = {0x377F0682: "<II", 0x377F0683: ">II"}
_WORD: Final = 0xFFFF_FFFF

# sqlite.org/walformat, §2.1: the machine's order, salts as they are in the log.
_INDEX: Final = struct.Struct("=12xBxHIIII8s8x")
_INDEX_COPIES_OCTETS: Final = 2 * _INDEX.size


class errors:  # noqa: N801 (reads like a function, and is faster than one)
    """A context that raises SQLite's errors as this program's.

    Raises:
        StorageFullError: No room.
        UnavailableError: Locked too long, unreadable, damaged.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Translate what was raised, if it is SQLite's."""
        if isinstance(error, apsw.Error):
            if isinstance(error, apsw.FullError) or (
                getattr(error, "extendedresult", 0) in _NOT_WRITTEN
            ):
                raise StorageFullError(f"no room in the database: {error}") from error
            raise UnavailableError(f"database: {error!r}") from error


def unwritten(error: OSError) -> UnavailableError:
    """Return what it means that a database or its directory cannot be written."""
    if error.errno in _NO_ROOM:
        return StorageFullError(f"no room in the database: {error}")
    return UnavailableError(f"database cannot be written: {error}")


class WriteAheadLog:
    """The log of one database, for the connection that writes.

    Its file stays the same one as long as that is open: the last connection to close
    removes it, and that cannot be another one. SQLite itself syncs the directory it is
    in, with the log's first octets.

    Args (of the constructor):
        database: The file the log belongs to.

    Attributes:
        descriptor: The log's file, ``NO_FILE`` before the first ``sync``.
        pages: How long the log is after our last commit.
    """

    __slots__ = ("_database", "_in_doubt", "_index", "_room", "descriptor", "pages")

    def __init__(self, database: Path) -> None:
        self._database = str(database)  # thousands are kept; a Path is three times that
        self._room = 0
        self._index = NO_FILE
        self._in_doubt = False
        self.descriptor = NO_FILE
        self.pages = 0

    @property
    def in_doubt(self) -> bool:
        """Whether the disk may lack what the log has."""
        return self._in_doubt

    @property
    def is_quick(self) -> bool:
        """Whether a commit does not wait for the disk, nor for anything else."""
        return (
            self.descriptor != NO_FILE
            and self.pages < CHECKPOINT_PAGES
            and not self._in_doubt
        )

    def attach(self, connection: apsw.Connection) -> None:
        """Have ``connection`` leave waiting for the disk to us."""
        for pragma in (
            "synchronous = NORMAL",
            "wal_autocheckpoint = 0",
            f"journal_size_limit = {LOG_MAX_OCTETS}",
        ):
            connection.execute(f"PRAGMA {pragma}", can_cache=False)
        connection.set_wal_hook(self._note)
        self._in_doubt |= self._doubt.exists()

    def sync(self) -> None:
        """Wait until everything committed is on disk.

        Raises:
            StorageFullError: There is no room for it.
            UnavailableError: The disk fails.
        """
        try:
            self._open()
            os.fdatasync(self.descriptor)
        except OSError as error:
            raise self.failed(error) from error

    def failed(self, error: OSError) -> UnavailableError:
        """Take note that a sync of the log failed; return what that means."""
        self._in_doubt = True
        with suppress(OSError):  # the disk may be full: then we know it, others do not
            self._doubt.touch(0o600)
        return unwritten(error)

    def prepare(self, connection: apsw.Connection) -> None:
        """Mend a log in doubt, and move a long one into the file.

        Called on a thread, before a transaction.

        Raises:
            UnavailableError: The log is in doubt and could not be mended.
            apsw.Error: SQLite cannot do it.
        """
        if self._in_doubt:
            self._mend(connection)
        if self.pages >= CHECKPOINT_PAGES:
            try:
                connection.wal_checkpoint()
            except apsw.BusyError:
                pass  # another process is at it
            except apsw.IOError as error:
                # Its sync may have been told what ours will not be told again.
                self.failed(OSError(errno.EIO, str(error)))
                raise

    def make_room(self) -> None:
        """Make the log's file longer ahead of what is written; nobody else writes now.

        Waiting for octets inside a file costs less than for those that make it longer:
        those also wait for the file system's own log. (So do those in space that was
        only reserved.) Of messages one behind the other each takes 451 instead of 517
        microseconds; where many share a sync nothing is gained. What is behind the
        last frame SQLite takes for the end (sqlite.org/fileformat2, §4.2).
        """
        if self.pages < ROOM_FROM_PAGES:
            return
        needed = self.pages * FRAME_OCTETS + ROOM_OCTETS // 4
        if self.descriptor == NO_FILE or needed <= self._room:
            return
        try:
            self._room = os.fstat(self.descriptor).st_size
            if self._room < needed:
                os.pwrite(self.descriptor, bytes(ROOM_OCTETS), self._room)
                self._room += ROOM_OCTETS
        except OSError:
            # No room: SQLite finds out itself. Not tried again with this file.
            self._room = LOG_MAX_OCTETS

    def let_go(self) -> None:
        """Close the log's file; whether it is in doubt is not forgotten."""
        if self.descriptor != NO_FILE:
            os.close(self.descriptor)
        self.descriptor, self.pages, self._room = NO_FILE, 0, 0

    def detach(self, *connections: apsw.Connection | None) -> Callable[[], None]:
        """Forget the log's file; return what closes ``connections`` for good.

        The last one of a database to be closed moves the log into the file: not one
        that is in doubt. Call it with every connection there is to the database.
        """
        self.let_go()
        in_doubt = self._in_doubt
        index, self._index = self._index, NO_FILE

        def close() -> None:
            for connection in connections:
                if connection is not None:
                    close_connection(connection, in_doubt=in_doubt)
            if index != NO_FILE:
                os.close(index)

        return close

    @property
    def _doubt(self) -> Path:
        """The file that tells others."""
        return Path(f"{self._database}-doubt")

    def _note(self, _: apsw.Connection, __: str, pages: int) -> int:
        """Take note of the log's length after a commit (sqlite.org/c3ref/wal_hook)."""
        self.pages = pages
        return apsw.SQLITE_OK

    def _open(self) -> None:
        if self.descriptor == NO_FILE:
            self.descriptor = os.open(f"{self._database}-wal", os.O_RDWR | os.O_CLOEXEC)

    def _mend(self, connection: apsw.Connection) -> None:
        """Write the log anew, so that it is on disk; see above."""
        try:
            for _ in range(MENDINGS_MAX):
                with _write_lock(connection):
                    self._open()
                    index = self._open_index()
                    try:
                        _rewrite(self.descriptor, index)
                    except _DamagedError:
                        os.pwrite(index, bytes(_INDEX_COPIES_OCTETS), 0)
                        continue
                    os.fdatasync(self.descriptor)
                    self._doubt.unlink(missing_ok=True)
                    self._in_doubt = False
                    return
        except OSError as error:
            raise self.failed(error) from error
        raise UnavailableError("the log of a database was damaged while it was written")

    def _open_index(self) -> int:
        """Return the file of the log's index.

        It stays open as long as SQLite may use it: closing any descriptor of a file
        gives up all locks this process has on it (fcntl(2)), SQLite's among them.
        """
        path = Path(f"{self._database}-shm")
        if self._index == NO_FILE:
            self._index = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        elif not os.path.samestat(os.fstat(self._index), path.stat()):
            # All connections were closed meanwhile: nobody uses that one any more.
            old, self._index = self._index, os.open(path, os.O_RDWR | os.O_CLOEXEC)
            os.close(old)
        return self._index


def close_connection(connection: apsw.Connection, *, in_doubt: bool) -> None:
    """Close ``connection``; a log in doubt is left as it is."""
    if in_doubt:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close(force=True)


@contextmanager
def _write_lock(connection: apsw.Connection) -> Iterator[None]:
    """Keep everybody from appending to the log."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


class _DamagedError(Exception):
    """A frame of the log is not what was written."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the index says of the log.

    Attributes:
        ready: Whether there is an index.
        page_octets: Size of a page.
        frames: How many frames count.
        sums: Checksum up to the last of them.
        salts: Of this round of the log.
    """

    ready: int
    page_octets: int
    frames: int
    sums: tuple[int, int]
    salts: bytes


def _shape(index: int) -> _Shape:
    octets = os.pread(index, _INDEX.size, 0)
    ready, page_octets, frames, _, first, second, salts = _INDEX.unpack(octets)
    page_octets = 65_536 if page_octets == 1 else page_octets
    return _Shape(ready, page_octets, frames, (first, second), salts)


def _rewrite(log: int, index: int) -> None:
    """Write the frames of a log again, each once it was found right.

    Cost: 20 ns an octet, for the sums; the log has some megabytes at most, and this is
    done when a disk failed.

    Raises:
        _DamagedError: One is not right, or the index is not.
        OSError: It cannot be read or written.
    """
    shape = _shape(index)
    if shape.ready and not shape.frames:
        return  # everything is in the file; the next commit begins the log anew
    header = os.pread(log, _HEADER.size, 0)
    _check(shape.ready and len(header) == _HEADER.size)
    magic, _, _, _, _, _, *rest = _HEADER.unpack(header)
    _check(header[16:24] == shape.salts and magic in _MAGIC)
    words = struct.Struct(_MAGIC[magic])
    sums = _summed(words, header[:24], (0, 0))
    _check(sums == tuple(rest))
    os.pwrite(log, header, 0)
    size = _FRAME.size + shape.page_octets
    for place in range(_HEADER.size, _HEADER.size + shape.frames * size, size):
        frame = os.pread(log, size, place)
        _check(len(frame) == size and frame[8:16] == shape.salts)
        sums = _summed(words, frame[:8] + frame[_FRAME.size :], sums)
        _check(sums == _FRAME.unpack_from(frame)[4:])
        os.pwrite(log, frame, place)
    _check(sums == shape.sums)


def _check(condition: object) -> None:
    if not condition:
        raise _DamagedError


def _summed(
    words: struct.Struct, octets: bytes, sums: tuple[int, int]
) -> tuple[int, int]:
    """Return the checksum of a log, carried on (sqlite.org/fileformat2, §4.2)."""
    first, second = sums
    for one, other in words.iter_unpack(octets):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return first, second
