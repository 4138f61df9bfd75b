"""Sets of numbers as ranges: never a Python object a number.

Sans-IO.
Source: RFC 9051 §9 (sequence-set, uid-set), RFC 5182 §2.4 (``$``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

STAR: Final = 0
"""Stands for ``*``, the largest number in use; 0 itself is not a number here."""

NUMBER_MAX: Final = 0xFFFF_FFFF
"""Largest message number or UID (RFC 9051 §9, nz-number)."""

RANGES_MAX: Final = 20_000
"""Ranges in one set; a line of 64 KiB hardly holds more."""

Ranges = Sequence[tuple[int, int]]
"""Inclusive ranges, ascending, not touching each other."""


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """What a client wrote as a sequence-set.

    Attributes:
        ranges: As written, inclusive; ``STAR`` for ``*``.
        saved: Whether it is ``$``, the saved search result (RFC 5182 §2.4).
    """

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    def resolve(self, largest: int) -> Ranges:
        """Return ascending ranges with ``*`` read as ``largest`` (0: there is none)."""
        found = []
        for first, last in self.ranges:
            low, high = first or largest, last or largest
            if low > high:
                low, high = high, low
            if low > 0:
                found.append((low, high))
        return merge(found)

    def within(self, count: int) -> "SequenceSet":
        """Return the same without message numbers above ``count``."""
        kept = [(low, min(high, count)) for low, high in self.resolve(count)]
        return SequenceSet(tuple(pair for pair in kept if pair[0] <= pair[1]))


def merge(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """Return ``ranges`` (each low to high) ascending, those that touch joined."""
    if len(ranges) < 2:
        return ranges
    merged: list[tuple[int, int]] = []
    low, high = 0, -1
    for first, last in sorted(ranges):
        if first <= high + 1 and merged:
            if last > high:
                high = last
                merged[-1] = (low, high)
        else:
            low, high = first, last
            merged.append((low, high))
    return merged


def ranges_of(numbers: Sequence[int]) -> Ranges:
    """Return the ranges ascending ``numbers`` make up.

    Cost: a few steps a range, not one a number: runs are found by galloping.
    """
    found = []
    index, count = 0, len(numbers)
    while index < count:
        end = _run_end(numbers, index, count)
        found.append((numbers[index], numbers[end - 1]))
        index = end
    return found


def _run_end(numbers: Sequence[int], start: int, count: int) -> int:
    """Return the index behind the run of consecutive numbers at ``start``."""
    offset = numbers[start] - start
    if numbers[count - 1] - (count - 1) == offset:
        return count
    step = 1
    while start + step < count and numbers[start + step] - (start + step) == offset:
        step *= 2
    low, high = start + step // 2, min(start + step, count)
    while high - low > 1:
        middle = (low + high) // 2
        if numbers[middle] - middle == offset:
            low = middle
        else:
            high = middle
    return low + 1


def format_ranges(ranges: Ranges) -> bytes:
    """Return ranges as the wire has them: ``1:3,7``; empty if there are none."""
    return b",".join(
        b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges
    )


def format_order(numbers: Sequence[int]) -> bytes:
    """Return ``numbers`` in their order, ascending runs as ranges (RFC 5267 §3.2)."""
    if not numbers:
        return b""
    cuts = [0]
    cuts += [at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1]
    return b",".join(
        b"%d" % numbers[start]
        if end - start == 1
        else b"%d:%d" % (numbers[start], numbers[end - 1])
        for start, end in zip(cuts, [*cuts[1:], len(numbers)], strict=True)
    )


def format_set(numbers: Sequence[int]) -> bytes:
    """Return ascending ``numbers`` as a set on the wire."""
    return format_ranges(ranges_of(numbers))


def index_ranges(
    numbers: Sequence[int], count: int, ranges: Ranges
) -> list[tuple[int, int]]:
    """Return half-open ranges of indexes into the first ``count`` of ``numbers``.

    ``numbers`` ascend; what of ``ranges`` is not among them is passed over.
    """
    found = []
    for low, high in ranges:
        start = bisect_left(numbers, low, 0, count)
        end = bisect_right(numbers, high, start, count)
        if start < end:
            found.append((start, end))
    return found
