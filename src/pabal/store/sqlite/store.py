"""The mailboxes of every account in SQLite: ``pabal.store.ports.Store``."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from pabal.base.atomic import fsync_directory
from pabal.base.clock import Clock
from pabal.base.disk import Disk, open_disk
from pabal.base.errors import PabalError, UnavailableError
from pabal.net.ringer import Ringer
from pabal.store.delta import Delta
from pabal.store.doorbell import Doorbell
from pabal.store.headers import HeaderCache
from pabal.store.ports import AccountId
from pabal.store.sqlite import boxes
from pabal.store.sqlite.access import Access, IndexOf, Workers
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.database import Database
from pabal.store.sqlite.housekeeping import KEEP_EXPUNGED_S, Housekeeping
from pabal.store.sqlite.idle import IdleArrays
from pabal.store.sqlite.indexing import QUIET_S, Indexings, Timing
from pabal.store.sqlite.ledger import FIRST_MODSEQ, Ledger
from pabal.store.sqlite.mirror import Mirror
from pabal.store.sqlite.openings import Openings
from pabal.store.sqlite.shares import SHARES_FILE, SqliteShares
from pabal.store.sqlite.writer import Job, Writer
from pabal.store.trusted import TrustedTime, read

THREADS: Final = 16
"""Threads for writes and scans: they wait for the disk more than they compute."""

RINGS_APART_S: Final = 0.05
"""Least time between two rings for one account: each wakes every other process."""

OPEN_ACCOUNTS_MAX: Final = 128
"""Accounts whose files are open: three connections, nine descriptors each at most."""


CLOCK_FILE: Final = "clock"
"""Beside the accounts: what the time was when it last was as expected."""


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """How the embedded engine works.

    Attributes:
        threads: Threads for writes and scans.
        open_accounts_max: Accounts whose files are kept open.
        keep_expunged_s: How long expunged messages can still be read, seconds.
        index_after_s: How long no mail came before it is indexed, seconds.
        first_mailboxes: What a new account has beside INBOX, subscribed: special use
            (RFC 6154 §2) and name.
    """

    threads: int = THREADS
    open_accounts_max: int = OPEN_ACCOUNTS_MAX
    keep_expunged_s: float = KEEP_EXPUNGED_S
    index_after_s: float = QUIET_S
    first_mailboxes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class _Caches:
    """What is kept of all accounts together, each within a bound."""

    headers: HeaderCache = field(default_factory=HeaderCache)
    idle: IdleArrays = field(default_factory=IdleArrays)


@dataclass(frozen=True, slots=True)
class _Times:
    """The machine's clock, and the time things are thrown away by."""

    clock: Clock
    trusted: TrustedTime


