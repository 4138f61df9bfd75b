"""The one writer of an account: every waiting write in one transaction, one fsync.

A transaction of a few short messages takes some hundred microseconds and a wait for
the disk. So it happens on the event loop, and the kernel is waited for in the
background: handing each statement's turn to and fro between threads costs several times
what the statements do.
Whatever may take longer happens on a thread as a whole.

Durability: SQLite is told not to wait for the disk at a commit; this module waits for
its log itself (``base.sqlite``), before anybody is told of the commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

from pabal.base.clock import Clock
from pabal.base.errors import PabalError, UnavailableError
from pabal.base.sqlite import INLINE_OCTETS, errors
from pabal.base.tasks import Unsynced
from pabal.store.delta import Delta
from pabal.store.ports import AccountId, ModSeq
from pabal.store.sqlite.database import Database
from pabal.store.sqlite.housekeeping import Housekeeping
from pabal.store.sqlite.ledger import Ledger

INLINE_MAILBOXES: Final = 200
"""Mailboxes of an account that are read there, when another process wrote: 1-2 ms."""


@dataclass(frozen=True, slots=True)
class Job:
    """A write inside the transaction.

    Attributes:
        work: Does it; returns what changed. Raises: nothing was written.
        octets: How much it writes at most; ``None``: it must happen on a thread.
    """

    work: Callable[[Ledger], Sequence[Delta]]
    octets: int | None = None


Committed = Callable[[ModSeq, Sequence[Delta]], None]
"""Called once a commit is on disk, on any thread, with the modseq before it."""

Outcomes = Sequence[BaseException | None]


@dataclass(frozen=True, slots=True)
class Written:
    """A transaction that was committed and may not be on disk yet.

    Attributes:
        before: The account's modseq when it began.
        deltas: What changed.
        outcomes: ``None`` or an error for each job.
    """

    before: ModSeq
    deltas: Sequence[Delta]
    outcomes: Outcomes


class Writer:
    """Runs batches of jobs; ``pabal.base.tasks.Batcher`` calls ``begin`` or ``run``."""

    __slots__ = (
        *("_account_id", "_clock", "_committed", "_database"),
        *("_housekeeping", "_ledger"),
    )

    def __init__(
        self,
        account_id: AccountId,
        database: Database,
        clock: Clock,
        housekeeping: Housekeeping,
        committed: Committed,
    ) -> None:
        self._account_id = account_id
        self._database = database
        self._clock = clock
        self._committed = committed
        self._ledger: Ledger | None = None
        self._housekeeping = housekeeping

    def begin(self, jobs: Sequence[Job]) -> Unsynced[None] | None:
        """Write ``jobs`` here and now; return what waits for the disk.

        ``None``: it may take long, or another process is writing, so call ``run``.

        Raises:
            StorageFullError: Nothing of any of them was written.
            UnavailableError: Likewise.
            StoreError: What the only job of a batch raised.
        """
        ledger = self._ledger
        if ledger is None or not self._is_quick(ledger, jobs):
            return None
        try:
            with errors():
                if not self._database.try_begin():
                    return None
                written = self._write(ledger, jobs)
        except PabalError as error:
            self._fail(error)
        descriptor = self._database.log.descriptor
        return Unsynced(descriptor, partial(self._synced, written))

    def run(self, jobs: Sequence[Job]) -> Outcomes:
        """Write ``jobs`` in one transaction; return ``None`` or an error for each.

        Raises:
            StorageFullError: Nothing of any of them was written.
            UnavailableError: Likewise.
            StoreError: What the only job of a batch raised.
        """
        try:
            with errors():
                connection = self._database.writer()
                ledger = self._ledger
                if ledger is None or ledger.connection is not connection:
                    ledger = Ledger(self._account_id, connection, self._clock)
                    self._ledger = ledger
                self._database.log.prepare(connection)
                connection.execute("BEGIN IMMEDIATE")
                written = self._write(ledger, jobs, self._housekeeping)
            self._database.log.sync()
        except UnavailableError as error:
            self._fail(error)
        return self._settled(written)

    def forget(self) -> None:
        """Forget what is known by the connection that writes: it is closed."""
        self._ledger = None

    def _is_quick(self, ledger: Ledger, jobs: Sequence[Job]) -> bool:
        octets = 0
        for job in jobs:
            if job.octets is None:
                return False
            octets += job.octets
        return (
            octets <= INLINE_OCTETS
            and len(ledger.boxes) <= INLINE_MAILBOXES
            and not self._housekeeping.is_due()
            and self._database.is_quick(ledger.connection)
        )

    def _synced(self, written: Written, failure: OSError | None) -> Outcomes:
        if failure is not None:
            self._fail(self._database.log.failed(failure))
        return self._settled(written)

    def _settled(self, written: Written) -> Outcomes:
        """Tell what is on disk."""
        if written.deltas:
            self._committed(written.before, written.deltas)
        return written.outcomes

    def _fail(self, error: PabalError) -> NoReturn:
        if isinstance(error, UnavailableError):
            # What the connection and its log think now is in doubt: begin anew.
            self._ledger = None
            self._database.drop_writer()
        raise error

    def _write(
        self,
        ledger: Ledger,
        jobs: Sequence[Job],
        housekeeping: Housekeeping | None = None,
    ) -> Written:
        """Do ``jobs`` in the transaction that was begun, and commit it."""
        execute = ledger.connection.execute
        deltas: list[Delta] = []
        try:
            ledger.begin()
            before = ledger.modseq
            if len(jobs) == 1:
                deltas += jobs[0].work(ledger)
                outcomes: list[BaseException | None] = [None]
            else:
                outcomes = [self._job(ledger, job, deltas) for job in jobs]
            if housekeeping:
                housekeeping.run(ledger)
            ledger.flush()
            execute("COMMIT")
        except BaseException:
            ledger.forget()
            if ledger.connection.in_transaction:
                execute("ROLLBACK")
            raise
        return Written(before, deltas, outcomes)

    def _job(
        self, ledger: Ledger, job: Job, deltas: list[Delta]
    ) -> BaseException | None:
        """Run one job so that its failure undoes nothing but itself."""
        execute = ledger.connection.execute
        mark = ledger.mark()
        execute("SAVEPOINT job")
        try:
            deltas += job.work(ledger)
        except UnavailableError:
            raise
        except PabalError as error:
            execute("ROLLBACK TO job")
            execute("RELEASE job")
            ledger.restore(mark)
            return error
        execute("RELEASE job")
        return None
