"""The mailboxes of one account in SQLite, behind the port."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final, TypeVar

import apsw

from pabal.base.errors import UnavailableError
from pabal.base.tasks import Batcher
from pabal.message.spool import MEMORY_MAX_OCTETS, Spool
from pabal.store.delta import Delta
from pabal.store.flags import FlagChange, Flags
from pabal.store.matching import FactKind, Matcher, Snapshot, TextPart, TextTest
from pabal.store.names import normalise
from pabal.store.ports import (
    Appended,
    Column,
    Copied,
    EmailId,
    FlagsSet,
    MailboxId,
    MailboxInfo,
    ModSeq,
    NewEmail,
    NoSuchMailboxError,
    Row,
    StoreError,
    Uid,
    Watcher,
)
from pabal.store.predicate import Predicate
from pabal.store.sqlite import boxes, messages, reader
from pabal.store.sqlite.database import Database, errors
from pabal.store.sqlite.incoming import Incoming, is_short, scan
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.mirror import Mirror
from pabal.store.sqlite.writer import Job
from pabal.store.view import MailboxArrays, View

T = TypeVar("T")

ROWS_AT_ONCE: Final = 512
"""Rows of facts read before the event loop gets its turn: below 1 ms."""

BODIES_AT_ONCE: Final = 32
"""Whole messages read before it does: 0.1 ms for short ones, 3 ms for the longest.

