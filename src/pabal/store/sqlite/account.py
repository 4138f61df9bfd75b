"""The mailboxes of one account in SQLite, behind the port."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from pabal.base.sqlite import errors
from pabal.store.fields import HeaderFields
from pabal.store.flags import FlagChange, Flags
from pabal.store.headers import HeaderCache, Headers
from pabal.store.keywords import Keywords
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.matching import Matcher, Snapshot
from pabal.store.names import normalise
from pabal.store.ports import (
    AccountId,
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
from pabal.store.sqlite.access import Access
from pabal.store.sqlite.annotations import SqliteAnnotations
from pabal.store.sqlite.facts import Facts
from pabal.store.sqlite.imports import SqliteImports
from pabal.store.sqlite.incoming import Incoming, is_short, octets_of, scan
from pabal.store.sqlite.keywords import SqliteKeywords
from pabal.store.sqlite.lock import FileTurns, try_lock
from pabal.store.sqlite.undelete import SqliteUndeletion
from pabal.store.turns import Turns
from pabal.store.view import MailboxArrays, View

ROWS_AT_ONCE: Final = 512
"""Rows of facts read before the event loop gets its turn: below 1 ms."""

BODIES_AT_ONCE: Final = 32
"""Whole messages read before it does: 0.1 ms for short ones, 3 ms for the longest.

