"""A mailbox in memory: parallel arrays, moved forward by changes.

Sans-IO. Both adapters share this, so they show sessions the same.
Cost: 24 octets a message; an arrival is O(1), a flag change O(log n) a message, an
expunge one copy of the arrays.
"""

import codecs
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Final

from pabal.store.delta import Delta
from pabal.store.peaks import Peaks
from pabal.store.ports import (
    Added,
    Annotated,
    Expunged,
    MailboxChanged,
    MailboxInfo,
    ModSeq,
    Reflagged,
    Uid,
)

Columns = tuple["array[int]", "array[int]", "array[int]", "array[int]"]
"""UIDs, email ids, flag sets, modseqs."""


# Looked up here: once it is not root any more, a process may not find the codec's file.
_UTF32: Final = codecs.lookup(f"utf-32-{sys.byteorder[0]}e").name
"""What an array of typecode ``I`` is as text."""


def empty_columns() -> Columns:
    """Return the four arrays of a mailbox without messages."""
    return array("I"), array("Q"), array("I"), array("Q")


class MailboxArrays:
    """The arrays of one mailbox and how many use them.

    Attributes:
        info: The mailbox, with current counters.
        uids: UIDs, ascending.
        emails: Email ids.
        flags: Flag set ids.
        modseqs: Modseqs.
        peaks: The greatest of them, by block.
        users: Views handed out and not closed.
        removed: The mailbox is gone.
        loaded_at: Modseq of the account when the arrays were read; changes up to it are
            in them already.
    """

    __slots__ = (
        "emails",
        "flags",
        "info",
        "loaded_at",
        "modseqs",
        "peaks",
        "removed",
        "uids",
        "users",
    )

    def __init__(
        self,
        info: MailboxInfo,
        columns: Columns | None = None,
        peaks: Peaks | None = None,
    ) -> None:
        self.info = info
        self.uids, self.emails, self.flags, self.modseqs = columns or empty_columns()
        self.peaks = Peaks(self.modseqs) if peaks is None else peaks
        self.users = 0
        self.removed = False
        self.loaded_at: ModSeq = 0

    def __len__(self) -> int:
        return len(self.uids)

    def apply(self, delta: Delta) -> None:
        """Move forward by one change of this mailbox."""
        if delta.change.modseq <= self.loaded_at:
            return
        if delta.info is None:
            self.removed = True
        else:
            self.info = delta.info
        match delta.change:
            case Added(uids=uids):
                self._add(uids, delta)
            case Reflagged(uids=uids):
                self._reflag(uids, delta)
            case Expunged(uids=uids):
                self._expunge(uids)
            case MailboxChanged() | Annotated():
                pass

    def positions(self, uids: Sequence[Uid]) -> list[int]:
        """Return where those of ``uids`` that exist are, ascending, each once."""
        mine = self.uids
        if not uids or not mine:
            return []
        start = bisect_left(mine, uids[0])
        end = start + len(uids)
        if mine[start:end] == array("I", uids):
            # All in a row, and in their order: the usual case of many.
            return list(range(start, end))
        wanted = uids if is_ascending(uids) else sorted(set(uids))
        found, start, size = [], 0, len(mine)
        for uid in wanted:
            start = bisect_left(mine, uid, start)
            if start == size:
                break
            if mine[start] == uid:
                found.append(start)
        return found

    def _add(self, uids: Sequence[Uid], delta: Delta) -> None:
        # A change read back may tell again of messages that were loaded since.
        start = bisect_right(uids, self.uids[-1]) if self.uids else 0
        before = len(self.uids)
        self.uids.extend(uids[start:])
        self.emails.extend(delta.emails[start:])
        self.flags.extend(delta.flag_sets[start:])
        self.modseqs.extend(_modseqs(delta, len(uids))[start:])
        self.peaks.grown(self.modseqs, before)

    def _reflag(self, uids: Sequence[Uid], delta: Delta) -> None:
        positions = self.positions(uids)
        flags, modseqs = delta.flag_sets, _modseqs(delta, len(uids))
        if len(positions) != len(uids):
            known = set(map(self.uids.__getitem__, positions))
            there = [uid in known for uid in uids]
            flags = list(compress(flags, there))
            modseqs = array("Q", compress(modseqs, there))
        self.peaks.changed(positions, delta.change.modseq)
        if positions and positions[-1] + 1 - positions[0] == len(positions):
            self.flags[positions[0] : positions[-1] + 1] = array("I", flags)
            self.modseqs[positions[0] : positions[-1] + 1] = modseqs
            return
        for position, flag_set, modseq in zip(positions, flags, modseqs, strict=True):
            self.flags[position] = flag_set
            self.modseqs[position] = modseq

    def _expunge(self, uids: Sequence[Uid]) -> None:
        gone = self.positions(uids)
        runs = kept_runs(gone, len(self.uids))
        self.uids = _cut(self.uids, runs)
        self.emails = _cut(self.emails, runs)
        self.flags = _cut(self.flags, runs)
        self.modseqs = _cut(self.modseqs, runs)
        self.peaks.shrunk(gone, len(self.uids))


