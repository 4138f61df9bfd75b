"""Answers made before: of what very many lists would have to be looked at for.

Sans-IO. A letter beside a blank, and two letters, may be in tens of thousands of words
of a segment. Of those with most documents in their lists the answers are kept, which is
one list each. Only in segments that are full: a small one is quick to look through.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.store.search import joints
from pabal.store.search.lists import BITS, members
from pabal.store.search.pages import Page, entries
from pabal.store.search.question import is_quick, looked_up, lookups
from pabal.store.search.segment import (
    BODY,
    SIZE_MAX,
    WORDS_AT_ONCE,
    Kind,
    Pause,
    decoded,
)
from pabal.store.search.shortcuts import MAY, SURE

FULL: Final = SIZE_MAX * 7 // 8
"""Messages of a segment that is full."""

DEAR_PART: Final = 1
"""Lists with so many times more documents than the segment has are dear: some ms."""

MADE_MAX: Final = 72
"""Answers of a segment, at most: 2 kB each, and some ms to make."""

SIDE_MAX: Final = 3
"""Characters beside a blank: of more there are less words."""

PAIR: Final = 2
"""Characters of a piece."""

PAIR_PART: Final = 2
"""Lists of pairs count less: often one word has nearly all messages of a script."""

WORD: Final = 8
"""Looking a word up costs as much as so many documents in its list."""


@dataclass(frozen=True, slots=True)
class _Made:
    """Pages of a segment that is made: ``PagesReader``."""

    pages: Mapping[Kind, Sequence[Page]]
    size: int

    def words(self, kind: Kind) -> Iterator[tuple[int, int, bytes]]:
        for number, page in enumerate(self.pages[kind]):
            yield number * len(Kind) + kind, page.length, page.words

    def lists(self, page: int, start: int, end: int) -> bytes:
        number, kind = divmod(page, len(Kind))
        return self.pages[Kind(kind)][number].lists[start:end]


def answers(
    pages: Mapping[Kind, Sequence[Page]],
    size: int,
    pause: Pause,
    words: Collection[str] = (),
) -> dict[str, Sequence[int]]:
    """Return what is kept, each with its documents.

    Args:
        pages: Those of texts.
        size: Documents of the segment.
        pause: Called now and then.
        words: Frequent ones: what is kept of them answers, too.
    """
    reader = _Made(pages, size)
    every = (1 << size) - 1
    found: dict[str, Sequence[int]] = {}
    left = MADE_MAX
    for needle in dear(pages, size, pause):
        pause()
        if len(needle) > PAIR and needle.strip() in words:
            continue
        first = lookups(BODY, needle)[0]
        if is_quick(first, reader):
            continue
        left -= 1
        if left < 0:
            break
        known = looked_up(first, reader, every, 0)
        for mark, some in ((SURE, known.found), (MAY, known.unsure)):
            if some:
                octets = some.to_bytes((size + 7) // 8, "little")
                found[needle + mark] = members(BITS, octets, size)
    return found


def dear(pages: Mapping[Kind, Sequence[Page]], size: int, pause: Pause) -> list[str]:
    """Return what is dear to look up, the dearest first."""
    costs: Counter[str] = Counter()
    for kind, parts, part in (
        (BODY.joints, _sides, 1),
        (BODY.pieces, _pairs, PAIR_PART),
    ):
        for page in pages[kind]:
            count = abs(page.length)
            if page.length == BITS:  # they are quick
                continue
            for number, (word, _) in enumerate(entries(page, size)):
                if not number % WORDS_AT_ONCE:
                    pause()
                for one in parts(word):
                    costs[one] += (count + WORD) // part
    return [one for one, cost in costs.most_common(MADE_MAX) if cost > size * DEAR_PART]


def _sides(word: bytes) -> Collection[str]:
    """Return what is beside the blank of a joint, as far as it is spelt out."""
    left, right = joints.sides(word)
    return [f"{left[-size:]} " for size in range(1, min(len(left), SIDE_MAX) + 1)] + [
        f" {right[:size]}" for size in range(1, min(len(right), SIDE_MAX) + 1)
    ]


def _pairs(word: bytes) -> Collection[str]:
    """Return every two neighbours of a piece."""
    text = decoded(word)
    return {text[at : at + PAIR] for at in range(len(text) - 1)}
