"""Connections to the file of one account.

Three connections at most, opened when first needed: one that writes (threads, one at a
time), one for point reads (the event loop), one for scans (threads, one at a time).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from pabal.base.atomic import fsync_directory
from pabal.base.errors import UnavailableError
from pabal.base.sqlite import WriteAheadLog, close_connection, errors, unwritten
from pabal.store.sqlite.lock import alone
from pabal.store.sqlite.schema import is_current, migrate

FILE_NAME: Final = "mailbox.db"
OPENING_LOCK: Final = "opening.lock"

BUSY_TIMEOUT_MS: Final = 10_000
"""How long a writer waits for another process; a batch takes milliseconds."""

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
        log: What the writing connection wrote and may not be on disk.
    """

    __slots__ = (
        *("_reader", "_retired", "_scan_lock", "_scanner", "_writer"),
        *("directory", "log"),
    )

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._reader: apsw.Connection | None = None
        self._scanner: apsw.Connection | None = None
        self._writer: apsw.Connection | None = None
        self.log = WriteAheadLog(directory / FILE_NAME)
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
            # From here on who writes waits for the log itself.
            self.log.attach(connection)
        return self._writer

    def is_quick(self, connection: apsw.Connection) -> bool:
        """Return whether a commit on ``connection`` does not wait for the disk."""
        return connection is self._writer and self.log.is_quick

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
        self.log.make_room()
        return True

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
        self.log.let_go()
        if self._writer is not None:
            close_connection(self._writer, in_doubt=self.log.in_doubt)
            self._writer = None

    def detach(self) -> Callable[[], None]:
        """Forget every connection; return how to close them, which may take a while.

        The next use opens new ones. Nothing may be using the old ones.
        """
        old = self._reader, self._scanner, self._writer
        self._reader = self._scanner = self._writer = None
        return self.log.detach(*old)

    def close(self) -> None:
        """Close every connection; the next use opens them again."""
        with self._scan_lock:
            self.detach()()

    def _check(self) -> None:
        if self._retired:
            raise UnavailableError("the account was removed")

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
            fsync_directory(self.directory.parent)
            fsync_directory(self.directory.parent.parent)
        except OSError as error:
            raise unwritten(error) from error


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
        f"mmap_size = {MAPPED_OCTETS}",
        f"cache_size = -{READ_CACHE_KIB if query_only else CACHE_KIB}",
        "temp_store = MEMORY",
        f"query_only = {query_only}",
        "shrink_memory",  # a cache of the size there was before
    ):
        connection.execute(f"PRAGMA {pragma}", can_cache=False)
    return connection
