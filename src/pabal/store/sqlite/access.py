"""Where the work of one account happens: on the event loop, on threads, in batches."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import apsw

from pabal.base.tasks import Batcher
from pabal.store.delta import Delta
from pabal.store.sqlite.database import Database, errors
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.mirror import Mirror
from pabal.store.sqlite.writer import Job

T = TypeVar("T")

Work = Callable[[Ledger], tuple[T, Sequence[Delta]]]
"""A write: runs in a transaction, returns a result and what changed."""


class Access:
    """Ways into one account's database.

    Attributes:
        database: The connections.
        mirror: What this process knows of the account.
        executor: The threads.
    """

    def __init__(
        self,
        database: Database,
        mirror: Mirror,
        batcher: Batcher[Job, None],
        executor: Executor,
    ) -> None:
        self.database = database
        self.mirror = mirror
        self.executor = executor
        self._batcher = batcher
        self._busy_count = 0

    @property
    def busy(self) -> bool:
        """Whether a write is on its way or a thread reads."""
        return self._busy_count > 0

    def refresh(self) -> None:
        """Take note of what other processes wrote.

        Not while an own write is on its way: its commit tells what came before it.
        """
        if not self._busy_count:
            self.mirror.refresh()

    async def write(self, work: Work[T]) -> T:
        """Return what ``work`` returns, once it is on disk."""
        outcome: list[T] = []

        def job(ledger: Ledger) -> Sequence[Delta]:
            result, deltas = work(ledger)
            outcome.append(result)
            return deltas

        self._busy_count += 1
        try:
            await self._batcher.submit(job)
        except asyncio.CancelledError:
            # It is written all the same, from spools that must stay open meanwhile.
            await self._batcher.settle()
            raise
        finally:
            self._busy_count -= 1
        return outcome[-1]

    async def change(
        self, work: Callable[[Ledger], Sequence[Delta]]
    ) -> Sequence[Delta]:
        """Return what ``work`` changed, once it is on disk."""

        def with_deltas(ledger: Ledger) -> tuple[Sequence[Delta], Sequence[Delta]]:
            deltas = work(ledger)
            return deltas, deltas

        return await self.write(with_deltas)

    async def scan(self, work: Callable[[apsw.Connection], T]) -> T:
        """Return what ``work`` reads, on a thread."""

        def scan_tables() -> T:
            with errors(), self.database.scanner() as connection:
                return work(connection)

        return await self.on_thread(scan_tables)

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, on a thread."""
        self._busy_count += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.executor, work)
        finally:
            self._busy_count -= 1

    async def settle(self) -> None:
        """Wait until everything is written, and close the connections."""
        await self._batcher.settle()
        # On a thread: the last connection to close moves the log into the file.
        await self.on_thread(self.database.close)
