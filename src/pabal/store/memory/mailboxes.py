"""The mailboxes of one account as data: every rule of theirs, no waiting.

Sans-IO. Methods return what changed; ``MemoryAccount`` publishes it.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pabal.base.clock import Clock
from pabal.store.counts import count
from pabal.store.delta import Delta
from pabal.store.flags import FlagChange, Flags
from pabal.store.flagtable import FlagTable
from pabal.store.imports import UID_VALIDITY_MAX
from pabal.store.keywords import RememberedKeywords, lost
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.memory.emails import Emails
from pabal.store.memory.subscriptions import LostSubscriptions
from pabal.store.names import children, is_below, moved, normalise, parents
from pabal.store.ports import (
    INBOX,
    Added,
    Annotated,
    Appended,
    Copied,
    Expunged,
    FlagsSet,
    MailboxChanged,
    MailboxEvent,
    MailboxExistsError,
    MailboxId,
    MailboxInfo,
    MailboxNameError,
    ModSeq,
    NewEmail,
    NoSuchMailboxError,
    OverQuotaError,
    Reflagged,
    StoreError,
    Uid,
)
from pabal.store.undelete import Gone
from pabal.store.view import MailboxArrays


@dataclass(slots=True)
class Box:
    """One mailbox: its arrays are the truth here."""

    arrays: MailboxArrays
    saved: dict[Uid, float] = field(default_factory=dict)
    expunged: list[tuple[ModSeq, Uid]] = field(default_factory=list)
    recent_from: Uid = 1
    lost: RememberedKeywords = field(default_factory=RememberedKeywords)

    @property
    def info(self) -> MailboxInfo:
        """The mailbox with its counters."""
        return self.arrays.info


class Mailboxes:
    """Every mailbox of one account."""

    def __init__(self, clock: Clock, keep_expunged_s: float) -> None:
        self.flags = FlagTable()
        self.emails = Emails(clock, keep_expunged_s)
        self.modseq: ModSeq = 1
        self._clock = clock
        self._boxes: dict[MailboxId, Box] = {}
        self._last_id: MailboxId = 0
        self.last_validity = 0
        self.lost = LostSubscriptions()
        self.gone: dict[int, Gone] = {}
        self._new_box(INBOX, "")

    def box(self, mailbox_id: MailboxId) -> Box:
        """Return a mailbox; raises NoSuchMailboxError."""
        box = self._boxes.get(mailbox_id)
        if box is None:
            raise NoSuchMailboxError(f"no mailbox {mailbox_id}")
        return box

    def find(self, name: str) -> Box | None:
        """Return the mailbox called ``name`` (normalised)."""
        for box in self._boxes.values():
            if box.info.name == name:
                return box
        return None

    def infos(self) -> list[MailboxInfo]:
        """Return every mailbox, by name."""
        infos = [box.info for box in self._boxes.values()]
        return sorted(infos, key=lambda info: info.name)

    def create(self, name: str, special_use: str) -> list[Delta]:
        """Create ``name`` and what is missing above it; it comes last."""
        name = normalise(name)
        if self.find(name) is not None:
            raise MailboxExistsError(f"there is a mailbox {name!r}")
        self.modseq += 1
        deltas = self._create_parents(name)
        return [*deltas, self._created(name, special_use)]

    def rename(self, mailbox_id: MailboxId, new: str) -> list[Delta]:
        """Rename a mailbox and those below it; INBOX only gives its messages."""
        info = self.box(mailbox_id).info
        new = normalise(new)
        if info.name == INBOX:
            deltas = self.create(new, "")
            target = deltas[-1].change.mailbox_id
            everything = self.box(mailbox_id).arrays.uids[:]
            if not everything:
                return deltas
            return (
                deltas + self._transfer(mailbox_id, everything, target, expunge=True)[1]
            )
        names = [box.name for box in self.infos()]
        if is_below(new, info.name):
            raise MailboxNameError("a mailbox cannot move below itself")
        renames = {
            name: moved(name, info.name, new)
            for name in (info.name, *children(info.name, names))
        }
        taken = set(names) - set(renames)
        if new == info.name or taken & set(renames.values()):
            raise MailboxExistsError(f"there is a mailbox {new!r}")
        self.modseq += 1
        deltas = self._create_parents(new)
        return deltas + [self._renamed(old, name) for old, name in renames.items()]

    def remove(self, mailbox_id: MailboxId) -> list[Delta]:
        """Remove a mailbox and its messages."""
        box = self.box(mailbox_id)
        if box.info.name == INBOX:
            raise MailboxNameError("INBOX cannot be removed")
        self.modseq += 1
        self.gone |= _gone(self, box, range(len(box.arrays)), self._clock.now())
        self.emails.release(box.arrays.emails)
        del self._boxes[mailbox_id]
        if box.info.subscribed:
            self.lost.names.add(box.info.name)
        change = MailboxChanged(
            self.modseq, mailbox_id, MailboxEvent.REMOVED, box.info.name
        )
        return [self._apply(box, Delta(change, None))]

    def subscribe(self, name: str, *, subscribed: bool) -> list[Delta]:
        """Set whether ``name`` is subscribed."""
        name = normalise(name)
        box = self.find(name)
        if box is None:
            self.lost.subscribe(name, subscribed=subscribed)
            return []
        if box.info.subscribed == subscribed:
            return []
        self.modseq += 1
        event = MailboxEvent.SUBSCRIBED if subscribed else MailboxEvent.UNSUBSCRIBED
        info = replace(box.info, subscribed=subscribed)
        change = MailboxChanged(self.modseq, info.id, event, info.name)
        return [self._apply(box, Delta(change, info))]

    def append(
        self,
        where: MailboxId | Sequence[str],
        news: Sequence[NewEmail],
        replacing: tuple[MailboxId, Uid] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> tuple[list[Appended], list[Delta]]:
        """Add messages, and expunge the one they replace."""
        replaced = [] if replacing is None else [_replaced(self, *replacing)]
        box = self.box(where) if isinstance(where, int) else _first(self, where)
        if not news:
            return [], []
        _check_news(self, news, replaced, limits)
        flag_sets = _interned(self, news)
        emails = [self.emails.add(new) for new in news]
        self.modseq += 1
        delta = self._arrived(box, emails, flag_sets)
        info = box.info
        appended = [
            Appended(info.id, info.name, info.uid_validity, uid, email, self.modseq)
            for uid, email in zip(_uids(delta), emails, strict=True)
        ]
        return appended, [delta, *(self._gone(*one) for one in replaced)]

    def set_flags(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None,
    ) -> tuple[FlagsSet, list[Delta]]:
        """Change flags of messages not newer than ``unchanged_since``."""
        box = self.box(mailbox_id)
        arrays = box.arrays
        positions = arrays.positions(uids)
        refused: list[Uid] = []
        if unchanged_since is not None:
            newer = [at for at in positions if arrays.modseqs[at] > unchanged_since]
            refused = [arrays.uids[at] for at in newer]
            positions = [
                at for at in positions if arrays.modseqs[at] <= unchanged_since
            ]
        size = len(self.flags)
        try:
            sets = {
                old: self.flags.changed(old, change)
                for old in dict.fromkeys(arrays.flags[at] for at in positions)
            }
        except BaseException:
            self.flags.forget_from(size)
            raise
        positions = [
            at for at in positions if sets[arrays.flags[at]] != arrays.flags[at]
        ]
        changed = [arrays.uids[at] for at in positions]
        if not changed:
            return FlagsSet(box.info.highest_modseq, (), refused), []
        before = [arrays.flags[at] for at in positions]
        after = [sets[old] for old in before]
        self.modseq += 1
        box.lost.note(lost(self.flags.__getitem__, sets.items()))
        counts = count(after, self.flags) - count(before, self.flags)
        delta = Delta(
            Reflagged(self.modseq, mailbox_id, changed),
            counts.added_to(box.info, self.modseq),
            flag_sets=after,
        )
        return FlagsSet(self.modseq, changed, refused), [self._apply(box, delta)]

    def transfer(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        target_id: MailboxId,
        *,
        expunge: bool,
    ) -> tuple[Copied, list[Delta]]:
        """Copy, or move with ``expunge``."""
        self.box(mailbox_id)
        target = self.box(target_id)
        if not self.box(mailbox_id).arrays.positions(uids):
            info = target.info
            return Copied(info.uid_validity, (), (), info.highest_modseq), []
        self.modseq += 1
        return self._transfer(mailbox_id, uids, target_id, expunge=expunge)

    def expunge(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> tuple[list[Uid], list[Delta]]:
        """Remove messages."""
        box = self.box(mailbox_id)
        if not box.arrays.positions(uids):
            return [], []
        self.modseq += 1
        delta = self._gone(box, uids)
        return list(_uids(delta)), [delta]

    def claim_recent(self, mailbox_id: MailboxId) -> Uid:
        """Return the first UID nobody was told of."""
        box = self.box(mailbox_id)
        first, box.recent_from = box.recent_from, box.info.uid_next
        return first

    def _transfer(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        target_id: MailboxId,
        *,
        expunge: bool,
    ) -> tuple[Copied, list[Delta]]:
        source, target = self.box(mailbox_id), self.box(target_id)
        arrays = source.arrays
        positions = arrays.positions(uids)
        sources = [arrays.uids[at] for at in positions]
        emails = [arrays.emails[at] for at in positions]
        flag_sets = [arrays.flags[at] for at in positions]
        self.emails.hold(emails)
        deltas = [self._arrived(target, emails, flag_sets)]
        if expunge:
            deltas.append(self._gone(source, sources))
        validity, targets = target.info.uid_validity, _uids(deltas[0])
        return Copied(validity, sources, targets, self.modseq), deltas

    def _arrived(
        self, box: Box, emails: Sequence[int], flag_sets: Sequence[int]
    ) -> Delta:
        first = box.info.uid_next
        uids = range(first, first + len(emails))
        counts = count(flag_sets, self.flags, self.emails.size(emails))
        info = counts.added_to(box.info, self.modseq, uids.stop)
        box.saved.update(dict.fromkeys(uids, self._clock.now()))
        change = Added(self.modseq, info.id, uids)
        return self._apply(box, Delta(change, info, emails, flag_sets))

    def _gone(self, box: Box, uids: Sequence[Uid]) -> Delta:
        arrays = box.arrays
        positions = arrays.positions(uids)
        there = [arrays.uids[at] for at in positions]
        emails = array("Q", [arrays.emails[at] for at in positions])
        flag_sets = [arrays.flags[at] for at in positions]
        counts = count(flag_sets, self.flags, self.emails.size(emails))
        delta = Delta(
            Expunged(self.modseq, box.info.id, there),
            (-counts).added_to(box.info, self.modseq),
        )
        self.gone |= _gone(self, box, positions, self._clock.now())
        box.lost.note(lost(self.flags.__getitem__, [(one, 0) for one in flag_sets]))
        self.emails.release(emails)
        for uid in there:
            del box.saved[uid]
        box.expunged += [(self.modseq, uid) for uid in there]
        return self._apply(box, delta)

    def restore(
        self, emails: Sequence[int], flags: Sequence[Flags], target: MailboxId
    ) -> list[Delta]:
        """Put emails nobody holds into ``target``."""
        self.emails.hold(emails)
        self.modseq += 1
        flag_sets = [self.flags.intern(one) for one in flags]
        return [self._arrived(self.box(target), emails, flag_sets)]

    def _create_parents(self, name: str) -> list[Delta]:
        missing = [one for one in parents(name) if self.find(one) is None]
        return [self._created(one, "") for one in missing]

    def _created(self, name: str, special_use: str) -> Delta:
        box = self._new_box(name, special_use)
        change = MailboxChanged(self.modseq, box.info.id, MailboxEvent.CREATED, name)
        return Delta(change, box.info)

    def _renamed(self, old: str, new: str) -> Delta:
        box = self.find(old)
        if box is None:
            raise NoSuchMailboxError(f"no mailbox {old!r}")
        subscribed = self.lost.take(new) or box.info.subscribed
        info = replace(box.info, name=new, subscribed=subscribed)
        change = MailboxChanged(self.modseq, info.id, MailboxEvent.RENAMED, new, old)
        return self._apply(box, Delta(change, info))

    def _new_box(self, name: str, special_use: str) -> Box:
        self._last_id += 1
        self.last_validity = _validity(self.last_validity, self._clock.now())
        info = MailboxInfo(
            id=self._last_id,
            name=name,
            special_use=special_use,
            subscribed=self.lost.take(name) or name == INBOX,
            uid_validity=self.last_validity,
            uid_next=1,
            highest_modseq=self.modseq,
        )
        box = self._boxes[info.id] = Box(MailboxArrays(info))
        return box

    def _apply(self, box: Box, delta: Delta) -> Delta:
        box.arrays.apply(delta)
        return delta


def _replaced(
    boxes: Mailboxes, mailbox_id: MailboxId, uid: Uid
) -> tuple[Box, Sequence[Uid]]:
    """Return where a message is that another replaces."""
    box = boxes.box(mailbox_id)
    if not box.arrays.positions((uid,)):
        raise StoreError("the message to be replaced is gone")
    return box, (uid,)


def _validity(last: int, now: float) -> int:
    """Return the UIDVALIDITY after ``last``: the time, but for a clock gone mad."""
    return max(last + 1, int(now) if now <= UID_VALIDITY_MAX else 0)


def check_copies(
    boxes: Mailboxes, mailbox_id: MailboxId, uids: Sequence[Uid], limits: Limits
) -> None:
    """Check that the account may have copies of messages; raises OverQuotaError."""
    check_room(boxes, limits, _sizes(boxes, boxes.box(mailbox_id), uids))


def _check_news(
    boxes: Mailboxes,
    news: Sequence[NewEmail],
    replaced: Sequence[tuple[Box, Sequence[Uid]]],
    limits: Limits,
) -> None:
    freed = [size for one in replaced for size in _sizes(boxes, *one)]
    check_room(boxes, limits, [new.spool.size for new in news], freed)


def _sizes(boxes: Mailboxes, box: Box, uids: Sequence[Uid]) -> list[int]:
    emails = box.arrays.emails
    return [boxes.emails.size([emails[at]]) for at in box.arrays.positions(uids)]


def check_room(
    boxes: Mailboxes, limits: Limits, came: Sequence[int], went: Sequence[int] = ()
) -> None:
    """Check that the account may have so many octets more, a number a message.

    Raises:
        OverQuotaError: It would have more than ``limits``.
    """
    if not limits.have_room(boxes.infos(), came, went):
        raise OverQuotaError("the account is full")


def _interned(boxes: Mailboxes, news: Sequence[NewEmail]) -> list[int]:
    """Return the flag sets of messages; none is left behind if one cannot be."""
    size = len(boxes.flags)
    try:
        return [boxes.flags.intern(new.flags) for new in news]
    except BaseException:
        boxes.flags.forget_from(size)
        raise


def _gone(
    boxes: Mailboxes, box: Box, positions: Sequence[int], now: float
) -> dict[int, Gone]:
    """Return what is to be remembered of messages that go."""
    arrays = box.arrays
    return {
        arrays.emails[at]: Gone(
            arrays.emails[at],
            box.info.name,
            arrays.uids[at],
            boxes.flags[arrays.flags[at]],
            boxes.emails.size([arrays.emails[at]]),
            now,
        )
        for at in positions
    }


def _uids(delta: Delta) -> Sequence[Uid]:
    change = delta.change
    return () if isinstance(change, MailboxChanged | Annotated) else change.uids


def _first(boxes: Mailboxes, names: Sequence[str]) -> Box:
    """Return the first mailbox there is of ``names``."""
    for name in names:
        box = boxes.find(name)
        if box is not None:
            return box
    raise NoSuchMailboxError(f"no mailbox {names[0]!r}")