Not on a thread: handing over whole slices costs four times what reading them does.
"""

INLINE_VIEW: Final = 2_000
"""Messages of a mailbox loaded on the event loop: about 2 ms."""

SCANS_AT_ONCE: Final = 16
"""Short messages scanned before the event loop gets its turn: about 1 ms."""


class SqliteAccount:
    """``pabal.store.ports.AccountStore`` over one file.

    Reads of points happen on the event loop, scans and writes on threads.

    Attributes:
        access: The ways into its database; the store opens and closes by it.
        headers: Header fields of its emails.
        keywords: What its mailboxes remember.
        turns: How often something may be done.
        imports: Puts messages of another server into it.
        undeletion: What can be brought back.
    """

    __slots__ = (
        *("__weakref__", "_annotations", "_facts", "_loading", "_mirror"),
        *("access", "headers", "imports", "keywords", "turns", "undeletion"),
    )

    def __init__(
        self, account_id: AccountId, access: Access, headers: HeaderCache
    ) -> None:
        self.access = access
        self.headers: HeaderFields = Headers(account_id, headers, self.read)
        self.keywords: Keywords = SqliteKeywords(access.reader)
        self.turns: Turns = FileTurns(access.database.directory)
        self.imports = SqliteImports(access)
        self.undeletion = SqliteUndeletion(access)
        self._mirror = access.mirror
        self._facts = Facts(access)
        self._annotations = SqliteAnnotations(access)
        self._loading = asyncio.Lock()

    @property
    def highest_modseq(self) -> ModSeq:
        """The newest change in the account."""
        return self._mirror.modseq

    async def mailboxes(self) -> Sequence[MailboxInfo]:
        """Return every mailbox, by name."""
        self.access.refresh()
        return self._mirror.infos()

    async def mailbox(self, name: str, *, recheck: bool = True) -> MailboxInfo:
        """Return the mailbox called ``name``."""
        name = normalise(name)
        if not recheck and (info := self._mirror.find(name)) is not None:
            return info
        self.access.refresh()
        info = self._mirror.find(name)
        if info is None:
            raise NoSuchMailboxError(f"no mailbox {name!r}")
        return info

    async def create(self, name: str, special_use: str = "") -> MailboxInfo:
        """Create a mailbox and what is missing above it."""
        deltas = await self.access.change(
            lambda ledger: boxes.create(ledger, name, special_use)
        )
        info = deltas[-1].info
        if info is None:
            raise NoSuchMailboxError(f"no mailbox {name!r}")
        return info

    async def rename(self, mailbox_id: MailboxId, name: str) -> None:
        """Give a mailbox and those below it another name."""
        await self.access.change(lambda ledger: boxes.rename(ledger, mailbox_id, name))

    async def remove(self, mailbox_id: MailboxId) -> None:
        """Remove a mailbox and its messages."""
        await self.access.change(lambda ledger: boxes.remove(ledger, mailbox_id))

    async def subscribe(self, name: str, *, subscribed: bool) -> None:
        """Set whether clients show it by default."""
        await self.access.change(
            lambda ledger: boxes.subscribe(ledger, name, subscribed=subscribed)
        )

    async def lost_subscriptions(self) -> Sequence[str]:
        """Return the names that are subscribed and no mailbox has."""
        with errors():
            return reader.lost_subscriptions(self.access.reader())

    @property
    def annotations(self) -> SqliteAnnotations:
        """What clients noted about mailboxes and the account."""
        return self._annotations

    async def view(self, mailbox_id: MailboxId) -> View:
        """Return the mailbox in memory; the caller closes it."""
        await self.access.catch_up()
        return await self._view(mailbox_id)

    async def _view(self, mailbox_id: MailboxId) -> View:
        arrays = self._mirror.arrays(mailbox_id)
        if arrays is None:
            arrays = await self._load(mailbox_id)
        return View(arrays, self._mirror.free)

    def flags_of(self, flag_set: int) -> Flags:
        """Return the names in a flag set."""
        return self._mirror.flags_of(flag_set)

    async def claim_recent(self, mailbox_id: MailboxId, *, claim: bool = True) -> Uid:
        """Return the first UID no session was told of yet."""
        info = self._mirror.box(mailbox_id)
        with errors():
            first = reader.recent_from(self.access.reader(), mailbox_id)
        if not claim or first >= info.uid_next:
            return first  # nothing to note, so no write: the common case
        return await self.access.write(
            lambda ledger: (boxes.claim_recent(ledger, mailbox_id), ())
        )

    async def append(
        self,
        where: MailboxId | Sequence[str],
        emails: Sequence[NewEmail],
        replacing: tuple[MailboxId, Uid] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> Sequence[Appended]:
        """Add messages, all or none; what they replace goes in the same change."""
        if isinstance(where, int):
            self._mirror.box(where)
        incoming = [
            await self._scanned(number, new) for number, new in enumerate(emails)
        ]
        return await self.access.write(
            lambda ledger: messages.append(ledger, where, incoming, replacing, limits),
            octets_of(incoming),
        )

    async def set_flags(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
    ) -> FlagsSet:
        """Change flags; messages newer than ``unchanged_since`` are refused."""
        return await self.access.write(
            lambda ledger: messages.set_flags(
                ledger, mailbox_id, uids, change, unchanged_since
            )
        )

    async def copy(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        target: MailboxId,
        limits: Limits = NO_LIMITS,
    ) -> Copied:
        """Add the same emails to ``target``, flags kept; no octets move."""
        return await self.access.write(
            lambda ledger: messages.copy(ledger, mailbox_id, uids, target, limits)
        )

    async def move(
        self, mailbox_id: MailboxId, uids: Sequence[Uid], target: MailboxId
    ) -> Copied:
        """Copy and expunge in one change."""
        return await self.access.write(
            lambda ledger: messages.move(ledger, mailbox_id, uids, target)
        )

    async def expunge(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[Uid]:
        """Remove messages whatever their flags; return those that were there."""
        return await self.access.write(
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
                    self.access.reader(), emails[start : start + size], columns
                )
        return rows

    async def saved_dates(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[float | None]:
        """Return when each message came into the mailbox."""
        with errors():
            return reader.saved_dates(self.access.reader(), mailbox_id, uids)

    async def octets(
        self, email: EmailId, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the octets of an email from ``start``, in chunks."""
        with errors():
            stored = reader.find(self.access.reader(), email)
        if stored is None:
            raise StoreError(f"email {email} is gone")
        end = stored.size if length is None else start + length
        for number, first, last in reader.pieces(email, stored, start, end):
            with errors():
                chunk = reader.chunk(self.access.reader(), number)
            yield chunk if last - first == len(chunk) else chunk[first:last]

    async def search(
        self, mailbox_id: MailboxId, predicate: Predicate
    ) -> Sequence[Uid]:
        """Return the UIDs ``predicate`` holds for, ascending."""
        self.access.refresh()
        view = await self._view(mailbox_id)
        snapshot = Snapshot.of(view)
        view.close()
        self._mirror.load_flags()
        return await Matcher(snapshot, self._mirror.flags, self._facts).uids(predicate)

    async def expunged_since(
        self, mailbox_id: MailboxId, modseq: ModSeq
    ) -> Sequence[Uid] | None:
        """Return UIDs expunged after ``modseq``; ``None``: too long ago to know."""
        self._mirror.box(mailbox_id)
        with errors():
            return reader.expunged_since(self.access.reader(), mailbox_id, modseq)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` with every change from now on; return how to stop it."""
        return self._mirror.feed.watch(watcher)

    def try_lock(self, purpose: str) -> Callable[[], None] | None:
        """Take an exclusive lock across processes; ``None`` if somebody has it."""
        return try_lock(self.access.database.directory / f"{purpose}.lock")

    async def _scanned(self, number: int, new: NewEmail) -> Incoming:
        if is_short(new):
            if number % SCANS_AT_ONCE == SCANS_AT_ONCE - 1:
                await asyncio.sleep(0)
            return scan(new)
        return await self.access.on_thread(lambda: scan(new))

    async def _load(self, mailbox_id: MailboxId) -> MailboxArrays:
        mirror = self._mirror
        if mirror.box(mailbox_id).message_count <= INLINE_VIEW:
            with errors():
                loaded = reader.load_view(self.access.reader(), mailbox_id)
            return mirror.end_load(mailbox_id, loaded)
        async with self._loading:
            arrays = mirror.arrays(mailbox_id)
            if arrays is not None:
                return arrays  # somebody else loaded it while we waited
            mirror.begin_load(mailbox_id)
            loaded = None
            try:
                loaded = await self.access.scan(
                    lambda connection: reader.load_view(connection, mailbox_id)
                )
            finally:
                if loaded is None:
                    mirror.cancel_load(mailbox_id)
            return mirror.end_load(mailbox_id, loaded)
