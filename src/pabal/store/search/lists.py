"""Lists of documents as octets, and sets of documents.

Sans-IO. A list is written in the shortest of three ways, all of a page in the same one
and equally long, so it is found by its number:

* a bit a document, of words in more than a sixteenth of them;
* gaps, an octet each, where most gaps fit into one;
* numbers of 16 bits.

What is shorter than the lists of its page is filled up with its last document.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress
from operator import sub
from typing import Final

BITS: Final = 0
"""In place of a length: a bit a document."""

GATHERED_OCTETS: Final = 64 * 1024
"""Octets of lists looked at together: often they make a search end early."""

EXACT_MAX: Final = 16
"""Lists up to this length have pages of their own; longer ones are filled up."""

NUMBER_OCTETS: Final = 2

DENSE: Final = 8 * NUMBER_OCTETS
"""A word in more than one of so many documents has bits: they are shorter then."""

SHORT: Final = 8
"""The same where lists are to be short: most gaps of less documents are octets."""

STEP_MAX: Final = 255
"""An octet of gaps that is no document: so many are passed over."""

Found = int
"""A set of documents: bit ``i`` is 1 if document ``i`` is in."""


def _lengths() -> tuple[int, ...]:
    found = list(range(1, EXACT_MAX + 1))
    while found[-1] < 1 << 16:
        found.append(found[-1] * 6 // 5)
    return tuple(found)


_LENGTHS: Final = _lengths()


def packed(numbers: Sequence[int], size: int, dense: int = DENSE) -> tuple[int, bytes]:
    """Return how long the list of some documents is, and the list.

    Args:
        numbers: At least one, ascending.
        size: Documents of the segment, at most 65,536.
        dense: What is in more than one of so many documents has bits.

    Returns:
        ``BITS``, a count of numbers, or less than 0 a count of gaps; and the octets.
    """
    count = len(numbers)
    if count * dense > size:
        return BITS, _bits(numbers, size)
    length = _LENGTHS[bisect_left(_LENGTHS, count)]
    if count > EXACT_MAX and count * STEP_MAX > size:
        gaps = _gaps(numbers)
        octets = _LENGTHS[bisect_left(_LENGTHS, len(gaps))]
        if octets < length * NUMBER_OCTETS:
            return -octets, gaps.ljust(octets, b"\0")
    filled = array("H", numbers)
    filled.extend([filled[-1]] * (length - count))
    return length, filled.tobytes()


def list_octets(length: int, size: int) -> int:
    """Return the octets of one list."""
    if length == BITS:
        return (size + 7) // 8
    return length * NUMBER_OCTETS if length > 0 else -length


def members(length: int, octets: bytes, size: int) -> Sequence[int]:
    """Return the document numbers of one list, ascending, each once."""
    if length == BITS:
        return [
            *compress(range(size), to_marks(int.from_bytes(octets, "little"), size))
        ]
    if length < 0:
        numbers: Sequence[int] = [*_passed(octets)]
    elif length > EXACT_MAX:
        numbers = numbers_in(octets)
    else:
        return numbers_in(octets)
    return numbers[: bisect_left(numbers, numbers[-1]) + 1]


class Union:
    """Gathers the documents of words.

    Args (of the constructor):
        size: Documents of the segment.
        among: Those that matter.
        waits: Lists wait until they are asked for: maybe they need not be looked at.

    Attributes:
        among: Those that matter.
        decoded: Octets of lists looked at by now, but for bits.
        waiting: Octets of lists that are still to be looked at.
    """

    __slots__ = ("_bits", "_size", "_sparse", "_waits", "among", "decoded", "waiting")

    def __init__(self, size: int, among: Found, *, waits: bool = False) -> None:
        self.among = among
        self.decoded = 0
        self._size = size
        self._bits: Found = 0
        self._sparse: list[tuple[int, bytes]] = []
        self.waiting = 0
        self._waits = waits

    def missing(self) -> int:
        """Return how many documents that matter are not in by now."""
        return (self.among & ~self._bits).bit_count()

    def add(
        self, length: int, lists: bytes, numbers: Iterable[int], first: int = 0
    ) -> None:
        """Add the documents of the words ``numbers`` of a page.

        Args:
            length: Of the lists of the page.
            lists: Those of the word ``first`` and of words behind it.
            numbers: Of words.
            first: The number of a word.
        """
        octets = list_octets(length, self._size)
        if isinstance(numbers, range) and length != BITS:
            start, stop = numbers.start - first, numbers.stop - first
            some = [lists[start * octets : stop * octets]]
        else:
            starts = [(number - first) * octets for number in numbers]
            some = [lists[start : start + octets] for start in starts]
        if length == BITS:
            for one in some:
                self._bits |= int.from_bytes(one, "little")
            return
        self._sparse.append((length, b"".join(some)))
        self.waiting += sum(map(len, some))
        if self.waiting > GATHERED_OCTETS and not self._waits:
            self.found()

    def found(self) -> Found:
        """Return the documents that matter of those added."""
        if self._sparse:
            numbers: set[int] = set()
            gathered = 0
            for length, lists in self._sparse:
                if gathered > GATHERED_OCTETS:
                    self._bits |= bits_of(numbers, self._size)
                    numbers.clear()
                    gathered = 0
                    if not self.missing():
                        break
                gathered += len(lists)
                if length > 0:
                    numbers.update(numbers_in(lists))
                    continue
                for at in range(0, len(lists), -length):
                    numbers.update(_passed(lists[at : at - length]))
            self._bits |= bits_of(numbers, self._size)
            self._sparse.clear()
            self.decoded += self.waiting
            self.waiting = 0
        return self._bits & self.among


def numbers_in(lists: bytes) -> "array[int]":
    """Return the document numbers in the octets of lists."""
    numbers = array("H")
    numbers.frombytes(lists)
    return numbers


def bits_of(numbers: Iterable[int], size: int) -> Found:
    """Return the set with ``numbers``, all below ``size``."""
    marks = bytearray(size)
    for number in numbers:
        marks[number] = 1
    return from_marks(marks)


def from_marks(marks: bytes | bytearray) -> Found:
    """Return the set of those with octet 1, not 0, in ``marks``."""
    # The digits of a number in base 2, the last one first: C does the work.
    return int(b"0" + marks[::-1].translate(_DIGITS), 2)


def to_marks(found: Found, size: int) -> bytes:
    """Return an octet a document: 1 for those in the set, else 0."""
    octets = found.to_bytes((size + 7) // 8, "little")
    return b"".join(map(_EIGHT.__getitem__, octets))[:size]


_DIGITS: Final = bytes((48, 49)) + bytes(254)
_EIGHT: Final = tuple(
    bytes(octet >> bit & 1 for bit in range(8)) for octet in range(256)
)
_IS_DOCUMENT: Final = b"\1" * STEP_MAX + b"\0"
_STEP: Final = bytes((STEP_MAX,))


def _bits(numbers: Iterable[int], size: int) -> bytes:
    return bits_of(numbers, size).to_bytes((size + 7) // 8, "little")


def _gaps(numbers: Sequence[int]) -> bytes:
    """Return how far each document is behind the one before, the first behind -1."""
    gaps = [*map(sub, numbers, chain((-1,), numbers))]
    if max(gaps) < STEP_MAX:
        return bytes(gaps)
    return b"".join(
        [_STEP * (gap // STEP_MAX) + bytes((gap % STEP_MAX,)) for gap in gaps]
    )


def _passed(gaps: bytes) -> Iterator[int]:
    """Return the documents of a list of gaps, the last one again and again."""
    documents = b"\0" + gaps.translate(_IS_DOCUMENT)
    return compress(accumulate(gaps, initial=-1), documents)
