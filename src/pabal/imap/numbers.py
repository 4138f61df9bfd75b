"""Message sequence numbers of one session: what its client believes, told in order.

Sans-IO. The client numbers messages by what it was told. A session keeps the array of
UIDs it has told about, and a count; the mailbox moves on, and ``advance`` says what is
to be told so that the client has caught up.
Source: RFC 9051 §5.5 and §7.5.1 (when EXPUNGE may be sent), §2.3.1.2 (numbers).
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.imap.wire.sequence import SequenceSet, index_ranges
from pabal.store.ports import MailboxView, ModSeq, Uid

SEARCHED_GONE_MAX: Final = 64
"""Expunged messages found one by one; above it whole arrays are compared."""

CHANGED_UIDS_MAX: Final = 100_000
"""UIDs with changed flags remembered for a session; above it their modseqs are."""

OWN_CHANGES_MAX: Final = 256
"""Own changes waited for; one forgotten is told, which is no more than needless."""


class NumberError(ProtocolError):
    """A message number beyond the last message (RFC 9051 §9, seq-number)."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What to tell the client, in this order.

    Attributes:
        gone: Message numbers expunged, each right when told in this order.
        gone_uids: Their UIDs, ascending.
        exists: Messages now, if there are others than before.
        reflagged: Indexes into ``Numbers.uids`` of messages with other flags.
    """

    gone: Sequence[int] = ()
    gone_uids: Sequence[Uid] = ()
    exists: int | None = None
    reflagged: Sequence[int] = ()


class Numbers:
    """What one session's client knows of a mailbox.

    Attributes:
        uids: UIDs of the messages told about: the first ``count`` of it. Never changed
            but by ``advance``.
        count: Messages told about.
    """

    __slots__ = (
        "_changed",
        "_changed_count",
        "_changed_since",
        "_own",
        "_view",
        "count",
        "uids",
    )

    def __init__(self, view: MailboxView) -> None:
        self._view = view
        self.uids: array[int] = view.uids
        self.count = len(view.uids)
        self._changed: dict[ModSeq, Sequence[Uid]] = {}
        self._changed_count = 0
        self._changed_since: ModSeq | None = None
        self._own: list[ModSeq] = []

    @property
    def behind(self) -> bool:
        """Whether there is something to tell."""
        return (
            self._view.uids is not self.uids
            or len(self.uids) != self.count
            or bool(self._changed)
            or self._changed_since is not None
        )

    @property
    def shrunk(self) -> bool:
        """Whether messages are gone that the client counts still."""
        return self._view.uids is not self.uids

    @property
    def last_uid(self) -> Uid:
        """The largest UID told about, 0 if there is none."""
        return self.uids[self.count - 1] if self.count else 0

    def index(self, uid: Uid) -> int:
        """Return the index of ``uid`` in ``uids``, -1 if the client was not told."""
        at = bisect_left(self.uids, uid, 0, self.count)
        return at if at < self.count and self.uids[at] == uid else -1

    def indexes(
        self, numbers: SequenceSet, saved: Sequence[Uid], *, by_uid: bool
    ) -> list[tuple[int, int]]:
        """Return half-open ranges of indexes into ``uids`` for a client's set.

        Args:
            saved: UIDs ``$`` stands for.

        Raises:
            NumberError: A message number is larger than ``count``; UIDs never are.
        """
        if numbers.saved:
            pairs = [(uid, uid) for uid in saved]
            return join(index_ranges(self.uids, self.count, pairs))
        if by_uid:
            ranges = numbers.resolve(self.last_uid)
            return index_ranges(self.uids, self.count, ranges)
        ranges = numbers.resolve(self.count)
        if not ranges:
            # ``1:*`` of an empty mailbox is every message it has: none.
            return []
        if ranges[-1][1] > self.count and not (self.count == 0 and _open(numbers)):
            raise NumberError("there is no message of that number")
        return [(low - 1, min(high, self.count)) for low, high in ranges if self.count]

    def note_flags(self, modseq: ModSeq, uids: Sequence[Uid]) -> None:
        """Take note that flags of ``uids`` changed."""
        if modseq in self._own:
            self._own.remove(modseq)
            return
        if self._changed_since is not None:
            return
        self._changed[modseq] = uids
        self._changed_count += len(uids)
        if self._changed_count > CHANGED_UIDS_MAX:
            self._changed_since = min(self._changed)
            self._forget_changed()

    def own_change(self, modseq: ModSeq, uids: Sequence[Uid]) -> None:
        """Take note that this session made the change: the client knows already."""
        if not uids:
            return
        noted = self._changed.pop(modseq, None)
        self._changed_count -= len(noted or ())
        if noted is None and modseq not in self._own:
            # The store has not told the watcher yet.
            if len(self._own) >= OWN_CHANGES_MAX:
                self._own.clear()
            self._own.append(modseq)

    def advance(self, *, expunges: bool) -> Advance:
        """Catch up with the mailbox and say what to tell.

        Without ``expunges`` nothing that renumbers is told: not even arrivals, once
        messages are gone, since their numbers cannot be known before.
        """
        view, gone, before = self._view, list[int](), self.count
        gone_uids: list[Uid] = []
        if view.uids is not self.uids:
            if not expunges:
                return Advance(reflagged=self._take_reflagged())
            gone = _missing(self.uids, self.count, view.uids)
            gone_uids = [self.uids[index] for index in gone]
            self.uids = view.uids
        left = before - len(gone)
        self.count = len(self.uids)
        numbers = [index + 1 for index in reversed(gone)]
        exists = self.count if self.count != left else None
        return Advance(numbers, gone_uids, exists, self._take_reflagged(left))

    def _take_reflagged(self, known: int | None = None) -> Sequence[int]:
        """Return indexes of messages with other flags, among the first ``known``."""
        known = self.count if known is None else known
        if self._changed_since is not None:
            since, self._changed_since = self._changed_since, None
            return self._modified(since, known)
        if not self._changed:
            return ()
        found = set().union(*self._changed.values())
        self._forget_changed()
        indexes = (bisect_left(self.uids, uid, 0, known) for uid in sorted(found))
        return [
            index
            for uid, index in zip(sorted(found), indexes, strict=True)
            if index < known and self.uids[index] == uid
        ]

    def _forget_changed(self) -> None:
        self._changed.clear()
        self._changed_count = 0

    def _modified(self, since: ModSeq, known: int) -> list[int]:
        current = self._view.uids
        return [
            index
            for uid, modseq in zip(current, self._view.modseqs, strict=False)
            if modseq >= since and 0 <= (index := self.index(uid)) < known
        ]


def _open(numbers: SequenceSet) -> bool:
    return any(0 in pair for pair in numbers.ranges)


def join(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ascending half-open ``ranges`` with those that touch made one."""
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _missing(old: "array[int]", count: int, new: "array[int]") -> list[int]:
    """Return the indexes of the first ``count`` of ``old`` that are not in ``new``.

    Both ascend, and what ``new`` has besides is larger than all of ``old``. So as long
    as nothing is missing the two run in step, and the first difference is found by
    bisection. Cost: a few steps a missing message; linear when there are many.
    """
    missing: list[int] = []
    start = 0
    while start < count:
        shift = len(missing)
        low, high = start, count
        while low < high:
            middle = (low + high) // 2
            at = middle - shift
            if at < len(new) and new[at] == old[middle]:
                low = middle + 1
            else:
                high = middle
        if low >= count:
            return missing
        missing.append(low)
        if len(missing) > SEARCHED_GONE_MAX:
            there = set(new)
            return [index for index in range(count) if old[index] not in there]
        start = low + 1
    return missing
