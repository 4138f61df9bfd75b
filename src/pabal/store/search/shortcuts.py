"""What a segment knows of phrases at once: of frequent words, and answers made before.

Sans-IO. See ``neighbours`` and ``sums`` for what there is.
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Final

from pabal.store.search import pages
from pabal.store.search.lists import Found, Union, list_octets
from pabal.store.search.neighbours import (
    BEHIND,
    BESIDE,
    BLANK,
    BOTH,
    FRONT,
    KNOWN,
    NO_BLANK,
    OTHER,
    STRETCH,
)
from pabal.store.search.pages import SEPARATOR
from pabal.store.search.segment import (
    Answer,
    Handle,
    Kinds,
    SegmentReader,
    decoded,
    encoded,
)

ANY: Final = "any"
"""A neighbour may be missing, or be anything."""

ANY_BLANK: Final = "blank"
"""There must be a blank."""

SURE: Final = "\x0c"
MAY: Final = "\x0c\x0c"
"""Behind what was looked up before: which texts hold it, and which may."""

ASKED_MAX: Final = 4
"""Characters of what was looked up before, at most."""

_Page = tuple[Handle, int, bytes]


def known(kinds: Kinds, text: str, reader: SegmentReader) -> Answer | None:
    """Return which texts hold a folded text, and which may; ``None``: no idea."""
    found = _Phrase(kinds, reader)
    if not found:
        return None
    if len(text) <= ASKED_MAX and (before := found.before(text)):
        return before
    parts = text.split(" ")
    if len(parts) == 1 or any(part and part.split() != [part] for part in parts):
        return None
    return found.phrase(parts)


class _Phrase:
    """Looks into what is kept of a segment."""

    def __init__(self, kinds: Kinds, reader: SegmentReader) -> None:
        self._kinds = kinds
        self._reader = reader
        self._all = (1 << reader.size) - 1
        self._pages: Sequence[_Page] = (
            [] if kinds.sums is None else [*reader.words(kinds.sums)]
        )

    def __bool__(self) -> bool:
        return bool(self._pages)

    def phrase(self, parts: Sequence[str]) -> Answer | None:
        """Return what has these between blanks."""
        match parts:
            case ["", side]:
                return self.side(side, FRONT)
            case [side, ""]:
                return self.side(side, BEHIND)
            case [front, behind]:
                return self.beside(front, behind)
            case ["", word, ""] if not self.is_known(word, BESIDE):
                return self.alone(word)
            case _:
                return self.around(parts)

    def before(self, text: str) -> Answer | None:
        """Return the answer that was made before."""
        if not self.is_known(text, SURE):
            return None
        return Answer(self._kept(text + SURE), self._kept(text + MAY))

    def is_known(self, word: str, mark: str) -> bool:
        """Return whether that is kept of a word."""
        wanted = pages.pattern(word + mark, begins=True, ends=True)
        return any(wanted in words for _, _, words in self._pages)

    def side(self, side: str, where: str) -> Answer | None:
        """Return what has something with a blank in front or behind."""
        if not side or not self.is_known(side, KNOWN):
            return None
        there, others = self._there(side, where)
        without = self._kept(side + KNOWN + where)
        unsure = others | self._kept(side + KNOWN + STRETCH)
        found = there & ~without
        return Answer(found, unsure & ~found)

    def alone(self, word: str) -> Answer | None:
        """Return what has a word between blanks."""
        if not word or not self.is_known(word, KNOWN):
            return None
        there, _ = self._there(word, BOTH)
        return Answer(there & ~self._kept(word + KNOWN + BOTH))

    def beside(self, front: str, behind: str) -> Answer | None:
        """Return what has a word, or the end of one, beside a character."""
        if len(behind) == 1 and self.is_known(front, BESIDE):
            word, where = front, BEHIND
            known = self._beside(word, ANY, behind)
        elif len(front) == 1 and self.is_known(behind, BESIDE):
            word, where = behind, FRONT
            known = self._beside(word, front, ANY)
        else:
            return None
        _, others = self._there(word, where)
        unsure = others | self._kept(word + KNOWN + STRETCH)
        return Answer(known.found, unsure & ~known.found)

    def around(self, parts: Sequence[str]) -> Answer | None:
        """Return what has the words in the middle between others."""
        found = []
        last = len(parts) - 1
        for at in range(1, last):
            if not parts[at] or not self.is_known(parts[at], BESIDE):
                continue
            front = parts[at - 1][-1:] or (BLANK if at > 1 else ANY_BLANK)
            behind = parts[at + 1][:1] or (BLANK if at + 1 < last else ANY_BLANK)
            found.append(self._beside(parts[at], front, behind))
        if not found:
            return None
        if last > 2 or len(parts[0]) > 1 or len(parts[2]) > 1:
            return Answer(0, reduce(and_, (one.found | one.unsure for one in found)))
        return found[0]

    def _beside(self, word: str, front: str, behind: str) -> Answer:
        """Return what has a word beside something, and what may."""
        if len(front) == len(behind) == 1:
            known = self._kept(f"{word}{BESIDE}{front}{behind}")
            one = self._kept(f"{word}{BESIDE}{front}{OTHER}")
            other = self._kept(f"{word}{BESIDE}{OTHER}{behind}")
            return Answer(known, one & other & ~known)
        union = Union(self._reader.size, self._all)
        wanted = SEPARATOR + encoded(word + BESIDE)
        for handle, length, words in self._pages:
            start = words.find(wanted)
            if start < 0:
                continue
            end = words.index(SEPARATOR, words.rindex(wanted) + 1)
            some = words[start + 1 : end].split(SEPARATOR)
            first = words.count(SEPARATOR, 0, start)
            skipped = len(wanted) - 1
            numbers = [
                number
                for number, one in enumerate(some, first)
                if len(one) > skipped and _is(decoded(one[skipped:]), front, behind)
            ]
            self._add(union, handle, length, numbers)
        return Answer(union.found())

    def _kept(self, key: str) -> Found:
        """Return the documents of one word."""
        union = Union(self._reader.size, self._all)
        wanted = pages.pattern(key, begins=True, ends=True)
        for handle, length, words in self._pages:
            self._add(union, handle, length, pages.matching(words, wanted))
        return union.found()

    def _there(self, word: str, where: str) -> tuple[Found, Found]:
        """Return what has a word as a piece, and what longer pieces of it.

        Args:
            word: Is all of a piece, or only its end or its beginning.
            where: ``BEHIND``, it is the end; ``FRONT``; ``BOTH``, it is all.
        """
        there = Union(self._reader.size, self._all)
        others = Union(self._reader.size, self._all)
        exact = pages.pattern(word, begins=True, ends=True)
        wanted = pages.pattern(word, begins=where != BEHIND, ends=where != FRONT)
        for handle, length, words in self._reader.words(self._kinds.pieces):
            found = pages.matching(words, wanted)
            if not found:
                continue
            same = pages.matching(words, exact)
            self._add(there, handle, length, same)
            self._add(others, handle, length, [one for one in found if one not in same])
        return there.found(), others.found()

    def _add(
        self, union: Union, page: Handle, length: int, numbers: Sequence[int]
    ) -> None:
        if not numbers:
            return
        octets = list_octets(length, self._reader.size)
        first, end = numbers[0], numbers[-1] + 1
        lists = self._reader.lists(page, first * octets, end * octets)
        union.add(length, lists, numbers, first)


def _is(neighbours: str, front: str, behind: str) -> bool:
    """Return whether neighbours of a word are those looked for."""
    if not neighbours:
        return False
    return all(
        wanted in (ANY, one) or (wanted == ANY_BLANK and one != NO_BLANK)
        for one, wanted in zip(neighbours, (front, behind), strict=True)
    )
