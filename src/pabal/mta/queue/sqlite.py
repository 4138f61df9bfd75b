"""The queue in one SQLite database.

Every write that waits shares one transaction and one fsync (``writer``).
A claim is a lease in the row: it moves ``next_attempt_at`` to its own end, so a crash
needs no clean-up, and ``due`` is one look at an index. Claims alone are written without
fsync: when they are lost, so is who held them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw

from pabal.base.sqlite import errors
from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.mta.queue import rows
from pabal.mta.queue.item import (
    BEFORE_ALL,
    RETURN_NOW,
    TRY_NOW,
    AttemptRecord,
    Claim,
    QueueItem,
)
from pabal.mta.queue.ports import Take, Verb
from pabal.mta.queue.writer import Writer, connect

OLDEST_LOOKED_AT: Final = 500
"""Rows due longest that one ``take`` looks at first."""

NEWEST_LOOKED_AT: Final = 200
"""Rows due last that it looks at when there are more."""

DESTINATIONS_LOOKED_AT: Final = 200
"""Destinations given their turn then: bounds how long the writer is busy."""

CLAIMS_AT_ONCE: Final = 1_000
"""Claims of one transaction, 5 ms: other processes wait to write."""

RECIPIENTS_AT_ONCE: Final = 10_000
"""Recipients after which a list ends: each is an object of some hundred octets."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits.

    Attributes:
        items: Messages.
        oldest_at: When the oldest came, seconds since 1970; ``None``: there is none.
        by_state: Recipients by state.
    """

    items: int
    oldest_at: float | None
    by_state: Mapping[str, int]


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
        self._writer = Writer(path)
        # Small reads are done at once on the event loop, large ones on a thread.
        self._reader = connect(path)
        self._scanner = connect(path)
        self._scan_thread = ThreadPoolExecutor(1, "queue-scan")
        self._cursor = ""

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

        await self._writer.write(work, spool.size - start)

    async def take(self, take: Take) -> Sequence[Claim]:
        """Claim what is due; in turns over the destinations, oldest due first."""
        first = await self.next_due_at(BEFORE_ALL)
        if first is None or first > take.now:
            return []  # without a transaction: others write

        def work(connection: apsw.Connection) -> Sequence[Claim]:
            claims, self._cursor = _take(connection, take, self._cursor)
            return claims

        return await self._writer.write(work, None, durable=False)

    async def renew(self, owner: str, until: float, claims: Sequence[Claim]) -> None:
        """Move the end of ``claims`` where ``owner`` still has them."""

        def work(some: Sequence[Claim], connection: apsw.Connection) -> None:
            connection.executemany(
                rows.RENEW,
                [(until, claim.item_id, claim.number, owner) for claim in some],
            )

        for at in range(0, len(claims), CLAIMS_AT_ONCE):
            some = claims[at : at + CLAIMS_AT_ONCE]
            await self._writer.write(partial(work, some), None, durable=False)

    async def finish(self, owner: str, records: Sequence[AttemptRecord]) -> None:
        """Note results and end the claims, durably."""
        by_item: dict[str, list[AttemptRecord]] = {}
        for record in records:
            by_item.setdefault(record.item_id, []).append(record)

        def work(connection: apsw.Connection) -> None:
            for item_id, of_item in by_item.items():
                _finish(connection, owner, item_id, of_item)

        await self._writer.write(work)

    async def apply(self, item_id: str, verb: Verb) -> bool:
        """Do ``verb`` to an item; return whether it is there. Durable."""

        def work(connection: apsw.Connection) -> bool:
            if connection.execute(rows.ITEM, (item_id,)).fetchone() is None:
                return False
            for statement in rows.VERBS[verb]:
                connection.execute(statement, {"id": item_id})
            if verb is Verb.RETURN:
                connection.execute(rows.EXPIRE, (RETURN_NOW, item_id))
            return True

        return await self._writer.write(work)

    async def remove(self, item_id: str) -> bool:
        """Forget an item and tell nobody; return whether it was there. Durable."""

        def work(connection: apsw.Connection) -> bool:
            _forget(connection, item_id)
            return connection.changes() > 0

        return await self._writer.write(work)

    async def item(self, item_id: str) -> QueueItem | None:
        """Return the item, if it is there."""
        with errors():
            return _item(self._reader, item_id)

    async def items(self, limit: int, after: str = "") -> Sequence[QueueItem]:
        """Return at most ``limit`` items with ids above ``after``, oldest first.

        Fewer when they have many recipients; none: there are no more.
        """

        def work(connection: apsw.Connection) -> list[QueueItem]:
            items: list[QueueItem] = []
            room = RECIPIENTS_AT_ONCE
            for (item_id,) in connection.execute(rows.ITEM_IDS, (after, limit)):
                item = _item(connection, str(item_id))
                if item is None:
                    continue
                items.append(item)
                room -= len(item.recipients)
                if room <= 0:
                    break
            return items

        return await self._scan(work)

    async def body(self, item_id: str) -> Spool:
        """Return the octets of an item, empty if it is gone; the caller closes it.

        Raises:
            StorageFullError: No room for a large one in the spool directory.
        """
        with errors():
            first = self._reader.execute(rows.FIRST_CHUNK, (item_id,)).fetchone()
        octets = rows.octets_of(first[0]) if first is not None else b""
        if len(octets) < CHUNK_OCTETS:
            spool = Spool(self._spool_directory)
            spool.write(octets)
            return spool
        return await self._scan(lambda connection: self._body(connection, item_id))

    async def next_due_at(self, now: float) -> float | None:
        """Return when something after ``now`` becomes due, ``None``: nothing waits."""
        with errors():
            found = self._reader.execute(rows.NEXT_DUE, (now,)).fetchone()
        return None if found is None else float(found[0])

    async def depth(self) -> QueueDepth:
        """Return how much waits. Cost: a scan of what waits, on a thread."""

        def work(connection: apsw.Connection) -> QueueDepth:
            states = {str(s): int(n) for s, n in connection.execute(rows.STATES)}
            ((count, oldest),) = connection.execute(rows.ITEMS)
            return QueueDepth(count, oldest, states)

        return await self._scan(work)

    async def close(self) -> None:
        """Finish what is being written and close."""
        self._scan_thread.shutdown()
        await self._writer.close(self._reader, self._scanner)

    async def _scan(self, work: Callable[[apsw.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        with errors():
            return await loop.run_in_executor(self._scan_thread, work, self._scanner)

    def _body(self, connection: apsw.Connection, item_id: str) -> Spool:
        spool = Spool(self._spool_directory)
        for (octets,) in connection.execute(rows.CHUNKS, (item_id,)):
            spool.write(rows.octets_of(octets))
        return spool


class _Choice:
    """What a ``take`` has chosen so far."""

    def __init__(self, connection: apsw.Connection, take: Take) -> None:
        self._connection = connection
        self.take = take
        self._counts: Counter[str] = Counter()
        self._seen: set[tuple[str, int]] = set()
        self.claims: list[Claim] = []

    @property
    def full(self) -> bool:
        return len(self.claims) >= min(self.take.limit, CLAIMS_AT_ONCE)

    def add(self, statement: str, values: tuple[str | float, ...]) -> int:
        """Choose rows of a query that may still be; return how many it found."""
        found = self._connection.execute(statement, values).fetchall()
        take = self.take
        for row in found:
            destination = str(row[2])
            if destination in take.skip or self.full:
                continue
            if self._counts[destination] >= take.a_destination:
                continue
            item_id, number = str(row[0]), int(row[1] or 0)
            if (item_id, number) in self._seen:
                continue
            self._seen.add((item_id, number))
            self._counts[destination] += 1
            asked = row[4] == TRY_NOW
            attempts = int(row[3] or 0)
            self.claims.append(
                Claim(item_id, number, destination, attempts, asked=asked)
            )
        return len(found)

    def claim(self) -> None:
        """Note in the rows who has them now."""
        take = self.take
        self._connection.executemany(
            rows.CLAIM,
            [(take.owner, take.until, one.item_id, one.number) for one in self.claims],
        )


def _take(
    connection: apsw.Connection, take: Take, cursor: str
) -> tuple[Sequence[Claim], str]:
    """Return claims, and the destination the next look goes on behind.

    What waits longest, and what is newest: fresh mail does not queue behind a backlog.
    When there is one, destinations take turns besides, some at each look.
    """
    choice = _Choice(connection, take)
    cursor = _choose(connection, choice, cursor)
    choice.claim()
    return choice.claims, cursor


def _choose(connection: apsw.Connection, choice: _Choice, cursor: str) -> str:
    take = choice.take
    found = choice.add(rows.DUE_OLDEST, (take.now, OLDEST_LOOKED_AT))
    if found < OLDEST_LOOKED_AT:
        return cursor
    choice.add(rows.DUE_NEWEST, (take.now, NEWEST_LOOKED_AT))
    for _ in range(DESTINATIONS_LOOKED_AT):
        if choice.full:
            break
        row = connection.execute(rows.NEXT_DESTINATION, (cursor,)).fetchone()
        cursor = str(row[0]) if row is not None else ""
        if cursor and cursor not in take.skip:
            choice.add(rows.DUE, (cursor, take.now, take.a_destination))
    return cursor


def _item(connection: apsw.Connection, item_id: str) -> QueueItem | None:
    row = connection.execute(rows.ITEM, (item_id,)).fetchone()
    if row is None:
        return None
    recipients = connection.execute(rows.RECIPIENTS, (item_id,)).fetchall()
    return rows.to_item(row, recipients)


def _finish(
    connection: apsw.Connection,
    owner: str,
    item_id: str,
    records: Sequence[AttemptRecord],
) -> None:
    """Note results of one item, or forget it when they are its last ones."""
    undone = {number for (number,) in connection.execute(rows.UNDONE, (item_id,))}
    if undone <= {record.number for record in records if record.state.final}:
        _forget(connection, item_id)
        return
    for record in records:
        connection.execute(rows.FINISH, rows.of_record(record, owner))


def _forget(connection: apsw.Connection, item_id: str) -> None:
    for statement in rows.FORGET:
        connection.execute(statement, (item_id,))
