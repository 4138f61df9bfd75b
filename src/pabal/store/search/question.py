"""What is asked of an index, and what a segment answers.

Sans-IO.
Source: RFC 9051 §6.4.4 (SEARCH).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.message.needle import Needle
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search import pages
from pabal.store.search.pages import Found, Pattern, Union
from pabal.store.search.pieces import Atom, atoms, is_decided
from pabal.store.search.segment import COLUMNS, LINE, VALUE, Kind, encoded

READ_MAX: Final = 16
"""Messages of a segment that are read rather than looked for in rare words."""

USELESS: Final = 16
"""Words in all messages but one in so many do not help to find candidates."""

Handle = int
"""Which page lists are of."""


class SegmentReader(Protocol):
    """A segment as it is stored."""

    @property
    def size(self) -> int:
        """How many messages it has."""
        ...

    def words(self, kind: Kind) -> Iterable[tuple[Handle, int, bytes]]:
        """Yield handle, length of lists and words of each page, those of bits first."""
        ...

    def lists(self, page: Handle) -> bytes:
        """Return the lists of a page."""
        ...

    def column(self, name: bytes) -> bytes:
        """Return a column of ``COLUMNS``."""
        ...


@dataclass(frozen=True, slots=True)
class Lookup:
    """Words that match."""

    kind: Kind
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for.

    Attributes:
        is_decided: Whether words tell which messages hold it: then there is one look-up
            a choice. Else they tell which may.
        column: The field to look into, if it has a column; then ``pattern`` counts.
        pattern: In the column.
        choices: Else: one of them must hold, and every look-up in it.
        enough: Fields with a column: a message with ``pattern`` there holds it.
    """

    is_decided: bool
    column: bytes = b""
    pattern: Pattern = b""
    choices: Sequence[Sequence[Lookup]] = ()
    enough: Sequence[bytes] = ()


def question_of(predicate: Contains | HeaderContains) -> Question | None:
    """Return what to ask; ``None``: an index is of no help, or every message has it."""
    needle = Needle(predicate.needle)
    if isinstance(predicate, HeaderContains):
        name = predicate.name.lower().encode("utf-8", "surrogateescape")
        if name in COLUMNS:
            return _of_column(name, needle)
        return _of_field(name, needle)
    if predicate.where not in {TextField.BODY, TextField.TEXT}:
        return _of_column(predicate.where.value.encode("ascii"), needle)
    kinds = [Kind.BODY_PIECES]
    if predicate.where is TextField.TEXT:
        kinds.insert(0, Kind.HEADER_PIECES)
    choices = [_lookups(kind, needle) for kind in kinds]
    if not all(choices):
        return None
    if is_decided(needle.text) or predicate.where is TextField.BODY:
        return Question(is_decided(needle.text), choices=choices)
    # Only what is not in the fields people look into most must be read.
    wanted = encoded(needle.text)
    return Question(is_decided=False, pattern=wanted, choices=choices, enough=COLUMNS)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a segment knows.

    Attributes:
        found: Messages that hold it.
        unsure: Other messages that may hold it: they must be read.
    """

    found: Found
    unsure: Found = 0


def answer(question: Question, reader: SegmentReader) -> Answer:
    """Return what a segment knows."""
    if question.column:
        return Answer(_in_column(question.column, question.pattern, reader))
    everything = (1 << reader.size) - 1
    if question.is_decided:
        union = Union(reader.size)
        whole = all(
            _gather(lookup, reader, union, READ_MAX)
            for lookups in question.choices
            for lookup in lookups
        )
        found = union.found()
        return Answer(found, 0 if whole else everything & ~found)
    unsure = 0
    for lookups in question.choices:
        left = everything
        for lookup in lookups:
            union = Union(reader.size)
            if _gather(lookup, reader, union, reader.size // USELESS):
                left &= union.found()
            if not left:
                break
        unsure |= left
    found = 0
    for name in question.enough if unsure else ():
        found |= _in_column(name, question.pattern, reader)
    return Answer(found, unsure & ~found)


def _in_column(name: bytes, pattern: Pattern, reader: SegmentReader) -> Found:
    numbers = pages.matching(reader.column(name), pattern, LINE)
    return pages.bits_of(numbers, reader.size)


def _gather(lookup: Lookup, reader: SegmentReader, union: Union, few: int) -> bool:
    """Add the messages with words that match; return ``False`` if it ended early.

    Args:
        few: It ends when no more messages than this are missing.
    """
    for page, length, words in reader.words(lookup.kind):
        numbers = pages.matching(words, lookup.pattern)
        if numbers:
            union.add(length, reader.lists(page), numbers)
            if union.missing() <= few:
                return False
    return True


def _of_column(name: bytes, needle: Needle) -> Question:
    if needle.initials is not None:
        return Question(is_decided=True, column=name, pattern=needle.initials)
    # Nothing to look for: whether there is such a field.
    wanted = encoded(needle.text) or VALUE
    return Question(is_decided=True, column=name, pattern=wanted)


def _of_field(name: bytes, needle: Needle) -> Question:
    """Return what messages with such a field have somewhere in their headers."""
    # Each field begins a line, and a space follows its colon.
    wanted = atoms(Needle(f" {name.decode('latin-1')}: ").text)
    found = [_lookup(Kind.HEADER_PIECES, atom) for atom in wanted]
    return Question(
        is_decided=False, choices=[[*found, *_lookups(Kind.HEADER_PIECES, needle)]]
    )


def _lookups(kind: Kind, needle: Needle) -> list[Lookup]:
    """Return what a text with ``needle`` has; nothing: any text may have it."""
    if needle.initials is not None:
        if not is_decided(needle.text):
            return []
        one = kind + 1 if len(needle.text) == 1 else kind
        return [Lookup(Kind(one), needle.initials)]
    return [_lookup(kind, atom) for atom in atoms(needle.text)]


def _lookup(kind: Kind, atom: Atom) -> Lookup:
    single = len(atom.text) == 1 and not (atom.begins or atom.ends)
    wanted = pages.pattern(atom.text, begins=atom.begins, ends=atom.ends)
    return Lookup(Kind(kind + 1) if single else kind, wanted)
