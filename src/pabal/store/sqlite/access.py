"""Where the work of one account happens: on the event loop, on threads, in batches."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw

from pabal.base.disk import Disk
from pabal.base.errors import PabalError
from pabal.base.sqlite import errors
from pabal.base.tasks import Batcher, Start
from pabal.store.delta import Delta
from pabal.store.ports import AccountId, ModSeq
from pabal.store.sqlite.database import Database
from pabal.store.sqlite.index_file import FILE_NAME as INDEX_NAME
from pabal.store.sqlite.indexing import Indexing, Indexings
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.mirror import Mirror
from pabal.store.sqlite.writer import Job, Writer

T = TypeVar("T")

Work = Callable[[Ledger], tuple[T, Sequence[Delta]]]
"""A write: runs in a transaction, returns a result and what changed."""


class IndexOf:
    """The search index of an account, made when somebody first wants it.

    Most accounts of a process have a client that waits, and nothing to index.

    Args (of the constructor):
        indexings: Makes it.
        account_id: Whose it is.
        directory: The account's.
    """

    __slots__ = ("_account_id", "_directory", "_indexings", "_made")

    def __init__(
        self, indexings: Indexings, account_id: AccountId, directory: Path
    ) -> None:
        self._indexings = indexings
        self._account_id = account_id
        self._directory = directory
        self._made: Indexing | None = None

    def __call__(self) -> Indexing:
        """Return the index."""
        if self._made is None:
            self._made = self._indexings.of(self._account_id, self._directory)
        return self._made

    def arrived(self, count: int) -> None:
        """Take note that there are ``count`` messages more to index."""
        self().arrived(count)

    async def tidy(self) -> None:
        """Take messages that are gone out of it, if there is any index at all."""
        if self._made is not None or (self._directory / INDEX_NAME).exists():
            await self().tidy()

    def close_file(self) -> None:
        """Close its file, if it was ever opened; may take a while."""
        if self._made is not None:
            self._made.file.close()


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does what the event loop does not wait for, of all accounts.

    Attributes:
        executor: Threads that write and scan.
        disk: Waits for what was written.
    """

    executor: Executor
    disk: Disk


class Access:
    """Ways into one account's database.

    Attributes:
        database: The connections.
        mirror: What this process knows of the account.
        resting: Nobody keeps track of its connections: tell before opening any.
        unused: How often somebody looked since they were used; counted by who looks.
    """

    __slots__ = (
        *("_batcher", "_executor", "_index_of", "_reads", "_stale"),
        *("_waking", "_writer", "_writes", "database", "mirror", "resting"),
        *("unused",),
    )

    def __init__(
        self,
        database: Database,
        mirror: Mirror,
        writer: Writer,
        workers: Workers,
        index_of: IndexOf,
        waking: Callable[[], None],
    ) -> None:
        self.database = database
        self.mirror = mirror
        self.resting = True
        self.unused = 0
        self._index_of = index_of
        self._writer = writer
        self._executor = workers.executor
        start = Start(writer.begin, workers.disk)
        self._batcher: Batcher[Job, None] = Batcher(writer.run, workers.executor, start)
        self._waking = waking
        self._writes = 0
        self._reads = 0
        self._stale = False

    async def tidy_index(self) -> None:
        """Take messages that are gone out of the account's search index."""
        await self._index_of.tidy()

    @property
    def indexing(self) -> Indexing:
        """The account's search index."""
        return self._index_of()

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
        await self.on_thread(self._index_of.close_file)

    def rest(self) -> None:
        """Close the connections in the background; it must not be ``busy``."""
        self.resting = True
        self.mirror.drop_idle()
        self._writer.forget()
        self._executor.submit(self.database.detach())
        self._executor.submit(self._index_of.close_file)

    def _wake(self) -> None:
        self.unused = 0
        if self.resting:
            self.resting = False
            self._waking()


def _newest(ledger: Ledger) -> tuple[ModSeq, Sequence[Delta]]:
    """Return the account's newest modseq."""
    return ledger.modseq, ()


def _nothing(_: Ledger) -> Sequence[Delta]:
    """Change nothing."""
    return ()
