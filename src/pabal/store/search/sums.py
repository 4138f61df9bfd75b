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
from pabal.store.search.question import looked_up, lookups
from pabal.store.search.segment import (
    BODY,
    SIZE_MAX,
    Kind,
    Pause,
    decoded,
)
from pabal.store.search.shortcuts import MAY, SURE

FULL: Final = SIZE_MAX * 7 // 8
"""Messages of a segment that is full."""

DEAR_PART: Final = 1
"""Lists with so many times more documents than the segment has are dear: some ms."""

MADE_MAX: Final = 64
"""Answers of a segment, at most: 2 kB each, and some ms to make."""

SIDE_MAX: Final = 3
"""Characters beside a blank: of more there are less words."""

PAIR: Final = 2
"""Characters of a piece."""

PAIR_PART: Final = 2
"""Lists of pairs count less: often one word has nearly all messages of a script."""

SHORT_MAX: Final = 4
"""Documents of a list that does not matter."""


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
    pages: Mapping[Kind, Sequence[Page]], size: int, pause: Pause
) -> dict[str, Sequence[int]]:
    """Return what is kept, each with its documents.

    Args:
        pages: Those of texts.
        size: Documents of the segment.
        pause: Called now and then.
    """
    reader = _Made(pages, size)
    every = (1 << size) - 1
    found: dict[str, Sequence[int]] = {}
    for needle in dear(pages, size, pause):
        pause()
        known = looked_up(lookups(BODY, needle)[0], reader, every, 0)
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
            # Bits are quick.
            if count <= SHORT_MAX:
                continue
            pause()
            for word, _ in entries(page, size):
                for one in parts(word):
                    costs[one] += count // part
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
