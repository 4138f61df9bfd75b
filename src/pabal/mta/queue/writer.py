"""The one writer of a queue database: what waits shares a transaction and an fsync.

A transaction of some short messages takes some hundred microseconds. So it happens on
the event loop, and the kernel waits for the disk behind our back (``base.disk``); what
may take longer happens on a thread as a whole. Nobody holds SQLite's lock while the
disk is waited for, so the processes that accept and the one that sends wait together.

Durability: SQLite is told not to wait for the disk at a commit; this module waits for
its log itself (``base.sqlite``), before anybody is told of the commit.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import apsw

from pabal.base.disk import Disk, Done, open_disk
from pabal.base.errors import (
    LocalProtocolError,
    OperatorError,
    PabalError,
    UnavailableError,
)
from pabal.base.sqlite import INLINE_OCTETS, NO_FILE, WriteAheadLog, errors
from pabal.base.tasks import Batcher, Start, Unsynced
from pabal.mta.queue import rows

BUSY_TRIES_MAX: Final = 30_000
"""How often a thread looks whether another process's transaction is over."""

BUSY_WAIT_S: Final = 0.001
"""Between two looks of a thread, seconds. SQLite's own waits grow to 100 ms: far longer
than our transactions, and three processes that write would mostly sleep."""

BUSY_TRIES_INLINE: Final = 5
"""Looks on the event loop, before a thread waits instead."""

BUSY_WAIT_INLINE_S: Final = 0.0002
"""Between those, seconds: 1 ms in all, less than going to a thread and back costs."""

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


class _Patience:
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
        self._log = WriteAheadLog(path)
        self._inline = False
        self._thread = ThreadPoolExecutor(1, "queue-write")
        self._disk: Disk | None = None
        self._batcher: Batcher[_Write, None] | None = None
        self.connection = connect(path)
        self.connection.set_busy_handler(self._look_again)
        with errors():
            self._log.attach(self.connection)

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
            self._disk = _Patience()
            start: Start[_Write, None] = Start(self._begin, self._disk)
            self._batcher = Batcher(self._run, self._thread, start)
        job = _Job(work, octets, durable=durable)
        await self._batcher.submit(job)
        return job.result[0]

    async def close(self, *readers: apsw.Connection) -> None:
        """Finish what is being written and close, ``readers`` of the same file too."""
        if self._batcher is not None:
            await self._batcher.settle()
        self._thread.shutdown()
        if self._disk is not None:
            self._disk.close()
        self._log.detach(*readers, self.connection)()

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
            self._log.make_room()
            outcomes = self._write(jobs)
        durable = any(job.durable for job in jobs)
        written = partial(self._synced, outcomes)
        return Unsynced(self._log.descriptor if durable else NO_FILE, written)

    def _run(self, jobs: Sequence[_Write]) -> Outcomes:
        """Write ``jobs`` in one transaction and wait for the disk. On a thread."""
        with errors():
            self._log.prepare(self.connection)
            self.connection.execute("BEGIN IMMEDIATE")
            outcomes = self._write(jobs)
        if any(job.durable for job in jobs):
            self._log.sync()
        return outcomes

    def _is_quick(self, jobs: Sequence[_Write]) -> bool:
        octets = 0
        for job in jobs:
            if job.octets is None:
                return False
            octets += job.octets
        return octets <= INLINE_OCTETS and self._log.is_quick

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
        if failure is not None:
            raise self._log.failed(failure)
        return outcomes

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
        OperatorError: A newer pabal wrote it.
    """
    try:
        # The mail in it is its owner's business; WAL files take the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = apsw.Connection(str(path))
        connection.set_busy_handler(_look_again)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        version = connection.pragma("user_version")
        if version < rows.VERSION:
            connection.execute(rows.SCHEMA)
    except (apsw.Error, OSError) as error:
        raise UnavailableError(f"queue database {path}: {error}") from error
    if version > rows.VERSION:
        connection.close()
        raise OperatorError(
            f"{path} was written by a newer pabal (schema {version}).",
            "Start that version, or restore the backup made before the upgrade.",
        )
    return connection


def _look_again(tries: int) -> bool:
    """Wait a moment for another process; return whether to try again."""
    threading.Event().wait(BUSY_WAIT_S)
    return tries < BUSY_TRIES_MAX
