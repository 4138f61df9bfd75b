"""The queue in one SQLite database: WAL, synchronous=FULL, one writer.

Every write that waits shares one transaction and one fsync (``pabal.base.tasks``).
A claim is a lease in the row: it moves ``next_attempt_at`` to its own end, so a crash
needs no clean-up, and ``due`` is one look at an index. Claims alone are written without
fsync: when they are lost, so is who held them.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import apsw

from pabal.base.errors import (
    LocalProtocolError,
    PabalError,
    StorageFullError,
    UnavailableError,
)
from pabal.base.tasks import Batcher
from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.mta.queue import rows
from pabal.mta.queue.item import (
    RETURN_NOW,
    AttemptRecord,
    Claim,
    QueueItem,
)
from pabal.mta.queue.ports import Take, Verb

BUSY_MS: Final = 30_000
"""How long a write waits for another process's transaction, milliseconds."""

T = TypeVar("T")


class _Write(Protocol):
    """What the writer's thread runs."""

    @property
    def durable(self) -> bool:
        """Whether the transaction must be on disk before the answer."""
        ...

    def run(self, connection: apsw.Connection) -> PabalError | None:
        """Do the work inside a savepoint; return what failed of this job alone."""
        ...


class _Job(Generic[T]):
    """A write waiting for its transaction."""

    __slots__ = ("durable", "result", "work")

    def __init__(self, work: Callable[[apsw.Connection], T], *, durable: bool) -> None:
        self.work = work
        self.durable = durable
        self.result: list[T] = []

    def run(self, connection: apsw.Connection) -> PabalError | None:
        """Do the work inside a savepoint; return what failed of this job alone."""
        connection.execute("SAVEPOINT job")
        try:
            self.result.append(self.work(connection))
        except (PabalError, apsw.ConstraintError) as error:
            connection.execute("ROLLBACK TO job; RELEASE job")
            if isinstance(error, PabalError):
                return error
            return LocalProtocolError(str(error))
        connection.execute("RELEASE job")
        return None


