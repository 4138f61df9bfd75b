"""Several segments made into one, without the messages that are gone.

Sans-IO. Words come out of every page in order, so nothing but the result is held in
memory; only joints are all there at once, since those cut alike are not neighbours.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import merge as merge_sorted
from itertools import chain, compress, groupby
from operator import itemgetter

from pabal.store.search import joints, sums
from pabal.store.search.lists import from_marks, members, to_marks
from pabal.store.search.neighbours import (
    Frequent,
    frequent,
    is_frequent,
    is_kept,
    known_in,
)
from pabal.store.search.pages import SEPARATOR, Page, entries
from pabal.store.search.segment import (
    COLUMNS,
    LINE,
    WORDS_AT_ONCE,
    Kind,
    Pause,
    Segment,
    column,
    decoded,
    encoded,
    in_order,
    paged,
)

_GONE = -1

_Entry = tuple[bytes, int, int, bytes]
"""A word, the number of its segment, the length of its list, its list."""

_Word = tuple[bytes, Sequence[int]]
"""A word and its documents."""


def merge(segments: Sequence[Segment], there: Collection[int], pause: Pause) -> Segment:
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
    pages: dict[Kind, Sequence[Page]] = {}
    for kind in Kind:
        words = _words(kind, segments, numbers, pause)
        if kind.has_joints:
            words = _cut(words, len(emails), pause)
        if kind is Kind.BODY_SUMS:
            before = [segment.pages[kind] for segment in segments]
            known = _known(before, pages[Kind.BODY_PIECES], len(emails))
            words = _of_known(words, known if emails else Frequent())
            if len(emails) >= sums.FULL:
                made = sums.answers(pages, len(emails), pause, known.words)
                words = merge_sorted(words, in_order(made, encoded, pause))
        pages[kind] = paged(kind, words, len(emails), pause)
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
    for is_there in keep:
        numbers.append(first if is_there else _GONE)
        first += is_there
    return numbers


def _cut(words: Iterable[_Word], size: int, pause: Pause) -> Iterator[_Word]:
    """Return joints cut as those of one segment are."""
    lists = {joints.joint_of(word): array("H", documents) for word, documents in words}
    cut = joints.merged(lists, joints.limit(size), pause)
    return in_order(cut, joints.octets_of, pause)


def _known(
    kept: Sequence[Sequence[Page]], there: Sequence[Page], size: int
) -> Frequent:
    """Return which words all segments know that are frequent in the new one.

    Args:
        kept: Pages of what is kept, of each segment.
        there: New pages of pieces.
        size: Of the new segment.
    """
    counts = {
        decoded(word): range(len(members(page.length, octets, size)))
        for page in there
        if is_frequent(abs(page.length) or size, size)
        for word, octets in entries(page, size)
    }
    found = frequent(counts, size)
    for pages in kept:
        found = found.shared(
            known_in(map(decoded, chain.from_iterable(map(_page_words, pages))))
        )
    return found


def _page_words(page: Page) -> list[bytes]:
    return page.words[1:-1].split(SEPARATOR)


def _of_known(words: Iterable[_Word], known: Frequent) -> Iterator[_Word]:
    """Return what is of words that are known, in order, and that these are."""
    marks = ((encoded(mark), (0,)) for mark in known.marks())
    return merge_sorted(
        ((word, some) for word, some in words if is_kept(decoded(word), known)),
        sorted(marks),
        key=itemgetter(0),
    )


def _words(
    kind: Kind,
    segments: Sequence[Segment],
    numbers: Sequence[Sequence[int]],
    pause: Pause,
) -> Iterator[_Word]:
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