class View:
    """One session's hold on the arrays: ``pabal.store.ports.MailboxView``."""

    __slots__ = ("_arrays", "_freed", "_open")

    def __init__(
        self, arrays: MailboxArrays, freed: Callable[[MailboxArrays], None]
    ) -> None:
        self._arrays = arrays
        self._freed = freed
        self._open = True
        arrays.users += 1

    @property
    def mailbox(self) -> MailboxInfo:
        """The mailbox, with current counters."""
        return self._arrays.info

    @property
    def uids(self) -> "array[int]":
        """UIDs, ascending (typecode ``I``)."""
        return self._arrays.uids

    @property
    def emails(self) -> "array[int]":
        """Email ids (typecode ``Q``)."""
        return self._arrays.emails

    @property
    def flags(self) -> "array[int]":
        """Ids of flag sets (typecode ``I``)."""
        return self._arrays.flags

    @property
    def modseqs(self) -> "array[int]":
        """Modseqs (typecode ``Q``)."""
        return self._arrays.modseqs

    def newer(self, since: ModSeq, start: int, end: int) -> list[tuple[int, int]]:
        """Return half-open ranges of positions; outside nothing is newer."""
        arrays = self._arrays
        return arrays.peaks.newer(arrays.modseqs, since, start, end)

    def close(self) -> None:
        """Stop using it; the last one to close frees the arrays."""
        if not self._open:
            return
        self._open = False
        self._arrays.users -= 1
        if not self._arrays.users:
            self._freed(self._arrays)


def is_ascending(uids: Sequence[Uid]) -> bool:
    """Return whether each of ``uids`` is greater than the one before."""
    if isinstance(uids, range):
        return uids.step > 0
    return all(map(int.__lt__, uids, uids[1:]))


def distinct(values: "array[int]") -> set[int]:
    """Return the values in an array of typecode ``I``, each once; quick for few."""
    try:
        # Read as text, numbers below 256 are Latin-1: 1 ms for a million of them, a
        # tenth of what looking at every fourth octet takes.
        left = str(values, _UTF32).encode("latin-1")
    except UnicodeError:
        return set(values)
    # What is left without the first one's like, and so on.
    found = set[int]()
    while left:
        found.add(left[0])
        left = left.translate(None, left[:1])
    return found


def in_ranges(
    uids: Sequence[Uid], ranges: Sequence[tuple[Uid, Uid]]
) -> list[tuple[int, int]]:
    """Return which positions of ascending ``uids`` lie in inclusive ``ranges``.

    The result is half-open, in the order of ``ranges``, without empty ones.
    """
    found = []
    for low, high in ranges:
        start, end = bisect_left(uids, low), bisect_right(uids, high)
        if start < end:
            found.append((start, end))
    return found


def kept_runs(gone: Sequence[int], size: int) -> list[tuple[int, int]]:
    """Return the half-open runs of positions below ``size`` that stay.

    Args:
        gone: Positions that go, ascending.
    """
    if gone and gone[-1] + 1 - gone[0] == len(gone):
        around = (0, gone[0]), (gone[-1] + 1, size)
        return [(start, end) for start, end in around if start < end]
    runs = []
    start = 0
    for position in gone:
        if start < position:
            runs.append((start, position))
        start = position + 1
    if start < size:
        runs.append((start, size))
    return runs


def _modseqs(delta: Delta, size: int) -> "array[int]":
    if delta.modseqs:
        return array("Q", delta.modseqs)
    return array("Q", [delta.change.modseq]) * size


def _cut(values: "array[int]", runs: Sequence[tuple[int, int]]) -> "array[int]":
    kept = array(values.typecode)
    for start, end in runs:
        kept += values[start:end]
    return kept