class SqliteQueue:
    """Implements ``pabal.mta.queue.ports.Queue``.

    Args (of the constructor):
        path: The database, made when it is not there.
        spool_directory: Where large bodies are put while they are read.

    Raises:
        UnavailableError: The database cannot be opened.
    """

    def __init__(self, path: Path, spool_directory: Path | None = None) -> None:
        self._spool_directory = spool_directory
        self._writer = _open(path)
        # Small reads are done at once on the event loop, large ones on a thread.
        self._reader = _open(path)
        self._scanner = _open(path)
        self._write_thread = ThreadPoolExecutor(1, "queue-write")
        self._scan_thread = ThreadPoolExecutor(1, "queue-scan")
        self._batcher: Batcher[_Write, None] | None = None

    async def add(self, item: QueueItem, spool: Spool, start: int = 0) -> None:
        """Keep ``item`` and the octets of ``spool`` from ``start`` on, durably.

        Raises:
            StorageFullError: No room; nothing was written.
        """

        def work(connection: apsw.Connection) -> None:
            connection.execute(rows.ADD_ITEM, rows.of_item(item, spool.size - start))
            connection.executemany(rows.ADD_RECIPIENT, rows.of_recipients(item))
            for number, offset in enumerate(range(start, spool.size, CHUNK_OCTETS)):
                octets = spool.read(offset, CHUNK_OCTETS)
                connection.execute(rows.ADD_CHUNK, (item.id, number, octets))

        await self._write(work)

    async def take(self, take: Take) -> Sequence[Claim]:
        """Claim what is due; in turns over the destinations, oldest due first."""
        return await self._write(
            lambda connection: _take(connection, take), durable=False
        )

    async def renew(self, owner: str, until: float) -> None:
        """Move the end of every claim of ``owner``."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(rows.RENEW, (until, owner))

        await self._write(work, durable=False)

    async def finish(self, owner: str, records: Sequence[AttemptRecord]) -> None:
        """Note results and end the claims, durably."""

        def work(connection: apsw.Connection) -> None:
            for record in records:
                connection.execute(rows.FINISH, rows.of_record(record, owner))
            for item_id in {record.item_id for record in records}:
                _forget_if_done(connection, item_id)

        await self._write(work)

    async def apply(self, item_id: str, verb: Verb, now: float) -> bool:
        """Do ``verb`` to an item; return whether it is there. Durable."""

        def work(connection: apsw.Connection) -> bool:
            if connection.execute(rows.ITEM, (item_id,)).fetchone() is None:
                return False
            for statement in rows.VERBS[verb]:
                connection.execute(statement, {"id": item_id, "now": now})
            if verb is Verb.RETURN:
                connection.execute(rows.EXPIRE, (RETURN_NOW, item_id))
            return True

        return await self._write(work)

    async def remove(self, item_id: str) -> bool:
        """Forget an item and tell nobody; return whether it was there. Durable."""

        def work(connection: apsw.Connection) -> bool:
            _forget(connection, item_id)
            return connection.changes() > 0

        return await self._write(work)

    async def item(self, item_id: str) -> QueueItem | None:
        """Return the item, if it is there."""
        return _item(self._reader, item_id)

    async def items(self, limit: int, after: str = "") -> Sequence[QueueItem]:
        """Return at most ``limit`` items with ids above ``after``, oldest first."""

        def work(connection: apsw.Connection) -> list[QueueItem]:
            found = connection.execute(rows.ITEM_IDS, (after, limit)).fetchall()
            items = (_item(connection, str(item_id)) for (item_id,) in found)
            return [item for item in items if item is not None]

        return await self._scan(work)

    async def body(self, item_id: str) -> Spool:
        """Return the octets of an item, empty if it is gone; the caller closes it.

        Raises:
            StorageFullError: No room for a large one in the spool directory.
        """
        first = self._reader.execute(rows.FIRST_CHUNK, (item_id,)).fetchone()
        octets = rows.octets_of(first[0]) if first is not None else b""
        if len(octets) < CHUNK_OCTETS:
            spool = Spool(self._spool_directory)
            spool.write(octets)
            return spool
        return await self._scan(lambda connection: self._body(connection, item_id))

    async def next_due_at(self, now: float) -> float | None:
        """Return when something after ``now`` becomes due, ``None``: nothing waits."""
        found = self._reader.execute(rows.NEXT_DUE, (now,)).fetchone()
        return None if found is None else float(found[0])

    async def close(self) -> None:
        """Finish what is being written and close."""
        if self._batcher is not None:
            await self._batcher.settle()
        self._write_thread.shutdown()
        self._scan_thread.shutdown()
        for connection in (self._writer, self._reader, self._scanner):
            connection.close()

    async def _write(
        self, work: Callable[[apsw.Connection], T], *, durable: bool = True
    ) -> T:
        if self._batcher is None:
            self._batcher = Batcher(self._run_batch, self._write_thread)
        job = _Job(work, durable=durable)
        await self._batcher.submit(job)
        return job.result[-1]

    async def _scan(self, work: Callable[[apsw.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scan_thread, work, self._scanner)

    def _body(self, connection: apsw.Connection, item_id: str) -> Spool:
        spool = Spool(self._spool_directory)
        for (octets,) in connection.execute(rows.CHUNKS, (item_id,)):
            spool.write(rows.octets_of(octets))
        return spool

    def _run_batch(self, jobs: Sequence[_Write]) -> Sequence[BaseException | None]:
        """Write a batch in one transaction. On the writer's thread."""
        connection = self._writer
        durable = any(job.durable for job in jobs)
        try:
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                results = [job.run(connection) for job in jobs]
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except apsw.Error as error:
            return [_explained(error)] * len(jobs)
        return results


def _open(path: Path) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_MS)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(rows.SCHEMA)
    except apsw.Error as error:
        raise UnavailableError(f"queue database {path}: {error}") from error
    return connection


def _take(connection: apsw.Connection, take: Take) -> Sequence[Claim]:
    claims: list[Claim] = []
    destination = ""
    while len(claims) < take.limit:
        found = connection.execute(rows.NEXT_DESTINATION, (destination,)).fetchone()
        if found is None:
            break
        destination = str(found[0])
        if destination in take.skip:
            continue
        most = min(take.a_destination, take.limit - len(claims))
        due = connection.execute(rows.DUE, (destination, take.now, most)).fetchall()
        for item_id, number, attempts in due:
            connection.execute(rows.CLAIM, (take.owner, take.until, item_id, number))
            claims.append(
                Claim(str(item_id), int(number or 0), destination, int(attempts or 0))
            )
    return claims


def _item(connection: apsw.Connection, item_id: str) -> QueueItem | None:
    row = connection.execute(rows.ITEM, (item_id,)).fetchone()
    if row is None:
        return None
    recipients = connection.execute(rows.RECIPIENTS, (item_id,)).fetchall()
    return rows.to_item(row, recipients)


def _forget_if_done(connection: apsw.Connection, item_id: str) -> None:
    if connection.execute(rows.UNDONE, (item_id,)).fetchone() is None:
        _forget(connection, item_id)


def _forget(connection: apsw.Connection, item_id: str) -> None:
    for statement in rows.FORGET:
        connection.execute(statement, (item_id,))


def _explained(error: apsw.Error) -> UnavailableError:
    if isinstance(error, apsw.FullError):
        return StorageFullError("no room in the queue database")
    return UnavailableError(f"queue database: {error}")
