"""The one writer of a queue database: what waits shares a transaction and an fsync.

A transaction of some short messages takes some hundred microseconds. So it happens on
the event loop, and the kernel waits for the disk behind our back (``base.disk``); what
may take longer happens on a thread as a whole. Nobody holds SQLite's lock while the
disk is waited for, so the processes that accept and the one that sends wait together.

Durability: SQLite is told not to wait for the disk at a commit (synchronous=NORMAL);
this module waits for its log itself, before anybody is told of the commit.
"""

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Protocol, TypeVar

import apsw

from pabal.base.atomic import fsync_directory
from pabal.base.disk import Disk, Done, open_disk
from pabal.base.errors import (
    LocalProtocolError,
    PabalError,
    StorageFullError,
    UnavailableError,
)
from pabal.base.tasks import Batcher, Start, Unsynced
from pabal.mta.queue import rows

INLINE_OCTETS: Final = 128 * 1024
"""Octets of messages one transaction on the event loop writes: below 2 ms."""

CHECKPOINT_PAGES: Final = 2_000
"""Pages of log before they are moved into the file: 8 MB."""

LOG_MAX_OCTETS: Final = 32 * 1024 * 1024
"""The log file is cut back to this after a large transaction."""

BUSY_TRIES_MAX: Final = 30_000
"""How often a thread looks whether another process's transaction is over."""

BUSY_WAIT_S: Final = 0.001
"""Between two looks of a thread, seconds. SQLite's own waits grow to 100 ms: far longer
than our transactions, and three processes that write would mostly sleep."""

BUSY_TRIES_INLINE: Final = 5
"""Looks on the event loop, before a thread waits instead."""

BUSY_WAIT_INLINE_S: Final = 0.0002
"""Between those, seconds: 1 ms in all, less than going to a thread and back costs."""

NO_FILE: Final = -1
"""Instead of a descriptor: nothing has to be waited for."""

_OF_ONE_JOB: Final = (PabalError, apsw.ConstraintError)
"""Failures that say nothing of the other jobs of a batch."""

T = TypeVar("T")
Outcomes = Sequence[BaseException | None]


class _Write(Protocol):
    """What the writer runs."""

    @property
    def durable(self) -> bool:
        """Whether the transaction must be on disk before the answer."""
        ...

    @property
    def octets(self) -> int | None:
        """How much it writes at most; ``None``: it must happen on a thread."""
        ...

    def run(self, connection: apsw.Connection) -> None:
        """Do the work; may be called again after a rollback."""
        ...


class _Job(Generic[T]):
    """A write waiting for its transaction."""

    __slots__ = ("durable", "octets", "result", "work")

    def __init__(
        self,
        work: Callable[[apsw.Connection], T],
        octets: int | None,
        *,
        durable: bool,
    ) -> None:
        self.work = work
        self.octets = octets
        self.durable = durable
        self.result: list[T] = []

    def run(self, connection: apsw.Connection) -> None:
        """Do the work; may be called again after a rollback."""
        self.result = [self.work(connection)]


class _Log:
    """Implements ``Disk``; what needs no disk is done at once."""

    def __init__(self) -> None:
        self._disk: Disk = open_disk()

    def sync(self, descriptor: int, done: Done) -> None:
        """Call ``done`` once what was written to ``descriptor`` so far is on disk."""
        if descriptor == NO_FILE:
            asyncio.get_running_loop().call_soon(done, None)
        else:
            self._disk.sync(descriptor, done)

    def close(self) -> None:
        """Stop; nothing is being synced any more."""
        self._disk.close()


