"""The one writer of an account: every waiting write in one transaction, one fsync."""

from collections.abc import Callable, Sequence

from pabal.base.clock import Clock
from pabal.base.errors import PabalError, UnavailableError
from pabal.store.delta import Delta
from pabal.store.ports import AccountId, ModSeq
from pabal.store.sqlite.database import Database, errors
from pabal.store.sqlite.housekeeping import Housekeeping
from pabal.store.sqlite.ledger import Ledger

Job = Callable[[Ledger], Sequence[Delta]]
"""Writes inside the transaction; returns what changed. Raises: nothing was written."""

Committed = Callable[[ModSeq, Sequence[Delta]], None]
"""Called on the writer's thread after a commit, with the account's modseq before it."""


class Writer:
    """Runs batches of jobs on a thread; ``pabal.base.tasks.Batcher`` calls ``run``."""

    def __init__(
        self,
        account_id: AccountId,
        database: Database,
        clock: Clock,
        keep_expunged_s: float,
        committed: Committed,
    ) -> None:
        self._account_id = account_id
        self._database = database
        self._clock = clock
        self._committed = committed
        self._ledger: Ledger | None = None
        self._housekeeping = Housekeeping(keep_expunged_s)

    def run(self, jobs: Sequence[Job]) -> Sequence[BaseException | None]:
        """Write ``jobs`` in one transaction; return ``None`` or an error for each.

        Raises:
            StorageFullError: Nothing of any of them was written.
            UnavailableError: Likewise.
            StoreError: What the only job of a batch raised.
        """
        try:
            with errors():
                return self._transaction(jobs)
        except UnavailableError:
            # What the connection and its log think now is in doubt: begin anew.
            self._ledger = None
            self._database.drop_writer()
            raise

    def close(self) -> None:
        """Forget the ledger: the database is being closed."""
        self._ledger = None

    def _transaction(self, jobs: Sequence[Job]) -> Sequence[BaseException | None]:
        connection = self._database.writer()
        ledger = self._ledger
        if ledger is None or ledger.connection is not connection:
            ledger = self._ledger = Ledger(self._account_id, connection, self._clock)
        connection.execute("BEGIN IMMEDIATE")
        try:
            ledger.begin()
            before = ledger.modseq
            deltas: list[Delta] = []
            if len(jobs) == 1:
                deltas += jobs[0](ledger)
                outcomes: list[BaseException | None] = [None]
            else:
                outcomes = [self._job(ledger, job, deltas) for job in jobs]
            self._housekeeping.run(ledger)
            ledger.flush()
            connection.execute("COMMIT")
        except BaseException:
            ledger.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if deltas:
            self._committed(before, deltas)
        return outcomes

    def _job(
        self, ledger: Ledger, job: Job, deltas: list[Delta]
    ) -> BaseException | None:
        """Run one job so that its failure undoes nothing but itself."""
        execute = ledger.connection.execute
        mark = ledger.mark()
        execute("SAVEPOINT job")
        try:
            deltas += job(ledger)
        except UnavailableError:
            raise
        except PabalError as error:
            execute("ROLLBACK TO job")
            execute("RELEASE job")
            ledger.restore(mark)
            return error
        execute("RELEASE job")
        return None