Not on a thread: handing over whole slices costs four times what reading them does.
"""

INLINE_VIEW: Final = 2_000
"""Messages of a mailbox loaded on the event loop: about 2 ms."""

SCANS_AT_ONCE: Final = 32
"""Short messages scanned before the event loop gets its turn: about 2 ms."""

TESTS_AT_ONCE: Final = 64
"""Messages whose text one thread call searches: bounds how long a stop takes."""

_LOCK_MODE: Final = 0o600

Work = Callable[[Ledger], tuple[T, Sequence[Delta]]]


class SqliteAccount:
    """``pabal.store.ports.AccountStore`` over one file.

    Reads of points happen on the event loop, scans and writes on ``executor``.
    """

    def __init__(
        self,
        database: Database,
        mirror: Mirror,
        batcher: Batcher[Job, None],
        executor: Executor,
    ) -> None:
        self._database = database
        self._mirror = mirror
        self._batcher = batcher
        self._executor = executor
        self._busy_count = 0
        self._loading = asyncio.Lock()

    @property
    def highest_modseq(self) -> ModSeq:
        """The newest change in the account."""
        return self._mirror.modseq

    @property
    def busy(self) -> bool:
        """Whether a write is on its way or a thread reads."""
        return self._busy_count > 0

    async def mailboxes(self) -> Sequence[MailboxInfo]:
        """Return every mailbox, by name."""
        self.refresh()
        return self._mirror.infos()

    async def mailbox(self, name: str) -> MailboxInfo:
        """Return the mailbox called ``name``."""
        self.refresh()
        info = self._mirror.find(normalise(name))
        if info is None:
            raise NoSuchMailboxError(f"no mailbox {name!r}")
        return info

    async def create(self, name: str, special_use: str = "") -> MailboxInfo:
        """Create a mailbox and what is missing above it."""
        deltas = await self._change(
            lambda ledger: boxes.create(ledger, name, special_use)
        )
        info = deltas[-1].info
        if info is None:
            raise NoSuchMailboxError(f"no mailbox {name!r}")
        return info

    async def rename(self, mailbox_id: MailboxId, name: str) -> None:
        """Give a mailbox and those below it another name."""
        await self._change(lambda ledger: boxes.rename(ledger, mailbox_id, name))

    async def remove(self, mailbox_id: MailboxId) -> None:
        """Remove a mailbox and its messages."""
        await self._change(lambda ledger: boxes.remove(ledger, mailbox_id))

    async def subscribe(self, name: str, *, subscribed: bool) -> None:
        """Set whether clients show it by default."""
        await self._change(
            lambda ledger: boxes.subscribe(ledger, name, subscribed=subscribed)
        )

    async def view(self, mailbox_id: MailboxId) -> View:
        """Return the mailbox in memory; the caller closes it."""
        self.refresh()
        arrays = self._mirror.arrays(mailbox_id)
        if arrays is None:
            arrays = await self._load(mailbox_id)
        return View(arrays, self._mirror.free)

    def flags_of(self, flag_set: int) -> Flags:
        """Return the names in a flag set."""
        return self._mirror.flags_of(flag_set)

    async def claim_recent(self, mailbox_id: MailboxId) -> Uid:
        """Return the first UID no session was told of yet."""
        self._mirror.box(mailbox_id)
        with errors():
            told = reader.all_told(self._database.reader(), mailbox_id)
        if told is not None:
            return told  # nothing to note, so no write: the common case
        return await self._write(
            lambda ledger: (boxes.claim_recent(ledger, mailbox_id), ())
        )

    async def append(
        self, mailbox_id: MailboxId, emails: Sequence[NewEmail]
    ) -> Sequence[Appended]:
        """Add messages, all or none."""
        self._mirror.box(mailbox_id)
        incoming = [
            await self._scanned(number, new) for number, new in enumerate(emails)
        ]
        return await self._write(
            lambda ledger: messages.append(ledger, mailbox_id, incoming)
        )

    async def set_flags(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
    ) -> FlagsSet:
        """Change flags; messages newer than ``unchanged_since`` are refused."""
        return await self._write(
            lambda ledger: messages.set_flags(
                ledger, mailbox_id, uids, change, unchanged_since
            )
        )

    async def copy(
        self, mailbox_id: MailboxId, uids: Sequence[Uid], target: MailboxId
    ) -> Copied:
        """Add the same emails to ``target``, flags kept; no octets move."""
        return await self._write(
            lambda ledger: messages.transfer(
                ledger, mailbox_id, uids, target, expunge=False
            )
        )

    async def move(
        self, mailbox_id: MailboxId, uids: Sequence[Uid], target: MailboxId
    ) -> Copied:
        """Copy and expunge in one change."""
        return await self._write(
            lambda ledger: messages.transfer(
                ledger, mailbox_id, uids, target, expunge=True
            )
        )

    async def expunge(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[Uid]:
        """Remove messages whatever their flags; return those that were there."""
        return await self._write(
            lambda ledger: messages.expunge(ledger, mailbox_id, uids)
        )

    async def read(
        self, emails: Sequence[EmailId], columns: Sequence[Column]
    ) -> Sequence[Row | None]:
        """Return facts in the order of ``emails``; ``None`` for one that is gone."""
        size = BODIES_AT_ONCE if Column.OCTETS in columns else ROWS_AT_ONCE
        rows: list[Row | None] = []
        for start in range(0, len(emails), size):
            if start:
                await asyncio.sleep(0)
            with errors():
                rows += reader.rows(
                    self._database.reader(), emails[start : start + size], columns
                )
        return rows

    async def octets(
        self, email: EmailId, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the octets of an email from ``start``, in chunks."""
        with errors():
            stored = reader.find(self._database.reader(), email)
        if stored is None:
            raise StoreError(f"email {email} is gone")
        end = stored.size if length is None else start + length
        for number, first, last in reader.pieces(email, stored, start, end):
            with errors():
                chunk = reader.chunk(self._database.reader(), number)
            yield chunk if last - first == len(chunk) else chunk[first:last]

    async def search(
        self, mailbox_id: MailboxId, predicate: Predicate
    ) -> Sequence[Uid]:
        """Return the UIDs ``predicate`` holds for, ascending."""
        view = await self.view(mailbox_id)
        try:
            snapshot = Snapshot(
                mailbox_id,
                view.uids[:],
                view.emails[:],
                view.flags[:],
                view.modseqs[:],
            )
        finally:
            view.close()
        self._mirror.load_flags()
        return await Matcher(snapshot, self._mirror.flags, self).uids(predicate)

    async def expunged_since(
        self, mailbox_id: MailboxId, modseq: ModSeq
    ) -> Sequence[Uid] | None:
        """Return UIDs expunged after ``modseq``; ``None``: too long ago to know."""
        self._mirror.box(mailbox_id)
        with errors():
            return reader.expunged_since(self._database.reader(), mailbox_id, modseq)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` with every change from now on; return how to stop it."""
        return self._mirror.feed.watch(watcher)

    def try_lock(self, purpose: str) -> Callable[[], None] | None:
        """Take an exclusive lock across processes; ``None`` if somebody has it."""
        return try_lock(self._database.directory / f"{purpose}.lock")

    async def numbers(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        emails: Sequence[EmailId],
        kind: FactKind,
    ) -> Sequence[float | None]:
        """Return what a predicate compares: ``matching.FactSource``."""
        if kind is FactKind.SAVED:
            return await self._scan(
                lambda connection: reader.saved_dates(connection, mailbox_id, uids)
            )
        return await self._scan(
            lambda connection: reader.numbers(connection, emails, kind)
        )

    async def test(
        self, emails: Sequence[EmailId], part: TextPart, test: TextTest
    ) -> Sequence[bool]:
        """Return what ``test`` says of octets: ``matching.FactSource``."""
        verdicts: list[bool] = []
        for start in range(0, len(emails), TESTS_AT_ONCE):
            some = emails[start : start + TESTS_AT_ONCE]
            verdicts += await self._scan(
                lambda connection, some=some: [  # type: ignore[misc]  # bound at once
                    tested(connection, email, part, test) for email in some
                ]
            )
        return verdicts

    def refresh(self) -> None:
        """Take note of what other processes wrote.

        Not while an own write is on its way: its commit tells what came before it.
        """
        if not self._busy_count:
            self._mirror.refresh()

    def rest(self) -> None:
        """Close the connections of an account that is not busy."""
        self._database.close()

    async def settle(self) -> None:
        """Wait until everything is written, and close the connections."""
        await self._batcher.settle()
        # On a thread: the last connection to close moves the log into the file.
        await self._on_thread(self._database.close)

    async def _scanned(self, number: int, new: NewEmail) -> Incoming:
        if is_short(new):
            if number % SCANS_AT_ONCE == SCANS_AT_ONCE - 1:
                await asyncio.sleep(0)
            return scan(new)
        return await self._on_thread(lambda: scan(new))

    async def _load(self, mailbox_id: MailboxId) -> MailboxArrays:
        mirror = self._mirror
        if mirror.box(mailbox_id).message_count <= INLINE_VIEW:
            with errors():
                loaded = reader.load_view(self._database.reader(), mailbox_id)
            return mirror.end_load(mailbox_id, loaded)
        async with self._loading:
            arrays = mirror.arrays(mailbox_id)
            if arrays is not None:
                return arrays  # somebody else loaded it while we waited
            mirror.begin_load(mailbox_id)
            loaded = None
            try:
                loaded = await self._scan(
                    lambda connection: reader.load_view(connection, mailbox_id)
                )
            finally:
                if loaded is None:
                    mirror.cancel_load(mailbox_id)
            return mirror.end_load(mailbox_id, loaded)

    async def _change(
        self, work: Callable[[Ledger], Sequence[Delta]]
    ) -> Sequence[Delta]:
        def with_deltas(ledger: Ledger) -> tuple[Sequence[Delta], Sequence[Delta]]:
            deltas = work(ledger)
            return deltas, deltas

        return await self._write(with_deltas)

    async def _write(self, work: Work[T]) -> T:
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

    async def _scan(self, work: Callable[[apsw.Connection], T]) -> T:
        """Return what ``work`` reads, on a thread."""

        def scan_tables() -> T:
            with errors(), self._database.scanner() as connection:
                return work(connection)

        return await self._on_thread(scan_tables)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        self._busy_count += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, work)
        finally:
            self._busy_count -= 1


def tested(
    connection: apsw.Connection, email: EmailId, part: TextPart, test: TextTest
) -> bool:
    """Return what ``test`` says of an email; a long one is mapped, not loaded."""
    stored = reader.find(connection, email)
    if stored is None:
        return False
    if part is TextPart.HEADER:
        return test(reader.octets(connection, email, stored.header_length))
    if stored.size <= MEMORY_MAX_OCTETS:
        return test(reader.octets(connection, email, stored.size))
    with Spool() as spool:
        for number, _, _ in reader.pieces(email, stored, 0, stored.size):
            spool.write(reader.chunk(connection, number))
        with spool.buffer() as buffer:
            return test(buffer)


def try_lock(path: Path) -> Callable[[], None] | None:
    """Take the lock of file ``path`` for this process and return how to release it.

    Returns ``None`` when it is taken, here or in another process.

    Raises:
        UnavailableError: The file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _LOCK_MODE)
    except OSError as error:
        raise UnavailableError(f"cannot lock {path}: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    released = False

    def release() -> None:
        nonlocal released
        if not released:
            released = True
            os.close(descriptor)

    return release