class Writer:
    """Runs writes on one database, in order; used on one event loop.

    Args (of the constructor):
        path: The database, made when it is not there.

    Raises:
        UnavailableError: It cannot be opened.

    Attributes:
        connection: The one that writes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = NO_FILE
        self._log_pages = 0
        self._in_doubt = False
        self._inline = False
        self._thread = ThreadPoolExecutor(1, "queue-write")
        self._disk: Disk | None = None
        self._batcher: Batcher[_Write, None] | None = None
        self.connection = connect(path)
        self.connection.set_busy_handler(self._look_again)
        with errors():
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self.connection.execute("PRAGMA wal_autocheckpoint = 0")
            self.connection.execute(f"PRAGMA journal_size_limit = {LOG_MAX_OCTETS}")
        self.connection.set_wal_hook(self._note_log)

    async def write(
        self,
        work: Callable[[apsw.Connection], T],
        octets: int | None = 0,
        *,
        durable: bool = True,
    ) -> T:
        """Return what ``work`` does inside a transaction, once that is on disk.

        Args:
            work: Called on any thread, perhaps again after a rollback.
            octets: How much it writes at most; ``None``: it may take milliseconds.
            durable: Whether to wait for the disk.

        Raises:
            StorageFullError: No room; nothing was written.
            UnavailableError: Something else is wrong with the database or the disk.
            LocalProtocolError: The work contradicts what is in the database.
        """
        if self._batcher is None:
            self._disk = _Log()
            start: Start[_Write, None] = Start(self._begin, self._disk)
            self._batcher = Batcher(self._run, self._thread, start)
        job = _Job(work, octets, durable=durable)
        await self._batcher.submit(job)
        return job.result[0]

    async def close(self) -> None:
        """Finish what is being written and close."""
        if self._batcher is not None:
            await self._batcher.settle()
        self._thread.shutdown()
        if self._disk is not None:
            self._disk.close()
        self.connection.close()
        if self._log != NO_FILE:
            os.close(self._log)
            self._log = NO_FILE

    def _begin(self, jobs: Sequence[_Write]) -> Unsynced[None] | None:
        """Write ``jobs`` here and now; return what waits for the disk.

        ``None``: it may take long, or another process is writing.
        """
        if not self._is_quick(jobs):
            return None
        with errors():
            self._inline = True
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                return None
            finally:
                self._inline = False
            outcomes = self._write(jobs)
        durable = any(job.durable for job in jobs)
        written = partial(self._synced, outcomes)
        return Unsynced(self._log if durable else NO_FILE, written)

    def _run(self, jobs: Sequence[_Write]) -> Outcomes:
        """Write ``jobs`` in one transaction and wait for the disk. On a thread."""
        with errors():
            self._shorten_log()
            self.connection.execute("BEGIN IMMEDIATE")
            outcomes = self._write(jobs)
        if any(job.durable for job in jobs):
            try:
                self._sync()
            except OSError as error:
                return self._synced(outcomes, error)
        return outcomes

    def _is_quick(self, jobs: Sequence[_Write]) -> bool:
        octets = 0
        for job in jobs:
            if job.octets is None:
                return False
            octets += job.octets
        return (
            octets <= INLINE_OCTETS
            and self._log != NO_FILE
            and self._log_pages < CHECKPOINT_PAGES
            and not self._in_doubt
        )

    def _write(self, jobs: Sequence[_Write]) -> Outcomes:
        """Do ``jobs`` in the transaction that was begun, and commit it."""
        connection = self.connection
        try:
            connection.execute("SAVEPOINT batch")
            try:
                for job in jobs:
                    job.run(connection)
                outcomes: Outcomes = [None] * len(jobs)
            except _OF_ONE_JOB:
                # Rare: once more, so that a failure undoes nothing but its own job.
                connection.execute("ROLLBACK TO batch")
                outcomes = [self._alone(job) for job in jobs]
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return outcomes

    def _alone(self, job: _Write) -> BaseException | None:
        """Run one job inside a savepoint; return what failed of it alone."""
        connection = self.connection
        connection.execute("SAVEPOINT job")
        try:
            job.run(connection)
        except _OF_ONE_JOB as error:
            connection.execute("ROLLBACK TO job; RELEASE job")
            if isinstance(error, PabalError):
                return error
            return LocalProtocolError(str(error))
        connection.execute("RELEASE job")
        return None

    def _synced(self, outcomes: Outcomes, failure: OSError | None) -> Outcomes:
        if failure is None:
            return outcomes
        # The kernel forgets what it could not write, and says so once only: the pages
        # must be moved into the file before anything else is promised.
        self._in_doubt = True
        return [_unwritten(failure)] * len(outcomes)

    def _sync(self) -> None:
        """Wait until everything committed is on disk.

        The log's file stays the same one as long as our connection is open: the last
        connection to close removes it, and that cannot be another one.
        """
        if self._log == NO_FILE:
            path = f"{self._path}-wal"
            self._log = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            fsync_directory(self._path.parent)  # where its name is
        os.fdatasync(self._log)

    def _shorten_log(self) -> None:
        """Move a log that became long into the file; the next commit starts it anew.

        Raises:
            UnavailableError: The log is in doubt and could not be moved whole.
        """
        if self._log_pages < CHECKPOINT_PAGES and not self._in_doubt:
            return
        try:
            pages, moved = self.connection.wal_checkpoint()
        except apsw.BusyError:
            pages, moved = 1, 0  # another process is at it
        if self._in_doubt:
            if moved < pages:
                raise UnavailableError("the disk failed and the queue is being read")
            self._in_doubt = False

    def _note_log(self, _: apsw.Connection, __: str, pages: int) -> int:
        """Take note of the log's length after a commit (sqlite.org/c3ref/wal_hook)."""
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _look_again(self, tries: int) -> bool:
        """Wait a moment for another process; return whether to try again."""
        if self._inline:
            threading.Event().wait(BUSY_WAIT_INLINE_S)
            return tries < BUSY_TRIES_INLINE
        return _look_again(tries)


def connect(path: Path) -> apsw.Connection:
    """Open the queue database, made when it is not there.

    Raises:
        UnavailableError: It cannot be opened.
    """
    try:
        # The mail in it is its owner's business; WAL files take the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = apsw.Connection(str(path))
        connection.set_busy_handler(_look_again)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if connection.pragma("user_version") != rows.VERSION:
            connection.execute(rows.SCHEMA)
    except (apsw.Error, OSError) as error:
        raise UnavailableError(f"queue database {path}: {error}") from error
    return connection


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
        if isinstance(error, apsw.FullError):
            raise StorageFullError("no room in the queue database") from error
        if isinstance(error, apsw.Error):
            raise UnavailableError(f"queue database: {error}") from error


def _look_again(tries: int) -> bool:
    """Wait a moment for another process; return whether to try again."""
    threading.Event().wait(BUSY_WAIT_S)
    return tries < BUSY_TRIES_MAX


def _unwritten(error: OSError) -> UnavailableError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFullError("no room in the queue database")
    return UnavailableError(f"queue database: {error}")
