"""Several segments made into one, without the messages that are gone.

Sans-IO. Words come out of every page in order, so nothing but the result is held in
memory; only joints are all there at once, since those cut alike are not neighbours.
"""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import merge as merge_sorted
from itertools import compress, groupby
from operator import itemgetter

from pabal.store.search import joints
from pabal.store.search.lists import from_marks, members, to_marks
from pabal.store.search.pages import Page, entries
from pabal.store.search.segment import (
    COLUMNS,
    LINE,
    WORDS_AT_ONCE,
    Kind,
    Segment,
    column,
    in_order,
    pager_of,
)

_GONE = -1

_Entry = tuple[bytes, int, int, bytes]
"""A word, the number of its segment, the length of its list, its list."""


def merge(
    segments: Sequence[Segment], there: Collection[int], pause: Callable[[], None]
) -> Segment:
    """Return one segment of all.

    Args:
        segments: Email ids of each are above those of the one before.
        there: Email ids that are not gone.
        pause: Called now and then.
    """
    kept = [[email in there for email in segment.emails] for segment in segments]
    emails = array("Q")
    numbers: list[list[int]] = []
    for segment, keep in zip(segments, kept, strict=True):
        first = len(emails)
        emails.extend(compress(segment.emails, keep))
        numbers.append(_renumbered(keep, first))
    pages = {
        kind: _merged(kind, segments, numbers, len(emails), pause) for kind in Kind
    }
    columns = {
        name: column(
            line
            for segment, keep in zip(segments, kept, strict=True)
            for line in compress(segment.columns[name][1:-1].split(LINE), keep)
        )
        for name in COLUMNS
    }
    plain = b"".join(
        bytes(compress(to_marks(segment.plain, len(keep)), keep))
        for segment, keep in zip(segments, kept, strict=True)
    )
    return Segment(emails, pages, columns, from_marks(plain))


def _renumbered(keep: Sequence[bool], first: int) -> list[int]:
    """Return the new number of each document, ``_GONE`` of one that is."""
    numbers = []
    for is_kept in keep:
        numbers.append(first if is_kept else _GONE)
        first += is_kept
    return numbers


def _merged(
    kind: Kind,
    segments: Sequence[Segment],
    numbers: Sequence[Sequence[int]],
    size: int,
    pause: Callable[[], None],
) -> list[Page]:
    words = _words(kind, segments, numbers, pause)
    if kind.has_joints:
        lists = {
            joints.joint_of(word): array("H", documents) for word, documents in words
        }
        cut = joints.merged(lists, joints.limit(size), pause)
        words = in_order(cut, joints.octets_of, pause)
    pager = pager_of(kind, size)
    for count, (word, documents) in enumerate(words):
        if not count % WORDS_AT_ONCE:
            pause()
        pager.add(word, documents)
    return pager.pages()


def _words(
    kind: Kind,
    segments: Sequence[Segment],
    numbers: Sequence[Sequence[int]],
    pause: Callable[[], None],
) -> Iterator[tuple[bytes, Sequence[int]]]:
    """Yield the words of some segments in order, and their documents."""
    streams = [
        _stream(kind, page, at, len(segment.emails))
        for at, segment in enumerate(segments)
        for page in segment.pages[kind]
    ]
    # By segment behind the word: so document numbers come out ascending.
    words = groupby(merge_sorted(*streams), itemgetter(0))
    for count, (word, found) in enumerate(words):
        if not count % WORDS_AT_ONCE:
            pause()
        documents: list[int] = []
        for _, at, length, octets in found:
            old = members(length, octets, len(segments[at].emails))
            documents += [new for new in map(numbers[at].__getitem__, old) if new >= 0]
        if documents:
            yield word, documents


def _stream(kind: Kind, page: Page, at: int, size: int) -> Iterator[_Entry]:
    for word, octets in entries(page, size, pairs=kind.has_pairs):
        yield word, at, page.length, octets
