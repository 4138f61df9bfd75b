"""A segment: some thousand messages of an account, indexed; how to make one.

Sans-IO. A segment never changes. It has

* pages of words: pieces, characters and joints, of headers and of texts;
* columns: the fields people search most, folded, a line a message, which are searched
  as they are.
"""

import enum
from array import array
from collections import defaultdict
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass, field
from heapq import merge
from typing import Final, Protocol, TypeVar

from pabal.message.header import HEADER_MAX_OCTETS, Header
from pabal.message.mime import Octets, Part, scan
from pabal.message.text import body_texts, field_texts, header_texts
from pabal.store.search import joints
from pabal.store.search.lists import SHORT, Found, from_marks
from pabal.store.search.neighbours import Neighbours, frequent
from pabal.store.search.pages import Page, Pager, pair
from pabal.store.search.pieces import PAIR, blanks, characters, is_pair, pieces

SIZE_MAX: Final = 16_384
"""Messages of a segment: what making one takes of memory stays some ten MB."""


class Kind(enum.IntEnum):
    """Which words pages have."""

    BODY_PIECES = 0
    BODY_CHARACTERS = 1
    HEADER_PIECES = 2
    HEADER_CHARACTERS = 3
    BODY_PAIRS = 4
    """Pieces that ``pabal.store.search.pieces.is_pair`` says are pairs."""
    HEADER_PAIRS = 5
    BODY_JOINTS = 6
    HEADER_JOINTS = 7
    BODY_SUMS = 8
    """What is kept of frequent words (``neighbours``), and answers (``sums``)."""

    @property
    def has_pairs(self) -> bool:
        """Whether its words are pairs."""
        return self in {Kind.BODY_PAIRS, Kind.HEADER_PAIRS}

    @property
    def is_of_headers(self) -> bool:
        """Whether its words are of headers."""
        return self in {
            Kind.HEADER_PIECES,
            Kind.HEADER_CHARACTERS,
            Kind.HEADER_PAIRS,
            Kind.HEADER_JOINTS,
        }

    @property
    def has_joints(self) -> bool:
        """Whether its words are joints."""
        return self in {Kind.BODY_JOINTS, Kind.HEADER_JOINTS}


@dataclass(frozen=True, slots=True)
class Kinds:
    """The pages of one sort of text."""

    pieces: Kind
    characters: Kind
    pairs: Kind
    joints: Kind
    sums: Kind | None = None


BODY: Final = Kinds(
    Kind.BODY_PIECES,
    Kind.BODY_CHARACTERS,
    Kind.BODY_PAIRS,
    Kind.BODY_JOINTS,
    Kind.BODY_SUMS,
)
HEADER: Final = Kinds(
    Kind.HEADER_PIECES,
    Kind.HEADER_CHARACTERS,
    Kind.HEADER_PAIRS,
    Kind.HEADER_JOINTS,
)

COLUMNS: Final = (b"subject", b"from", b"to", b"cc", b"bcc")
"""The fields that have a column."""

LINE: Final = b"\xff"
VALUE: Final = b"\xfe"
"""In front of each message of a column, and of each field of it: no UTF-8."""


Handle = int
"""Which page lists are of."""


class PagesReader(Protocol):
    """The pages of a segment."""

    @property
    def size(self) -> int:
        """How many messages it has."""
        ...

    def words(self, kind: Kind) -> Iterable[tuple[Handle, int, bytes]]:
        """Yield handle, length of lists and words of each page, those of bits first."""
        ...

    def lists(self, page: Handle, start: int, end: int) -> bytes:
        """Return the octets ``start`` to ``end`` of the lists of a page."""
        ...


class SegmentReader(PagesReader, Protocol):
    """A segment as it is stored."""

    def column(self, name: bytes) -> bytes:
        """Return a column of ``COLUMNS``."""
        ...

    def plain(self) -> Found:
        """Return the messages that are plain (``segment.is_plain``)."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a segment knows.

    Attributes:
        found: Messages that hold it.
        unsure: Other messages that may hold it: they must be read.
        plain: Those of them that hold it if the text of a plain message does.
    """

    found: Found
    unsure: Found = 0
    plain: Found = 0


@dataclass(slots=True)
class Segment:
    """An index of messages.

    Attributes:
        emails: Email ids, ascending; a document number is an index into it.
        pages: By what they are of.
        columns: By field: for each message ``LINE`` and, for each such field it has,
            ``VALUE`` and the text; ``LINE`` at the very end.
        plain: Those that are plain, see ``is_plain``.
    """

    emails: "array[int]"
    pages: Mapping[Kind, Sequence[Page]]
    columns: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    plain: Found = 0


def encoded(text: str) -> bytes:
    """Return the octets of a folded text, whatever is in it."""
    return text.encode("utf-8", "surrogatepass")


def decoded(octets: bytes) -> str:
    """Return the text of such octets."""
    return octets.decode("utf-8", "surrogatepass")


HEADER_END: Final = b"\r\n\r\n"
"""Behind its first one the body of a plain message begins."""


def is_plain(octets: Octets, root: Part, texts: Sequence[str]) -> bool:
    """Return whether the folded text of a message is its body in lower case.

    So it can be looked into without taking it apart.

    Args:
        octets: The message.
        root: Its parts.
        texts: Of them, folded.
    """
    if len(texts) != 1 or root.type != "text":
        return False
    header = bytes(octets[: root.body_start])
    return header.find(HEADER_END) == root.body_start - len(HEADER_END) and bytes(
        octets[root.body_start :]
    ).lower() == encoded(texts[0])


