"""Connections to the file of one account, and what SQLite's errors mean.

Three connections at most, opened when first needed: one that writes (threads, one at a
time), one for point reads (the event loop), one for scans (threads, one at a time).
"""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import apsw

from pabal.base.atomic import fsync_directory
from pabal.base.errors import StorageFullError, UnavailableError
from pabal.store.sqlite.lock import alone
from pabal.store.sqlite.schema import is_current, migrate

FILE_NAME: Final = "mailbox.db"
OPENING_LOCK: Final = "opening.lock"

BUSY_TIMEOUT_MS: Final = 10_000
"""How long a writer waits for another process; a batch takes milliseconds."""

CHECKPOINT_PAGES: Final = 2_000
"""Pages of log before a writer moves them into the file: 8 MB."""

LOG_MAX_OCTETS: Final = 32 * 1024 * 1024
"""The log file is cut back to this after a large transaction."""

FRAME_OCTETS: Final = 4_096 + 24
"""What a page takes in the log (sqlite.org/fileformat2, §4.1)."""

ROOM_FROM_PAGES: Final = 64
"""Pages of log from which on room is made ahead: an account with some traffic."""

ROOM_OCTETS: Final = 1024 * 1024
"""Room made ahead: some forty messages; writing it takes below 1 ms."""

MAPPED_OCTETS: Final = 1 << 30
"""Of the file, how much is read through a mapping: address space, not memory."""

CACHE_KIB: Final = 1_024
"""Page cache of a connection that writes."""

READ_CACHE_KIB: Final = 32
"""Page cache of one that reads: only pages of the log are in it, the file is mapped."""

STATEMENTS_MAX: Final = 64
"""Prepared statements a connection keeps."""

_DIRECTORY_MODE: Final = 0o700