class SqliteStore:
    """One file an account below ``root``, opened when first asked for.

    An account object lives as long as anybody holds it; its files may be closed
    meanwhile and are opened again by the next use.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        doorbell: Doorbell,
        settings: SqliteSettings | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._root = root
        self._times = _Times(clock, TrustedTime(clock, read(root / CLOCK_FILE)))
        self._doorbell = doorbell
        self._settings = settings or SqliteSettings()
        self._executor = ThreadPoolExecutor(self._settings.threads, "store")
        self._disk = disk or open_disk()
        self._caches = _Caches()
        self._indexings = Indexings(Timing(clock, self._settings.index_after_s))
        self._accounts: WeakValueDictionary[AccountId, SqliteAccount] = (
            WeakValueDictionary()
        )
        self._open_ones = Openings(self._settings.open_accounts_max)
        self._opening: dict[AccountId, asyncio.Lock] = {}
        self._shares = SqliteShares(root / SHARES_FILE, self._executor)

    @property
    def shares(self) -> SqliteShares:
        """Who shares mailboxes with whom."""
        return self._shares

    async def account(self, account_id: AccountId) -> SqliteAccount:
        """Return the account's mailboxes, made on first use.

        Raises:
            StorageFullError: No room to make them.
            UnavailableError: The file cannot be opened.
        """
        account = self._accounts.get(account_id)
        if account is None:
            lock = self._opening.setdefault(account_id, asyncio.Lock())
            async with lock:
                account = self._accounts.get(account_id)
                if account is None:
                    account = await self._open(account_id)
                    self._accounts[account_id] = account
            self._opening.pop(account_id, None)
        self._remember(account_id)
        return account

    @contextlib.asynccontextmanager
    async def visit(self, account_id: AccountId) -> AsyncIterator[SqliteAccount]:
        """Return the account's mailboxes for a short look, whoever else uses them.

        Files that were closed before are closed again: who looks at every account must
        not push out those that are used, nor fill the memory with what it leaves open.

        Raises:
            StorageFullError: No room to make them.
            UnavailableError: The file cannot be opened.
        """
        known = self._accounts.get(account_id)
        rested = known is None or known.access.resting
        account = await self.account(account_id)
        try:
            yield account
        finally:
            if rested and not account.access.busy:
                self._open_ones.forget(account_id)
                account.access.rest()

    def changed_elsewhere(self, account_id: AccountId) -> None:
        """Take note that another process changed the account: the doorbell rang."""
        account = self._accounts.get(account_id)
        if account is not None and account.access.mirror.is_watched:
            account.access.refresh()

    async def remove(self, account_id: AccountId) -> None:
        """Remove every mailbox of the account; whoever holds it gets errors."""
        async with self._opening.setdefault(account_id, asyncio.Lock()):
            account = self._accounts.pop(account_id, None)
            self._open_ones.forget(account_id)
            self._caches.headers.forget(account_id)
            await self._indexings.stop(account_id)
            if account is not None:
                await account.access.settle()
                account.access.database.retire()
                account.access.mirror.drop_idle()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._remove, account_id)
            await self._shares.forget(account_id)
        self._opening.pop(account_id, None)

    async def close(self) -> None:
        """Finish what is being written and close everything."""
        await self._indexings.close()
        for account in list(self._accounts.values()):
            await account.access.settle()
        self._open_ones.clear()
        self._accounts.clear()
        self._shares.close()
        self._executor.shutdown()
        self._disk.close()

    async def _open(self, account_id: AccountId) -> SqliteAccount:
        loop = asyncio.get_running_loop()
        database = Database(self._root / str(account_id))
        subject = f"account {account_id}"
        ringer = Ringer(lambda: self._doorbell.ring(subject), RINGS_APART_S)
        index_of = IndexOf(self._indexings, account_id, database.directory)
        mirror = Mirror(database, ringer.ring, index_of.arrived, self._caches.idle)
        writer = Writer(
            account_id,
            database,
            self._times.clock,
            Housekeeping(self._settings.keep_expunged_s, self._times.trusted),
            mirror.note_commit,
        )

        def prepare() -> None:
            try:
                made = not database.is_ready()
                if made:
                    # The transaction makes the tables and INBOX, too.
                    writer.run([Job(self._make_first)])
                mirror.load()
                if made:
                    # 200 kB, and who logs in for the first time may write nothing more.
                    writer.forget()
                    database.drop_writer()
            except PabalError:
                database.close()
                raise

        await loop.run_in_executor(self._executor, prepare)
        access = Access(
            database,
            mirror,
            writer,
            Workers(self._executor, self._disk),
            index_of,
            lambda: self._remember(account_id),
        )
        return SqliteAccount(account_id, access, self._caches.headers)

    def _make_first(self, ledger: Ledger) -> Sequence[Delta]:
        """Make what a new account has; an account that was in use stays as it is."""
        deltas: list[Delta] = []
        if ledger.modseq == FIRST_MODSEQ:
            for use, name in self._settings.first_mailboxes:
                deltas += boxes.create(ledger, name, use)
                deltas += boxes.subscribe(ledger, name, subscribed=True)
        return deltas

    def _remember(self, account_id: AccountId) -> None:
        """Note that an account is in use."""
        account = self._accounts.get(account_id)
        if account is not None:
            self._open_ones.note(account_id, account)

    def _remove(self, account_id: AccountId) -> None:
        directory = self._root / str(account_id)
        try:
            if directory.is_dir():
                shutil.rmtree(directory)
                fsync_directory(self._root)
        except OSError as error:
            raise UnavailableError(f"cannot remove {directory}: {error}") from error
