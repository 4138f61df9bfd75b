"""A segment: some thousand messages of an account, indexed; how to make one.

Sans-IO. A segment never changes. It has

* pages of words: pieces and characters, of headers and of texts;
* columns: the fields people search most, folded, a line a message, which are searched
  as they are.
"""

import enum
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Final

from pabal.message.header import HEADER_MAX_OCTETS, Header
from pabal.message.mime import Octets, scan
from pabal.message.text import body_texts, field_texts, header_texts
from pabal.store.search.pages import Page, Pager
from pabal.store.search.pieces import characters, pieces

SIZE_MAX: Final = 16_384
"""Messages of a segment: what making one takes of memory stays some ten MB."""


class Kind(enum.IntEnum):
    """Which words pages have."""

    BODY_PIECES = 0
    BODY_CHARACTERS = 1
    HEADER_PIECES = 2
    HEADER_CHARACTERS = 3


COLUMNS: Final = (b"subject", b"from", b"to", b"cc", b"bcc")
"""The fields that have a column."""

LINE: Final = b"\xff"
VALUE: Final = b"\xfe"
"""In front of each message of a column, and of each field of it: no UTF-8."""


@dataclass(slots=True)
class Segment:
    """An index of messages.

    Attributes:
        emails: Email ids, ascending; a document number is an index into it.
        pages: By what they are of.
        columns: By field: for each message ``LINE`` and, for each such field it has,
            ``VALUE`` and the text; ``LINE`` at the very end.
    """

    emails: "array[int]"
    pages: Mapping[Kind, Sequence[Page]]
    columns: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])


def encoded(text: str) -> bytes:
    """Return the octets of a folded text, whatever is in it."""
    return text.encode("utf-8", "surrogatepass")


class Builder:
    """Makes a segment of messages that come in ascending order of their ids."""

    def __init__(self) -> None:
        self._emails = array("Q")
        self._lists: dict[Kind, defaultdict[str, array[int]]] = {
            kind: defaultdict(_numbers) for kind in Kind
        }
        self._columns: dict[bytes, list[bytes]] = {name: [] for name in COLUMNS}

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
        self._add(Kind.HEADER_PIECES, header_texts(octets, root))
        self._add(Kind.BODY_PIECES, body_texts(octets, root))
        self._emails.append(email)

    def finish(self, pause: Callable[[], None]) -> Segment:
        """Return the segment; ``pause`` is called now and then."""
        size = len(self._emails)
        found: dict[Kind, Sequence[Page]] = {}
        for kind, lists in self._lists.items():
            pager = Pager(size)
            for count, (word, numbers) in enumerate(merge(*_sorted(lists, pause))):
                pager.add(word, numbers)
                if not count % WORDS_AT_ONCE:
                    pause()
            found[kind] = pager.pages()
        columns = {name: column(lines) for name, lines in self._columns.items()}
        return Segment(self._emails, found, columns)

    def _add(self, kind: Kind, texts: Iterable[str]) -> None:
        number = len(self._emails)
        found: set[str] = set()
        for text in texts:
            found |= pieces(text)
        lists = self._lists[kind]
        for piece in found:
            lists[piece].append(number)
        lists = self._lists[Kind(kind + 1)]
        for character in characters(found):
            lists[character].append(number)


WORDS_AT_ONCE: Final = 250
"""Words turned into pages before there is a pause: below 1 ms."""

SORTED_AT_ONCE: Final = 2_000
"""Words sorted in one go, which nothing can interrupt: about 1 ms."""

_Listed = tuple[bytes, "array[int]"]


def column(lines: Iterable[bytes]) -> bytes:
    """Return the column of these lines."""
    return LINE.join((b"", *lines, b""))


def _sorted(
    lists: dict[str, "array[int]"], pause: Callable[[], None]
) -> list[list[_Listed]]:
    """Take words out of ``lists``; return them in some sorted lists."""
    found = []
    while lists:
        some = [lists.popitem() for _ in range(min(len(lists), SORTED_AT_ONCE))]
        found.append(sorted((encoded(word), numbers) for word, numbers in some))
        pause()
    return found


def _numbers() -> "array[int]":
    return array("H")