class Database:
    """The connections of one account.

    Attributes:
        directory: Where the file and the locks are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._reader: apsw.Connection | None = None
        self._scanner: apsw.Connection | None = None
        self._writer: apsw.Connection | None = None
        self._log = -1
        self._log_pages = 0
        self._log_room = 0
        self._scan_lock = threading.Lock()
        self._retired = False

    @property
    def is_open(self) -> bool:
        """Whether there is any connection."""
        return any((self._reader, self._scanner, self._writer))

    def is_ready(self) -> bool:
        """Return whether file, tables and the account in them are there and current.

        Raises:
            TooNewError: The file is newer than this program.
            UnavailableError: It cannot be read.
        """
        if not (self.directory / FILE_NAME).exists():
            return False
        with errors():
            if not is_current(self.reader()):
                return False
            return bool(self.reader().execute("SELECT 1 FROM account").fetchall())

    def writer(self) -> apsw.Connection:
        """Return the connection that writes; makes file and tables when missing."""
        if self._writer is None:
            self._check()
            if not self.directory.is_dir():
                self._make_directory()
            connection = _connect(self.directory / FILE_NAME)
            self._writer = connection
            migrate(connection)
            # From here on who writes waits for the log itself: ``sync_log``.
            connection.execute("PRAGMA synchronous = NORMAL", can_cache=False)
            connection.set_wal_hook(self._note_log)
        return self._writer

    def is_quick(self, connection: apsw.Connection) -> bool:
        """Return whether a commit on ``connection`` does not wait for the disk."""
        return (
            connection is self._writer
            and self._log >= 0
            and self._log_pages < CHECKPOINT_PAGES
        )

    def try_begin(self) -> bool:
        """Begin a transaction that writes; return ``False`` if another process does."""
        connection = self.writer()
        connection.set_busy_timeout(0)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        finally:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        if self._log_pages >= ROOM_FROM_PAGES:
            self._make_room()
        return True

    @property
    def log_descriptor(self) -> int:
        """The log's file, once ``is_quick``: for whoever waits for it himself."""
        return self._log

    def sync_log(self) -> None:
        """Wait until everything committed is on disk.

        The log's file stays the same one as long as the writing connection is open: the
        last connection to close removes it, and that cannot be another one.

        Raises:
            StorageFullError: The disk refuses to write.
        """
        try:
            if self._log < 0:
                path = self.directory / f"{FILE_NAME}-wal"
                self._log = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            os.fdatasync(self._log)
        except OSError as error:
            raise unwritten(error) from error

    def shorten_log(self) -> None:
        """Move a log that became long into the file; the next commit starts it anew.

        Another process that is at it already does the same.
        """
        if self._writer is not None and self._log_pages >= CHECKPOINT_PAGES:
            with suppress(apsw.BusyError):
                self._writer.wal_checkpoint()

    def reader(self) -> apsw.Connection:
        """Return the event loop's connection; the file must be there."""
        if self._reader is None:
            self._check()
            self._reader = _connect(self.directory / FILE_NAME, query_only=True)
        return self._reader

    @contextmanager
    def scanner(self) -> Iterator[apsw.Connection]:
        """Lend the connection for scans to a thread."""
        with self._scan_lock:
            if self._scanner is None:
                self._check()
                self._scanner = _connect(self.directory / FILE_NAME, query_only=True)
            yield self._scanner

    def retire(self) -> None:
        """Never open again: the account was removed."""
        self._retired = True

    def drop_writer(self) -> None:
        """Close the writing connection: its state is in doubt."""
        self._close_log()
        if self._writer is not None:
            self._writer.close(force=True)
            self._writer = None

    def detach(self) -> Callable[[], None]:
        """Forget every connection; return how to close them, which may take a while.

        The next use opens new ones. Nothing may be using the old ones.
        """
        self._close_log()
        old = [self._reader, self._scanner, self._writer]
        self._reader = self._scanner = self._writer = None

        def close() -> None:
            for connection in old:
                if connection is not None:
                    connection.close(force=True)

        return close

    def close(self) -> None:
        """Close every connection; the next use opens them again."""
        with self._scan_lock:
            self.detach()()

    def _note_log(self, _: apsw.Connection, __: str, pages: int) -> int:
        """Take note of the log's length after a commit (sqlite.org/c3ref/wal_hook)."""
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _make_room(self) -> None:
        """Make the log's file longer ahead of what is written; nobody else writes now.

        Waiting for octets inside a file costs less than for those that make it longer:
        those also wait for the file system's own log. (So do those in space that was
        only reserved.) Of messages one behind the other each takes 451 instead of 517
        microseconds; where many share a sync nothing is gained. What is behind the
        last frame SQLite takes for the end (sqlite.org/fileformat2, §4.2).
        """
        needed = self._log_pages * FRAME_OCTETS + ROOM_OCTETS // 4
        if self._log < 0 or needed <= self._log_room:
            return
        try:
            self._log_room = os.fstat(self._log).st_size
            if self._log_room < needed:
                os.pwrite(self._log, bytes(ROOM_OCTETS), self._log_room)
                self._log_room += ROOM_OCTETS
        except OSError:
            # No room: SQLite finds out itself. Not tried again with this file.
            self._log_room = LOG_MAX_OCTETS

    def _close_log(self) -> None:
        if self._log >= 0:
            os.close(self._log)
        self._log, self._log_pages, self._log_room = -1, 0, 0

    def _check(self) -> None:
        if self._retired:
            raise UnavailableError("the account was removed")

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
            fsync_directory(self.directory.parent)
            fsync_directory(self.directory.parent.parent)
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            kind = StorageFullError if full else UnavailableError
            raise kind(f"cannot make {self.directory}: {error}") from error


def unwritten(error: OSError) -> StorageFullError:
    """Return what it means that the disk does not take what was written."""
    return StorageFullError(f"mailbox cannot be written: {error}")


class errors:  # noqa: N801 (reads like a function, and is faster than one)
    """A context that raises SQLite's errors as this program's.

    Raises:
        StorageFullError: No room, or the disk refuses to write.
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
        if isinstance(error, apsw.FullError | apsw.IOError):
            raise StorageFullError(f"mailbox cannot be written: {error}") from error
        if isinstance(error, apsw.Error):
            raise UnavailableError(f"mailbox database: {error!r}") from error


def _connect(path: Path, *, query_only: bool = False) -> apsw.Connection:
    # While one process turns a new file to its log mode, SQLite tells others at once
    # that it is locked, however patient they are.
    with alone(path.parent / OPENING_LOCK):
        return _connected(path, query_only=query_only)


def _connected(path: Path, *, query_only: bool) -> apsw.Connection:
    # query_only connections are opened writable: readers of a log write its index.
    connection = apsw.Connection(str(path), statementcachesize=STATEMENTS_MAX)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "wal_autocheckpoint = 0",
        f"journal_size_limit = {LOG_MAX_OCTETS}",
        f"mmap_size = {MAPPED_OCTETS}",
        f"cache_size = -{READ_CACHE_KIB if query_only else CACHE_KIB}",
        "temp_store = MEMORY",
        f"query_only = {query_only}",
        "shrink_memory",  # a cache of the size there was before
    ):
        connection.execute(f"PRAGMA {pragma}", can_cache=False)
    return connection
