"""Message sequence numbers of one session: what its client believes, told in order.

Sans-IO. The client numbers messages by what it was told. A session keeps the array of
UIDs it has told about, and a count; the mailbox moves on, and ``advance`` says what is
to be told so that the client has caught up.
Source: RFC 9051 §5.5 and §7.5.1 (when EXPUNGE may be sent), §2.3.1.2 (numbers).
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.imap.wire.sequence import SequenceSet, index_ranges, ranges_of
from pabal.store.ports import MailboxView, ModSeq, Uid

GAP_MESSAGES: Final = 32
"""To find a gap takes 2 us, as long as to compare so many messages."""

COMPARED_AT_ONCE: Final = 1_024
"""Messages compared with a set."""

_OPPOSITE: Final = bytes((1, 0)) + bytes(254)
"""Translates what is there to what is not."""

FLAGS_AT_ONCE: Final = 5_000
"""Messages whose changed flags are told at once, about: 1 ms."""

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
        reflagged: Ranges of indexes into ``Numbers.uids``: messages with other flags.
    """

    gone: Sequence[int] = ()
    gone_uids: Sequence[Uid] = ()
    exists: int | None = None
    reflagged: Sequence[tuple[int, int]] = ()


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
            or self.reflagged
        )

    @property
    def reflagged(self) -> bool:
        """Whether flags changed that ``advance`` has to tell of."""
        return bool(self._changed) or self._changed_since is not None

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
        view, before = self._view, self.count
        if view.uids is self.uids:
            self.count = len(self.uids)
            exists = self.count if self.count != before else None
            return Advance(exists=exists, reflagged=self._take_reflagged(before))
        if not expunges:
            return Advance(reflagged=self._take_reflagged(before))
        gone = _missing(self.uids, before, view.uids)
        gone_uids, numbers = array("I"), list[int]()
        for start, end in gone:
            gone_uids += self.uids[start:end]
        for start, end in reversed(gone):
            numbers += range(end, start, -1)
        self.uids = view.uids
        left = before - len(numbers)
        self.count = len(self.uids)
        exists = self.count if self.count != left else None
        return Advance(numbers, gone_uids, exists, self._take_reflagged(left))

    def _take_reflagged(self, known: int) -> Sequence[tuple[int, int]]:
        """Return which of the first ``known`` messages have other flags.

        Not of all, if they are many: what is left is ``reflagged`` still.
        """
        if self._changed_since is not None:
            since, self._changed_since = self._changed_since, None
            return self._modified(since, known)
        if not self._changed:
            return ()
        found = set[Uid]()
        while self._changed and len(found) < FLAGS_AT_ONCE:
            uids = self._changed.pop(next(iter(self._changed)))
            self._changed_count -= len(uids)
            found.update(uids)
        return index_ranges(self.uids, known, ranges_of(sorted(found)))

    def _forget_changed(self) -> None:
        self._changed.clear()
        self._changed_count = 0

    def _modified(self, since: ModSeq, known: int) -> Sequence[tuple[int, int]]:
        view = self._view
        current, found = view.uids, list[tuple[Uid, Uid]]()
        for first, last in view.newer(since - 1, 0, len(current)):
            marks = bytes(map(since.__le__, view.modseqs[first:last]))
            found += [
                (current[first + low], current[first + high - 1])
                for low, high in runs(marks)
            ]
        return join(index_ranges(self.uids, known, found))


def runs(marks: bytes) -> Iterator[tuple[int, int]]:
    """Yield where ``marks`` is 1 and not 0, as half-open ranges."""
    start = marks.find(1)
    while start >= 0:
        end = marks.find(0, start)
        yield start, end if end >= 0 else len(marks)
        start = marks.find(1, end) if end >= 0 else -1


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


def _missing(old: "array[int]", count: int, new: "array[int]") -> list[tuple[int, int]]:
    """Return which of the first ``count`` of ``old`` are not in ``new``, as ranges.

    Both ascend, and what ``new`` has besides is larger than all of ``old``. Up to a gap
    both say the same at places that are ``shift`` apart, after it nowhere: each is
    found by bisection, unless there are very many.
    """
    missing: list[tuple[int, int]] = []
    left = bisect_right(new, old[count - 1]) if count else 0
    at = shift = 0
    while shift < count - left:
        if len(missing) * GAP_MESSAGES > count:
            return missing + _compared(old, at, count, new)
        there = range(at, left + shift)
        differs = partial(_differs, old, new, shift)
        at += bisect_left(there, True, key=differs)  # noqa: FBT003  what it looks for
        end = count if at == left + shift else bisect_left(old, new[at - shift], at)
        missing.append((at, end))
        shift += end - at
        at = end
    return missing


def _differs(old: "array[int]", new: "array[int]", shift: int, at: int) -> bool:
    return old[at] != new[at - shift]


def _compared(
    old: "array[int]", begin: int, count: int, new: "array[int]"
) -> list[tuple[int, int]]:
    """Return the same from ``begin`` on, message by message; no set of all is made."""
    missing: list[tuple[int, int]] = []
    for start in range(begin, count, COMPARED_AT_ONCE):
        part = old[start : min(count, start + COMPARED_AT_ONCE)]
        low = bisect_left(new, part[0])
        there = set(new[low : bisect_right(new, part[-1], low)])
        marks = bytes(map(there.__contains__, part)).translate(_OPPOSITE)
        missing += [(start + first, start + last) for first, last in runs(marks)]
    return join(missing)