Pause = Callable[[], None]


class Builder:
    """Makes a segment of messages that come in ascending order of their ids."""

    def __init__(self) -> None:
        self._emails = array("Q")
        self._words: dict[Kind, defaultdict[str, array[int]]] = {
            kind: defaultdict(_numbers) for kind in Kind if kind is not Kind.BODY_SUMS
        }
        self._texts: dict[Kinds, list[bytes]] = {BODY: [], HEADER: []}
        self._columns: dict[bytes, list[bytes]] = {name: [] for name in COLUMNS}
        self._plain = bytearray()

    def __len__(self) -> int:
        return len(self._emails)

    def add(self, email: int, octets: Octets) -> None:
        """Add a message, at most ``SIZE_MAX`` of them."""
        root = scan(octets)
        header = Header(octets[: min(root.body_start, HEADER_MAX_OCTETS)])
        for name, lines in self._columns.items():
            lines.append(
                b"".join([VALUE + encoded(t) for t in field_texts(header, name)])
            )
        self._add(HEADER, [*header_texts(octets, root)])
        texts = [*body_texts(octets, root)]
        self._add(BODY, texts)
        self._plain.append(is_plain(octets, root, texts))
        self._emails.append(email)

    def finish(self, pause: Pause) -> Segment:
        """Return the segment; ``pause`` is called now and then."""
        size = len(self._emails)
        for kinds, texts in self._texts.items():
            self._words[kinds.joints].update(
                joints.built(texts, joints.limit(size), pause)
            )
        found: dict[Kind, Sequence[Page]] = {
            Kind.BODY_SUMS: self._neighbours(self._texts[BODY], pause)
        }
        self._texts.clear()
        for kind, words in self._words.items():
            listed = in_order(words, _octets_of(kind), pause)
            found[kind] = paged(kind, listed, size, pause)
        columns = {name: column(lines) for name, lines in self._columns.items()}
        return Segment(self._emails, found, columns, from_marks(self._plain))

    def _neighbours(self, texts: Sequence[bytes], pause: Pause) -> Sequence[Page]:
        """Return the pages of what is kept of frequent words."""
        words = frequent(self._words[Kind.BODY_PIECES], len(texts))
        neighbours = Neighbours(words)
        looked_at = 0
        for number, octets in enumerate(texts):
            text = joints.read(octets)
            lines = joints.lines(text)
            neighbours.add(number, text, lines)
            looked_at += len(lines)
            if looked_at > LINES_AT_ONCE:
                looked_at = 0
                pause()
        found = neighbours.lists(len(texts))
        found.update((mark, (0,)) for mark in words.marks())
        return paged(Kind.BODY_SUMS, in_order(found, encoded, pause), len(texts), pause)

    def _add(self, kinds: Kinds, texts: Sequence[str]) -> None:
        number = len(self._emails)
        found: set[str] = set()
        row = ""
        for text in texts:
            found |= pieces(text)
            row = max(row, blanks(text))
        self._texts[kinds].append(joints.waiting(texts))
        # Two characters are most of what scripts without spaces leave.
        some = {piece for piece in found if len(piece) == PAIR and is_pair(piece)}
        for kind, words in (
            (kinds.pieces, found - some if some else found),
            (kinds.pairs, some),
            (kinds.characters, characters(found).union([row] if row else [])),
        ):
            lists = self._words[kind]
            for word in words:
                lists[word].append(number)


def paged(
    kind: Kind, words: Iterable[tuple[bytes, Sequence[int]]], size: int, pause: Pause
) -> list[Page]:
    """Return the pages of words, which come in order, and their documents."""
    pager = _pager_of(kind, size)
    for count, (word, documents) in enumerate(words):
        if not count % WORDS_AT_ONCE:
            pause()
        pager.add(word, documents)
    return pager.pages()


def _pager_of(kind: Kind, size: int) -> Pager:
    """Return what makes the pages of a segment of ``size`` messages."""
    if kind.has_joints:
        return Pager(size, words_max=joints.PAGE_WORDS)
    if kind in {Kind.BODY_PIECES, Kind.HEADER_PIECES}:
        return Pager(size)
    # One word of such pages is looked up at a time: it may be short, not quick.
    return Pager(size, pairs=kind.has_pairs, dense=SHORT)


def _octets_of(kind: Kind) -> Callable[[str], bytes]:
    """Return what makes the octets of words of such pages."""
    if kind.has_joints:
        return joints.octets_of
    return pair if kind.has_pairs else encoded


LINES_AT_ONCE: Final = 200
"""Lines looked at for frequent words before there is a pause: below 1 ms."""

WORDS_AT_ONCE: Final = 250
"""Words turned into pages before there is a pause: below 1 ms."""

SORTED_AT_ONCE: Final = 2_000
"""Words sorted in one go, which nothing can interrupt: about 1 ms."""


_Numbers = TypeVar("_Numbers", bound=Sequence[int])


def column(lines: Iterable[bytes]) -> bytes:
    """Return the column of these lines."""
    return LINE.join((b"", *lines, b""))


def in_order(
    lists: MutableMapping[str, _Numbers],
    octets_of: Callable[[str], bytes],
    pause: Pause,
) -> Iterator[tuple[bytes, _Numbers]]:
    """Take words out of ``lists``; yield them as octets, ascending."""
    found = []
    while lists:
        some = [lists.popitem() for _ in range(min(len(lists), SORTED_AT_ONCE))]
        found.append(sorted((octets_of(word), numbers) for word, numbers in some))
        pause()
    return merge(*found)


def _numbers() -> "array[int]":
    return array("H")
