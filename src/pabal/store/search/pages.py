"""Pages of an index: words, and in which documents of a segment each is.

Sans-IO. A page is two strings of octets: its words, each between two line ends, and a
list of document numbers a word, all of one length. So a word is found by searching
octets in bulk, and its list by its number: no offsets are stored, nothing is decoded.
Words in more than a sixteenth of the documents have a bit a document instead.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

BITS: Final = 0
"""In place of a length: a bit a document."""

WORDS_MAX: Final = 16_384
"""Words of a page: searching them takes some hundred microseconds."""

LISTS_OCTETS: Final = 256 * 1024
"""Octets of the lists of a page."""

OFTEN: Final = 5
"""Finding the next word costs as much as looking at so many."""

GATHERED_OCTETS: Final = 64 * 1024
"""Octets of lists looked at together: often they make a search end early."""

_EXACT_MAX: Final = 16
"""Lists up to this length have pages of their own; longer ones are filled up."""

_NUMBER_OCTETS: Final = 2

DENSE: Final = 8 * _NUMBER_OCTETS
"""A word in more than one of so many documents has bits: they are shorter then."""

SEPARATOR: Final = b"\n"
"""Between words: none has white space inside."""

Found = int
"""A set of documents: bit ``i`` is 1 if document ``i`` is in."""

Pattern = bytes | re.Pattern[str]
"""Octets to find in words, or what matches their text."""


@dataclass(frozen=True, slots=True)
class Page:
    """Words with lists of the same length.

    Attributes:
        length: Numbers in a list; ``BITS``.
        words: Each in UTF-8 between two line ends, sorted.
        lists: Little-endian numbers of 16 bits, or bits.
    """

    length: int
    words: bytes
    lists: bytes


def _lengths() -> tuple[int, ...]:
    found = list(range(1, _EXACT_MAX + 1))
    while found[-1] < 1 << 16:
        found.append(found[-1] * 6 // 5)
    return tuple(found)


_LENGTHS: Final = _lengths()


class Pager:
    """Makes pages of words that come in ascending order.

    Args (of the constructor):
        size: Documents of the segment, at most 65,536.
    """

    __slots__ = ("_open", "_pages", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._open: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._pages: list[Page] = []

    def add(self, word: bytes, numbers: Sequence[int]) -> None:
        """Add a word and the numbers of its documents, ascending, at least one."""
        length = length_of(len(numbers), self._size)
        words, lists = self._open.setdefault(length, ([], []))
        words.append(word)
        lists.append(
            _bits(numbers, self._size) if length == BITS else _filled(numbers, length)
        )
        if len(words) >= WORDS_MAX or len(lists) * len(lists[0]) >= LISTS_OCTETS:
            self._pages.append(_page(length, *self._open.pop(length)))

    def pages(self) -> list[Page]:
        """Return the pages, those of the most frequent words first."""
        self._pages += [_page(length, *some) for length, some in self._open.items()]
        self._open.clear()
        # Bits first, then long lists; within a length the words stay in order.
        self._pages.sort(key=lambda page: -page.length or -(1 << 16))
        return self._pages


def length_of(count: int, size: int) -> int:
    """Return how long the list of a word in ``count`` of ``size`` documents is."""
    if count * DENSE > size:
        return BITS
    return _LENGTHS[bisect_left(_LENGTHS, count)]


def entries(page: Page, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the words of a page, each with its list."""
    octets = list_octets(page.length, size)
    for number, match in enumerate(_WORD.finditer(page.words)):
        yield match[0], page.lists[number * octets : (number + 1) * octets]


def members(length: int, octets: bytes, size: int) -> Sequence[int]:
    """Return the document numbers of one list, ascending, each once."""
    if length == BITS:
        return [
            *compress(range(size), to_marks(int.from_bytes(octets, "little"), size))
        ]
    numbers = numbers_in(octets)
    if length > _EXACT_MAX:
        return numbers[: bisect_left(numbers, numbers[-1]) + 1]
    return numbers


def list_octets(length: int, size: int) -> int:
    """Return the octets of one list."""
    return (size + 7) // 8 if length == BITS else length * _NUMBER_OCTETS


def pattern(text: str, *, begins: bool = False, ends: bool = False) -> bytes:
    """Return what finds words with ``text``, at their beginning or end if so."""
    return b"%b%b%b" % (
        SEPARATOR if begins else b"",
        text.encode("utf-8", "surrogatepass"),
        SEPARATOR if ends else b"",
    )


