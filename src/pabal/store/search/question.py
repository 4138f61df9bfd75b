"""What is asked of an index, and what a segment answers.

Sans-IO.
Source: RFC 9051 §6.4.4 (SEARCH).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pabal.message.needle import Needle
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search import pages
from pabal.store.search.pages import Found, Pattern, Union
from pabal.store.search.pieces import Atom, atoms, is_decided
from pabal.store.search.segment import COLUMNS, LINE, VALUE, Kind, encoded

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
        is_decided: Whether the messages found are all right; else they are candidates.
        column: The field to look into, if it has a column; then ``pattern`` counts.
        pattern: In the column.
        choices: Else: one of them must hold, and every look-up in it.
    """

    is_decided: bool
    column: bytes = b""
    pattern: Pattern = b""
    choices: Sequence[Sequence[Lookup]] = ()


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
    return Question(is_decided(needle.text), choices=choices)


def answer(question: Question, reader: SegmentReader) -> Found:
    """Return the messages found, or candidates."""
    if question.column:
        found = pages.matching(reader.column(question.column), question.pattern, LINE)
        return pages.bits_of(found, reader.size)
    answers = 0
    for lookups in question.choices:
        left = (1 << reader.size) - 1
        for lookup in lookups:
            left &= _look_up(lookup, reader)
            if not left:
                break
        answers |= left
    return answers


def _look_up(lookup: Lookup, reader: SegmentReader) -> Found:
    union = Union(reader.size)
    for page, length, words in reader.words(lookup.kind):
        numbers = pages.matching(words, lookup.pattern)
        if numbers:
            union.add(length, reader.lists(page), numbers)
            if union.is_full:
                break
    return union.found()


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
