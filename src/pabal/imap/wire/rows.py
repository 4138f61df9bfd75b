"""Responses to many messages at once: numbers and octets put into one template.

Sans-IO. The octets of a response lie in pieces side by side, and all are joined once.
Numbers that ascend are cut where their thousands change: what comes before the last
three digits is the same for a whole block and is written into the octets between the
columns; the last three digits lie ready.
Source: RFC 9051 §7.5.2 (FETCH).
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

BLOCK: Final = 1_000
"""Numbers that differ in their last three digits only. Tables of one digit more would
take half a megabyte."""

GAPS_MAX: Final = 8
"""Numbers a message, on average: where there are more, blocks are short, and making
each number by itself is cheaper."""

_PLACE: Final = re.compile(rb"%[bdi]")
_PADDED: Final = tuple(b"%03d" % number for number in range(BLOCK))
_SHORT: Final = tuple(b"%d" % number for number in range(BLOCK))


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of few different values.

    Attributes:
        codes: A number for each value.
        octets_of: Returns what a code stands for.
    """

    codes: Sequence[int]
    octets_of: Callable[[int], bytes]


Cells = Sequence[int] | Sequence[bytes] | Coded
"""One value a message, all of the kind their place in the template asks for."""


class Rows:
    """A template: ``%b`` for octets, ``%d`` for numbers, ``%i`` for those that ascend.

    Args (of the constructor):
        template: Of one row; a ``%`` that begins no place is written twice.
    """

    __slots__ = ("_between", "_places")

    def __init__(self, template: bytes) -> None:
        # NUL is in no response: it stands for the sign that is no place.
        hidden = template.replace(b"%%", b"\0")
        found = _PLACE.split(hidden)
        self._between = [part.replace(b"\0", b"%") for part in found]
        self._places = _PLACE.findall(hidden)

    def octets(self, count: int, columns: Sequence[Cells]) -> bytes:
        """Return ``count`` rows, one for each value of ``columns``.

        Cost: some 20 ns a row and column; a number that must be made takes 60 more.
        """
        ready = list(map(_ready, self._places, columns))
        ascending = [one for one in ready if isinstance(one, _Ascending)]
        found: list[bytes] = []
        start = 0
        while start < count:
            end = min((one.end(start) for one in ascending), default=count)
            found += self._block(ready, start, end)
            start = end
        return b"".join(found)

    def _block(
        self, columns: "Sequence[_Ready]", start: int, end: int
    ) -> tuple[bytes, bytes]:
        """Return rows whose numbers have their thousands in common, in two parts.

        What ends a row and what begins the next are one piece.
        """
        between = list(self._between)
        for at, column in enumerate(columns):
            if isinstance(column, _Ascending):
                between[at] += column.high(start)
        between[-1] += between[0]
        row: list[bytes] = []
        parts: list[tuple[int, Sequence[bytes]]] = []
        for column, after in zip(columns, between[1:], strict=True):
            place = len(row)
            if isinstance(column, Coded):
                tails = _Tails(column.octets_of, after)
                codes = column.codes[start:end]
                parts.append((place, list(map(tails.__getitem__, codes))))
                row.append(b"")
                continue
            if isinstance(column, _Ascending):
                parts.append((place, column.low(start, end)))
            else:
                parts.append((place, column[start:end]))
            row += (b"", after)
        pieces = row * (end - start)
        for place, part in parts:
            pieces[place :: len(row)] = part
        pieces[-1] = pieces[-1][: len(pieces[-1]) - len(between[0])]
        return between[0], b"".join(pieces)


class _Tails(dict[int, bytes]):
    """What codes stand for, with the octets that follow it."""

    __slots__ = ("_after", "_octets_of")

    def __init__(self, octets_of: Callable[[int], bytes], after: bytes) -> None:
        super().__init__()
        self._octets_of = octets_of
        self._after = after

    def __missing__(self, code: int) -> bytes:
        octets = self[code] = self._octets_of(code) + self._after
        return octets


class _Ascending:
    """Numbers that ascend, close to each other."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers

    def end(self, start: int) -> int:
        """Return where the block ends that begins at index ``start``."""
        numbers = self._numbers
        return bisect_left(numbers, numbers[start] // BLOCK * BLOCK + BLOCK, start)

    def high(self, start: int) -> bytes:
        """Return the digits a block has in common."""
        thousands = self._numbers[start] // BLOCK
        return b"%d" % thousands if thousands else b""

    def low(self, start: int, end: int) -> Sequence[bytes]:
        """Return the other digits of a block's numbers."""
        first, last = self._numbers[start], self._numbers[end - 1]
        digits, base = (_PADDED if first >= BLOCK else _SHORT), first // BLOCK * BLOCK
        if last - first == end - start - 1:
            return digits[first - base : last - base + 1]
        return [digits[number - base] for number in self._numbers[start:end]]


_Ready = Sequence[bytes] | Coded | _Ascending


def _ready(place: bytes, cells: Cells) -> _Ready:
    """Return a column whose octets can be had."""
    if isinstance(cells, Coded):
        return cells
    if place == b"%b":
        return cast("Sequence[bytes]", cells)
    numbers = cast("Sequence[int]", cells)
    count = len(numbers)
    if place == b"%i" and count and numbers[-1] - numbers[0] < GAPS_MAX * count:
        return _Ascending(numbers)
    return (b"%d " * count % (*numbers,)).split()
