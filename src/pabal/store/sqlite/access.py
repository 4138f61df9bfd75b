"""Where the work of one account happens: on the event loop, on threads, in batches."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import apsw

from pabal.base.errors import PabalError
from pabal.base.tasks import Batcher
from pabal.store.delta import Delta
from pabal.store.ports import ModSeq
from pabal.store.sqlite.database import Database, errors
from pabal.store.sqlite.indexing import Indexing
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
        indexing: Its search index.
        resting: Nobody keeps track of its connections: tell before opening any.
    """

    def __init__(
        self,
        database: Database,
        mirror: Mirror,
        batcher: Batcher[Job, None],
        executor: Executor,
        indexing: Indexing,
        waking: Callable[[], None],
    ) -> None:
        self.database = database
        self.mirror = mirror
        self.indexing = indexing
        self.resting = True
        self._batcher = batcher
        self._executor = executor
        self._waking = waking
        self._writes = 0
        self._reads = 0
        self._stale = False

    @property
    def busy(self) -> bool:
        """Whether a write is on its way or a thread reads."""
        return self._writes + self._reads > 0

    def reader(self) -> apsw.Connection:
        """Return the connection for point reads on the event loop."""
        self._wake()
        return self.database.reader()

    def refresh(self) -> None:
        """Take note of what other processes wrote.

        While an own write is on its way, later: its commit tells what came before it.
        """
        if self._writes:
            self._stale = True
            return
        self._wake()
        self.mirror.refresh()

    async def catch_up(self) -> None:
        """Take note of what other processes wrote before now, all of it.

        Own writes that are on their way are waited for. Without that, who was told of
        a change by another process would see the account as it was before.
        """
        self.refresh()
        if not self._stale:
            return
        with contextlib.suppress(PabalError):  # a full disk hinders nobody's reading
            if await self.write(_newest, 0) > self.mirror.modseq:
                self.mirror.catch_up()

    async def write(self, work: Work[T], octets: int | None = None) -> T:
        """Return what ``work`` returns, once it is on disk.

        Args:
            work: The write.
            octets: How much it writes at most; ``None``: much, or nobody knows.
        """
        outcome: list[T] = []

        def job(ledger: Ledger) -> Sequence[Delta]:
            result, deltas = work(ledger)
            outcome.append(result)
            return deltas

        self._wake()
        self._writes += 1
        try:
            await self._batcher.submit(Job(job, octets))
        except asyncio.CancelledError:
            # It is written all the same, from spools that must stay open meanwhile.
            # Jobs run in order: when this empty one was run, so was that.
            with contextlib.suppress(PabalError):
                await self._batcher.submit(Job(_nothing, 0))
            raise
        finally:
            self._writes -= 1
            self.mirror.publish()
            if self._stale and not self._writes:
                self._stale = False
                self.mirror.refresh()
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
        self._wake()
        self._reads += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, work)
        finally:
            self._reads -= 1

    async def settle(self) -> None:
        """Wait until everything is written, and close the connections."""
        await self._batcher.settle()
        # On a thread: the last connection to close moves the log into the file.
        await self.on_thread(self.database.close)
        await self.on_thread(self.indexing.file.close)

    def rest(self) -> None:
        """Close the connections in the background; it must not be ``busy``."""
        self.resting = True
        self.mirror.drop_idle()
        self._executor.submit(self.database.detach())
        self._executor.submit(self.indexing.file.close)

    def _wake(self) -> None:
        if self.resting:
            self.resting = False
            self._waking()


def _newest(ledger: Ledger) -> tuple[ModSeq, Sequence[Delta]]:
    """Return the account's newest modseq."""
    return ledger.modseq, ()


def _nothing(_: Ledger) -> Sequence[Delta]:
    """Change nothing."""
    return ()
