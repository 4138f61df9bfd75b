"""The mailboxes of one account, in memory, behind the port."""

import math
from collections.abc import AsyncIterator, Callable, Sequence

from pabal.base.clock import Clock
from pabal.store.delta import Delta
from pabal.store.feed import Feed
from pabal.store.fields import HeaderFields
from pabal.store.flags import FlagChange, Flags
from pabal.store.headers import HeaderCache, Headers
from pabal.store.keywords import Keywords
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.matching import FactKind, Matcher, Snapshot
from pabal.store.memory.annotations import MemoryAnnotations
from pabal.store.memory.facts import MemoryFacts
from pabal.store.memory.imports import MemoryImports
from pabal.store.memory.keywords import MemoryKeywords
from pabal.store.memory.mailboxes import Mailboxes, check_copies
from pabal.store.memory.shares import MemoryShares
from pabal.store.memory.undelete import MemoryUndeletion
from pabal.store.names import normalise
from pabal.store.ports import (
    BLOB_CHUNK_OCTETS,
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
from pabal.store.turns import Turns
from pabal.store.view import MailboxArrays, View


class MemoryTurns:
    """Implements ``pabal.store.turns.Turns`` for one process."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def take(self, purpose: str, now: float, apart_s: float) -> bool:
        """Take the next turn, unless the last one is less than ``apart_s`` s ago."""
        last = self._last.get(purpose, -math.inf)
        if now - apart_s < last <= now:
            return False
        self._last[purpose] = now
        return True


class MemoryAccount:
    """``pabal.store.ports.AccountStore`` without a disk.

    Attributes:
        imports: Puts messages of another server into it.
        undeletion: What can be brought back.
    """

    def __init__(self, clock: Clock, keep_expunged_s: float = 0.0) -> None:
        self._boxes = Mailboxes(clock, keep_expunged_s)
        self._feed = Feed()
        self._locks: set[str] = set()
        self.turns: Turns = MemoryTurns()
        self._facts = MemoryFacts(self._boxes)
        self.headers: HeaderFields = Headers(0, HeaderCache(), self.read)
        self.keywords: Keywords = MemoryKeywords(self._boxes)
        self._annotations = MemoryAnnotations(self._boxes, self._feed.publish)
        self.imports = MemoryImports(self._boxes, self._publish)
        self.undeletion = MemoryUndeletion(self._boxes, self._publish)

    @property
    def highest_modseq(self) -> ModSeq:
        """The newest change in the account."""
        return self._boxes.modseq

    async def mailboxes(self) -> Sequence[MailboxInfo]:
        """Return every mailbox, by name."""
        return self._boxes.infos()

    async def mailbox(
        self,
        name: str,
        *,
        recheck: bool = True,  # noqa: ARG002  there is no other process
    ) -> MailboxInfo:
        """Return the mailbox called ``name``."""
        box = self._boxes.find(normalise(name))
        if box is None:
            raise NoSuchMailboxError(f"no mailbox {name!r}")
        return box.info

    async def create(self, name: str, special_use: str = "") -> MailboxInfo:
        """Create a mailbox and what is missing above it."""
        deltas = self._boxes.create(name, special_use)
        self._publish(deltas)
        return self._boxes.box(deltas[-1].change.mailbox_id).info

    async def rename(self, mailbox_id: MailboxId, name: str) -> None:
        """Give a mailbox and those below it another name."""
        self._publish(self._boxes.rename(mailbox_id, name))

    async def remove(self, mailbox_id: MailboxId) -> None:
        """Remove a mailbox and its messages."""
        self._publish(self._boxes.remove(mailbox_id))

    async def subscribe(self, name: str, *, subscribed: bool) -> None:
        """Set whether clients show it by default."""
        self._publish(self._boxes.subscribe(name, subscribed=subscribed))

    async def lost_subscriptions(self) -> Sequence[str]:
        """Return the names that are subscribed and no mailbox has."""
        return sorted(self._boxes.lost.names)

    @property
    def annotations(self) -> MemoryAnnotations:
        """What clients noted about mailboxes and the account."""
        return self._annotations

    async def view(self, mailbox_id: MailboxId) -> View:
        """Return the mailbox in memory; the caller closes it."""
        return View(self._boxes.box(mailbox_id).arrays, _nothing_to_free)

    def flags_of(self, flag_set: int) -> Flags:
        """Return the names in a flag set."""
        return self._boxes.flags[flag_set]

    async def claim_recent(self, mailbox_id: MailboxId, *, claim: bool = True) -> Uid:
        """Return the first UID no session was told of yet."""
        if not claim:
            return self._boxes.box(mailbox_id).recent_from
        return self._boxes.claim_recent(mailbox_id)

    async def append(
        self,
        where: MailboxId | Sequence[str],
        emails: Sequence[NewEmail],
        replacing: tuple[MailboxId, Uid] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> Sequence[Appended]:
        """Add messages, all or none; what they replace goes in the same change."""
        appended, deltas = self._boxes.append(where, emails, replacing, limits)
        self._publish(deltas)
        return appended

    async def set_flags(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
    ) -> FlagsSet:
        """Change flags."""
        done, deltas = self._boxes.set_flags(mailbox_id, uids, change, unchanged_since)
        self._publish(deltas)
        return done

    async def copy(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        target: MailboxId,
        limits: Limits = NO_LIMITS,
    ) -> Copied:
        """Add the same emails to ``target``."""
        self._boxes.box(target)
        check_copies(self._boxes, mailbox_id, uids, limits)
        copied, deltas = self._boxes.transfer(mailbox_id, uids, target, expunge=False)
        self._publish(deltas)
        return copied

    async def move(
        self, mailbox_id: MailboxId, uids: Sequence[Uid], target: MailboxId
    ) -> Copied:
        """Copy and expunge in one change."""
        copied, deltas = self._boxes.transfer(mailbox_id, uids, target, expunge=True)
        self._publish(deltas)
        return copied

    async def expunge(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[Uid]:
        """Remove messages whatever their flags."""
        gone, deltas = self._boxes.expunge(mailbox_id, uids)
        self._publish(deltas)
        return gone

    async def read(
        self, emails: Sequence[EmailId], columns: Sequence[Column]
    ) -> Sequence[Row | None]:
        """Return facts in the order of ``emails``."""
        return [self._boxes.emails.row(email, columns) for email in emails]

    async def saved_dates(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[float | None]:
        """Return when each message came into the mailbox."""
        return await self._facts.numbers(mailbox_id, uids, (), FactKind.SAVED)

    async def octets(
        self, email: EmailId, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the octets of an email from ``start``, in chunks."""
        found = self._boxes.emails.get(email)
        if found is None:
            raise StoreError(f"email {email} is gone")
        end = len(found.octets) if length is None else start + length
        for at in range(start, min(end, len(found.octets)), BLOB_CHUNK_OCTETS):
            yield found.octets[at : min(at + BLOB_CHUNK_OCTETS, end)]

    async def search(
        self, mailbox_id: MailboxId, predicate: Predicate
    ) -> Sequence[Uid]:
        """Return the UIDs ``predicate`` holds for, ascending."""
        snapshot = Snapshot.of(await self.view(mailbox_id))
        return await Matcher(snapshot, self._boxes.flags, self._facts).uids(predicate)

    async def expunged_since(
        self, mailbox_id: MailboxId, modseq: ModSeq
    ) -> Sequence[Uid] | None:
        """Return UIDs expunged after ``modseq``; nothing is forgotten here."""
        expunged = self._boxes.box(mailbox_id).expunged
        return sorted(uid for then, uid in expunged if then > modseq)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` with every change from now on; return how to stop it."""
        return self._feed.watch(watcher)

    def try_lock(self, purpose: str) -> Callable[[], None] | None:
        """Take an exclusive lock; ``None`` if somebody has it."""
        if purpose in self._locks:
            return None
        self._locks.add(purpose)
        return lambda: self._locks.discard(purpose)

    def _publish(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            self._feed.publish(delta.change)


class MemoryStore:
    """``pabal.store.ports.Store`` without a disk.

    Args (of the constructor):
        keep_expunged_s: How long expunged messages can still be read, seconds.
    """

    def __init__(self, clock: Clock, keep_expunged_s: float = 0.0) -> None:
        self._clock = clock
        self._keep_expunged_s = keep_expunged_s
        self._accounts: dict[AccountId, MemoryAccount] = {}
        self._shares = MemoryShares()

    @property
    def shares(self) -> MemoryShares:
        """Who shares mailboxes with whom."""
        return self._shares

    async def account(self, account_id: AccountId) -> MemoryAccount:
        """Return the account's mailboxes, made on first use."""
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = MemoryAccount(
                self._clock, self._keep_expunged_s
            )
        return account

    def changed_elsewhere(self, account_id: AccountId) -> None:
        """Do nothing: there is no other process."""

    async def remove(self, account_id: AccountId) -> None:
        """Remove every mailbox of the account."""
        self._accounts.pop(account_id, None)
        self._shares.forget(account_id)

    async def close(self) -> None:
        """Do nothing: there is nothing to finish."""


def _nothing_to_free(arrays: MailboxArrays) -> None:
    """Leave the arrays: they are the mailbox itself."""
