"""Where newer messages of a mailbox can be, without looking at each of a million.

Sans-IO. The greatest modseq of every ``BLOCK`` messages is known, or at least one that
none of them passes: an expunge moves messages from block to block, and what is known
then is a bound (*loose*) until somebody asks.
"""

from array import array
from collections.abc import Sequence
from typing import Final

from pabal.store.ports import ModSeq

BLOCK: Final = 256
"""Messages of a block: looking at their modseqs takes some 5 microseconds."""

TIGHTENED_MAX: Final = 256
"""Loose blocks looked at in one question: 1.5 ms."""


class Peaks:
    """The greatest modseqs of an array of them.

    Args (of the constructor):
        modseqs: The array as it is; whoever changes it tells.
    """

    __slots__ = ("_loose", "_peaks")

    def __init__(self, modseqs: Sequence[ModSeq] = ()) -> None:
        self._peaks = array("Q")
        self._loose = bytearray()
        self._measure(modseqs, 0)

    def grown(self, modseqs: Sequence[ModSeq], before: int) -> None:
        """Take note that messages came behind the first ``before``."""
        block, inside = divmod(before, BLOCK)
        if inside and before < len(modseqs):
            newest = max(modseqs[before : (block + 1) * BLOCK])
            self._peaks[block] = max(self._peaks[block], newest)
            block += 1
        self._measure(modseqs, block)

    def changed(self, positions: Sequence[int], newest: ModSeq) -> None:
        """Take note that messages at ``positions`` have modseqs up to ``newest``."""
        peaks = self._peaks
        for block in {position // BLOCK for position in positions}:
            peaks[block] = max(peaks[block], newest)

    def shrunk(self, gone: Sequence[int], left: int) -> None:
        """Take note that messages at ``gone`` (ascending) went, and how many are left.

        Each of those behind moved by as many as went before it.
        """
        if not gone:
            return
        first, old = gone[0] // BLOCK, self._peaks
        blocks = -(-left // BLOCK)
        # At most all that went: a block has what was in it and in some behind it.
        reach = -(-len(gone) // BLOCK) + 1
        if reach > 2:
            bound = max(old[first:])
            peaks = old[:first] + array("Q", [bound]) * max(0, blocks - first)
        else:
            peaks = old[:first]
            peaks.extend(max(old[at : at + reach]) for at in range(first, blocks))
        self._peaks = peaks[:blocks]
        loose = self._loose[:first] + b"\1" * max(0, blocks - first)
        self._loose = loose[:blocks]

    def newer(
        self, modseqs: Sequence[ModSeq], since: ModSeq, start: int, end: int
    ) -> list[tuple[int, int]]:
        """Return half-open ranges in [``start``, ``end``), ascending.

        Outside of them nothing is newer than ``since``.
        """
        found: list[tuple[int, int]] = []
        tightened = 0
        last = min(len(self._peaks), -(-end // BLOCK))
        for block in range(start // BLOCK, last):
            if self._peaks[block] <= since:
                continue
            first = block * BLOCK
            if self._loose[block] and tightened < TIGHTENED_MAX:
                tightened += 1
                self._peaks[block] = max(modseqs[first : first + BLOCK])
                self._loose[block] = 0
                if self._peaks[block] <= since:
                    continue
            first, behind = max(start, first), min(end, first + BLOCK)
            if found and found[-1][1] == first:
                first = found.pop()[0]
            found.append((first, behind))
        return found

    def _measure(self, modseqs: Sequence[ModSeq], first: int) -> None:
        """Look at every block from ``first`` on."""
        starts = range(first * BLOCK, len(modseqs), BLOCK)
        del self._peaks[first:]
        self._peaks.extend(max(modseqs[at : at + BLOCK]) for at in starts)
        self._loose[first:] = bytes(len(starts))
