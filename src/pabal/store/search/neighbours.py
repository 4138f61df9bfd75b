"""What stands around frequent words: where a blank does, and what is beside that.

Sans-IO. Of a word that is in very many documents, joints leave too many that may have
it beside something. So of frequent words it is kept

* in which of their documents they have no blank in front, none behind, or not both:
  in few, since most words of a line stand between others;
* of the most frequent ones, if joints do not spell them out, what their neighbours are:
  the last character in front and the first one behind.

A word is what stands between white space, and no script without spaces is in it. Those
that are known are said, so a word that is not is told from one without exceptions.
"""

from array import array
from collections import defaultdict
from collections.abc import (
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from dataclasses import dataclass
from math import sqrt
from typing import Final

from pabal.store.search.pieces import STEP, has_unspaced, pieces

FREQUENT_PART: Final = 12
"""A word in more than one of so many documents is frequent: of less, all are read."""

BESIDE_PART: Final = 5
"""Of a word in more than one of so many documents, neighbours are kept."""

BESIDE_MIN: Final = 4
"""Characters of such a word: joints spell out what is shorter."""

ALPHABETS_END: Final = "\u1100"
"""Letters of alphabets are in front: words of others have too many neighbours."""

RARE_PART: Final = 64
"""Two neighbours that fewer than one of so many documents have are not told apart."""

DEVIATIONS: Final = 2.0
"""A few documents tell less well how frequent a word is: by so much it may be less."""

FRONT: Final = "<"
BEHIND: Final = ">"
BOTH: Final = "|"
"""Where a word has no blank, in a document: in front, behind, or not both at once."""

STRETCH: Final = "~"
"""It is a part of a run with a script without spaces."""

# White space, so never in what stands between white space.
BLANK: Final = "\x1c"
"""In place of a neighbour: there is a blank, and white space beside it."""

NO_BLANK: Final = "\x1d"
"""In place of a neighbour: there is no blank."""

OTHER: Final = "\x0b"
"""In place of a neighbour: one that is rare beside the other one."""

KNOWN: Final = "\x1e"
"""Behind a word that is known; then one of the above, of documents."""

BESIDE: Final = "\x1f"
"""Behind a word whose neighbours are known; then what is in front and behind."""


@dataclass(frozen=True, slots=True)
class Frequent:
    """Frequent words.

    Attributes:
        words: All of them.
        beside: Those whose neighbours are kept.
    """

    words: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()

    def shared(self, others: "Frequent") -> "Frequent":
        """Return those that others are, too."""
        return Frequent(
            self.words & others.words, self.beside & others.beside & others.words
        )

    def marks(self) -> Iterator[str]:
        """Yield what says that they are known."""
        for word in self.words:
            yield word + KNOWN
        for word in self.beside:
            yield word + BESIDE


def frequent(documents: Mapping[str, Sized], size: int) -> Frequent:
    """Return which words are frequent.

    Args:
        documents: Of words, in which of ``size`` documents they are.
        size: Of the segment.
    """
    beside = _least(size, BESIDE_PART)
    words = frozenset(
        word
        for word, some in documents.items()
        if is_frequent(len(some), size) and len(word) <= STEP and not has_unspaced(word)
    )
    return Frequent(
        words,
        frozenset(
            word
            for word in words
            if len(word) >= BESIDE_MIN
            and len(documents[word]) > beside
            and max(word) < ALPHABETS_END
        ),
    )


def is_frequent(count: int, size: int) -> bool:
    """Return whether a word in ``count`` of ``size`` documents is frequent."""
    return count > _least(size, FREQUENT_PART)


def _least(size: int, part: int) -> float:
    expected = size / part
    return expected - DEVIATIONS * sqrt(expected)


class Neighbours:
    """Gathers what is kept.

    Args (of the constructor):
        words: The frequent ones.
    """

    __slots__ = ("_beside", "_lists", "_words")

    def __init__(self, words: Frequent) -> None:
        self._words = words.words
        self._beside = words.beside
        self._lists: defaultdict[str, array[int]] = defaultdict(_numbers)

    def add(self, number: int, text: str, runs: Iterable[Sequence[str]]) -> None:
        """Add a document: its text, and ``lines`` of it; in ascending order."""
        lists = self._lists
        every: set[str] = set()
        front: set[str] = set()
        behind: set[str] = set()
        both: set[str] = set()
        beside: set[str] = set()
        for line in runs:
            every.update(line)
            front.update(line[1:])
            behind.update(line[:-1])
            both.update(line[1:-1])
            if not self._beside.isdisjoint(line):
                beside.update(self._around(line))
        there = self._words.intersection(every)
        if has_unspaced(text):
            mixed = " ".join(filter(has_unspaced, every))
            inside = self._words.intersection(pieces(mixed))
            for word in inside:
                lists[word + KNOWN + STRETCH].append(number)
            there |= inside
        for which, some in ((FRONT, front), (BEHIND, behind), (BOTH, both)):
            for word in there - some:
                lists[word + KNOWN + which].append(number)
        for one in beside:
            lists[one].append(number)

    def _around(self, line: Sequence[str]) -> Iterator[str]:
        """Yield words of a line with what is beside them."""
        wanted = self._beside
        last = len(line) - 1
        for at, word in enumerate(line):
            if word in wanted:
                front = line[at - 1][-1:] or BLANK if at else NO_BLANK
                behind = line[at + 1][:1] or BLANK if at < last else NO_BLANK
                yield f"{word}{BESIDE}{front}{behind}"

    def lists(self, size: int) -> dict[str, Sequence[int]]:
        """Return what is kept of ``size`` documents: those of each."""
        found: dict[str, Sequence[int]] = {}
        rare: defaultdict[str, set[int]] = defaultdict(set)
        for one, documents in self._lists.items():
            if len(documents) * RARE_PART > size or NO_BLANK in one or KNOWN in one:
                found[one] = documents
                continue
            rare[f"{one[:-2]}{OTHER}{one[-1]}"].update(documents)
            rare[f"{one[:-1]}{OTHER}"].update(documents)
        found.update((one, sorted(some)) for one, some in rare.items())
        return found


def known_in(words: Iterable[str]) -> Frequent:
    """Return which words are known, of all that is kept in a segment."""
    known, beside = set(), set()
    for word in words:
        if word.endswith(KNOWN):
            known.add(word[:-1])
        elif word.endswith(BESIDE):
            beside.add(word[:-1])
    return Frequent(frozenset(known), frozenset(beside))


def is_kept(one: str, words: Frequent) -> bool:
    """Return whether something is of words that are still known; no mark is."""
    word, known, rest = one.partition(KNOWN)
    if known:
        return bool(rest) and word in words.words
    word, beside, rest = one.partition(BESIDE)
    return bool(beside and rest) and word in words.beside


def _numbers() -> "array[int]":
    return array("H")