def matching(words: bytes, wanted: Pattern, separator: bytes = SEPARATOR) -> list[int]:
    """Return the numbers of the words that match, ascending.

    An expression is one of Hangul, as ``Needle.initials`` is.
    """
    if isinstance(wanted, bytes):
        return _holding(words, wanted, separator)
    if separator != SEPARATOR:
        return _expressed(words, wanted, separator)
    # What begins with an ideograph is two characters: not both of them match. There
    # are many of them, one behind the other.
    first = _IDEOGRAPHS.search(words)
    if first is None:
        return _expressed(words, wanted, separator)
    numbers = _expressed(words[: first.start() + 1], wanted, separator)
    behind = _BEHIND_IDEOGRAPHS.search(words, first.start())
    if behind is None:
        return numbers
    skipped = words.count(separator, 0, behind.start())
    rest = _expressed(words[behind.start() :], wanted, separator)
    return numbers + [number + skipped for number in rest]


def _expressed(words: bytes, wanted: re.Pattern[str], separator: bytes) -> list[int]:
    """Return the numbers of the words that match an expression."""
    # What separates words need not be UTF-8.
    text = words.decode("utf-8", "surrogateescape")
    between = separator.decode("utf-8", "surrogateescape")
    numbers, number, counted, position = [], -1, 0, 0
    while (match := wanted.search(text, position)) is not None:
        start = match.start()
        number += text.count(between, counted, start)
        numbers.append(number)
        counted = start
        position = text.index(between, start)
        if _is_often(len(numbers), number):
            rest = text[position + 1 : -1].split(between)
            found = enumerate(map(wanted.search, rest), number + 1)
            return numbers + [at for at, match in found if match]
    return numbers


def _holding(words: bytes, wanted: bytes, separator: bytes) -> list[int]:
    """Return the numbers of the words with ``wanted``."""
    find, count = words.find, words.count
    position = find(wanted)
    if position < 0:
        return []
    # A separator the pattern begins with is the one in front of the word.
    ahead = 1 if wanted.startswith(separator) else 0
    numbers, number, counted = [], -1, 0
    while position >= 0:
        start = position + ahead
        number += count(separator, counted, start)
        numbers.append(number)
        counted = start
        # From the end of this word on, whose separator the next may begin with.
        end = find(separator, start)
        if separator not in wanted and _is_often(len(numbers), number):
            rest = enumerate(words[end + 1 : -1].split(separator), number + 1)
            return numbers + [at for at, word in rest if wanted in word]
        position = find(wanted, end)
    return numbers


def _is_often(found: int, looked_at: int) -> bool:
    """Return whether it is cheaper to look at every word than to find the next."""
    return found & 63 == 0 and found * OFTEN > looked_at


class Union:
    """Gathers the documents of words.

    Args (of the constructor):
        size: Documents of the segment.
    """

    __slots__ = ("_bits", "_size", "_sparse", "_waiting")

    def __init__(self, size: int) -> None:
        self._size = size
        self._bits: Found = 0
        self._sparse: list[bytes] = []
        self._waiting = 0

    def missing(self) -> int:
        """Return how many documents are not in by now."""
        return self._size - self._bits.bit_count()

    def add(self, length: int, lists: bytes, numbers: Iterable[int]) -> None:
        """Add the documents of the words ``numbers`` of a page."""
        octets = list_octets(length, self._size)
        some = [lists[number * octets : (number + 1) * octets] for number in numbers]
        if length == BITS:
            for one in some:
                self._bits |= int.from_bytes(one, "little")
            return
        self._sparse += some
        self._waiting += octets * len(some)
        if self._waiting > GATHERED_OCTETS:
            self.found()

    def found(self) -> Found:
        """Return the documents."""
        if self._sparse:
            self._bits |= bits_of(set(numbers_in(b"".join(self._sparse))), self._size)
            self._sparse.clear()
            self._waiting = 0
        return self._bits


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


_IDEOGRAPHS: Final = re.compile(rb"\n[\xe4-\xe9]")
_BEHIND_IDEOGRAPHS: Final = re.compile(rb"\n[\xea-\xff]")
"""Where words begin with U+4000 to U+9FFF, and where those behind them begin."""

_WORD: Final = re.compile(rb"[^\n]+")
_DIGITS: Final = bytes((48, 49)) + bytes(254)
_EIGHT: Final = tuple(
    bytes(octet >> bit & 1 for bit in range(8)) for octet in range(256)
)


def _bits(numbers: Iterable[int], size: int) -> bytes:
    return bits_of(numbers, size).to_bytes((size + 7) // 8, "little")


def _filled(numbers: Sequence[int], length: int) -> bytes:
    """Return a list filled up to ``length`` with its last number."""
    filled = array("H", numbers)
    missing = length - len(filled)
    if missing:
        filled.extend([filled[-1]] * missing)
    return filled.tobytes()


def _page(length: int, words: Sequence[bytes], lists: Sequence[bytes]) -> Page:
    joined = SEPARATOR.join((b"", *words, b""))
    return Page(length, joined, b"".join(lists))
