"""Pages of an index: words, and in which documents of a segment each is.

Sans-IO. A page is two strings of octets: its words, each between two line ends, and a
list of documents a word, all of one length. So a word is found by searching octets in
bulk, and its list by its number: no offsets are stored, nothing is decoded.

Pairs of characters have pages of their own: each is four octets and none ends, so a
pair is found by halving, and those who look for something else pass them over.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from itertools import count as count_from
from operator import contains
from typing import Final

from pabal.store.search.lists import DENSE, list_octets, packed

WORDS_MAX: Final = 16_384
"""Words of a page: searching them takes some hundred microseconds."""

LISTS_OCTETS: Final = 256 * 1024
"""Octets of the lists of a page."""

OFTEN: Final = 5
"""Finding the next word costs as much as looking at so many."""

SEPARATOR: Final = b"\n"
"""Between words: none has a line end inside."""

PAIR_OCTETS: Final = 4
"""Of a pair: two characters in UTF-16."""

Pattern = bytes | re.Pattern[str]
"""Octets to find in words, or what matches their text."""


@dataclass(frozen=True, slots=True)
class Page:
    """Words with lists of the same length.

    Attributes:
        length: As ``pabal.store.search.lists.packed`` says.
        words: Each in UTF-8 between two line ends, sorted; or pairs, sorted.
        lists: One behind the other.
    """

    length: int
    words: bytes
    lists: bytes


class Pager:
    """Makes pages of words that come in ascending order.

    Args (of the constructor):
        size: Documents of the segment, at most 65,536.
        pairs: Whether words are pairs.
        words_max: Words of a page, at most.
        dense: See ``pabal.store.search.lists.packed``.
    """

    __slots__ = ("_dense", "_open", "_pages", "_pairs", "_size", "_words_max")

    def __init__(
        self,
        size: int,
        *,
        pairs: bool = False,
        words_max: int = WORDS_MAX,
        dense: int = DENSE,
    ) -> None:
        self._size = size
        self._pairs = pairs
        self._words_max = words_max
        self._dense = dense
        self._open: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._pages: list[Page] = []

    def add(self, word: bytes, numbers: Sequence[int]) -> None:
        """Add a word and the numbers of its documents, ascending, at least one."""
        length, octets = packed(numbers, self._size, self._dense)
        words, lists = self._open.setdefault(length, ([], []))
        words.append(word)
        lists.append(octets)
        if len(words) >= self._words_max or len(lists) * len(octets) >= LISTS_OCTETS:
            self._pages.append(self._page(length, *self._open.pop(length)))

    def pages(self) -> list[Page]:
        """Return the pages, those of the most frequent words first."""
        self._pages += [
            self._page(length, *some) for length, some in self._open.items()
        ]
        self._open.clear()
        # Bits first, then long lists; within a length the words stay in order.
        self._pages.sort(key=lambda page: -abs(page.length) or -(1 << 16))
        return self._pages

    def _page(
        self, length: int, words: Sequence[bytes], lists: Sequence[bytes]
    ) -> Page:
        joined = b"".join(words) if self._pairs else SEPARATOR.join((b"", *words, b""))
        return Page(length, joined, b"".join(lists))


def entries(
    page: Page, size: int, *, pairs: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the words of a page, each with its list."""
    octets = list_octets(page.length, size)
    words = (_PAIR if pairs else _WORD).finditer(page.words)
    for number, match in enumerate(words):
        yield match[0], page.lists[number * octets : (number + 1) * octets]


def pair(text: str) -> bytes:
    """Return the octets of two characters of the basic plane."""
    return text.encode("utf-16-be", "surrogatepass")


def pair_numbers(words: bytes, wanted: bytes) -> list[int]:
    """Return the number of a pair in a page of pairs, nothing: it is not there."""

    def at(number: int) -> bytes:
        return words[number * PAIR_OCTETS : (number + 1) * PAIR_OCTETS]

    number = bisect_left(range(len(words) // PAIR_OCTETS), wanted, key=at)
    return [number] if at(number) == wanted else []


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
    # Words that are ASCII come first, and none of them matches.
    first = _NOT_ASCII.search(words)
    if separator != SEPARATOR or first is None:
        return [] if first is None else _expressed(words, wanted, separator)
    start = words.rindex(SEPARATOR, 0, first.start())
    skipped = words.count(SEPARATOR, 0, start)
    found = _expressed(words[start:], wanted, separator)
    return [number + skipped for number in found] if skipped else found


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
            rest = words[end + 1 : -1].split(separator)
            marks = map(contains, rest, repeat(wanted))
            return [*numbers, *compress(count_from(number + 1), marks)]
        position = find(wanted, end)
    return numbers


def _is_often(found: int, looked_at: int) -> bool:
    """Return whether it is cheaper to look at every word than to find the next."""
    return found & 63 == 0 and found * OFTEN > looked_at


_NOT_ASCII: Final = re.compile(rb"[^\x00-\x7f]")
_WORD: Final = re.compile(rb"[^\n]+")
_PAIR: Final = re.compile(rb".{4}", re.DOTALL)
