"""What is asked of an index, and what a segment answers.

Sans-IO.
Source: RFC 9051 §6.4.4 (SEARCH).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from pabal.message.needle import Needle
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search import joints, pages, pieces
from pabal.store.search.joints import Joint
from pabal.store.search.lists import (
    BITS,
    GATHERED_OCTETS,
    Found,
    Union,
    bits_of,
    list_octets,
)
from pabal.store.search.pages import Pattern
from pabal.store.search.pieces import WITHIN, Atom, atoms
from pabal.store.search.segment import (
    BODY,
    COLUMNS,
    HEADER,
    LINE,
    VALUE,
    Answer,
    Kind,
    Kinds,
    PagesReader,
    SegmentReader,
    encoded,
)
from pabal.store.search.shortcuts import known

READ_MAX: Final = 16
"""Messages of a segment that are read rather than looked for in rare words."""

READ_PART: Final = 128
"""Of a segment one message in so many, too: looking would take longer."""

JOINTS_PART: Final = 64
"""The same for what joints decide: there are more of them."""

PLAIN_PART: Final = 24
"""The same where most messages are plain: some 5 us each."""

PLAIN_REST_PART: Final = 16
"""Of these one in so many is read rather than the lists of all rare words."""

CASED_PART: Final = 24
"""The same of what has upper case: then the text is put into lower case first."""

WEAK_PART: Final = 12
"""Of these one in so many is read rather than what is weak looked up."""

QUICK_PART: Final = 10
"""The same of what has no case."""

EARLY: Final = 2
"""So many times more are read when no list of numbers was looked at by then."""

USELESS: Final = 16
"""Words in all candidates but one in so many do not help to find less of them."""

WORD_MIN: Final = 3
"""Letters of a word that is looked up to bound a search: of few there are too many."""

SINGLES_MAX: Final = 4
"""Characters that bound a search: more of them leave hardly fewer messages."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Words that match.

    Attributes:
        kind: Of which pages.
        wanted: What matches; of pages of joints, a joint.
        bounds: What every text with such a word has, too, and is found at once.
        is_weak: Beside others it hardly leaves fewer messages.
    """

    kind: Kind
    wanted: Pattern | Joint
    bounds: "Sequence[Lookup]" = ()
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What a text must have.

    Attributes:
        kinds: Of the text.
        lookups: Every one of them.
        phrase: What is looked for: a text that has it is found, whatever else there is.
        first: What it must have, too, and is quick to look up.
    """

    kinds: Kinds
    lookups: Sequence[Lookup]
    phrase: str = ""
    first: Sequence[Lookup] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for.

    Attributes:
        is_decided: Whether the first look-up of each choice tells which messages hold
            it. Else all of them tell which may.
        column: The field to look into, if it has a column; then ``pattern`` counts.
        pattern: In the column.
        choices: Else: one of them must hold.
        enough: Fields with a column: a message with ``pattern`` there holds it.
        octets: The text of a plain message with any of these holds it; none: that must
            be taken apart like the others.
    """

    is_decided: bool
    column: bytes = b""
    pattern: Pattern = b""
    choices: "Sequence[Choice]" = ()
    enough: Sequence[bytes] = ()
    octets: Sequence[bytes] = ()

    @property
    def has_case(self) -> bool:
        """Whether a plain message may have it in upper case."""
        return any(one.upper() != one for one in self.octets)


def question_of(predicate: Contains | HeaderContains) -> Question | None:
    """Return what to ask; ``None``: an index is of no help, or every message has it."""
    needle = Needle(predicate.needle)
    return None if needle.begins_inside else _question_of(predicate, needle)


def _question_of(
    predicate: Contains | HeaderContains, needle: Needle
) -> Question | None:
    if isinstance(predicate, HeaderContains):
        name = predicate.name.lower().encode("utf-8", "surrogateescape")
        if name in COLUMNS:
            return _of_column(name, needle)
        return _of_field(name, needle)
    if predicate.where not in {TextField.BODY, TextField.TEXT}:
        return _of_column(predicate.where.value.encode("ascii"), needle)
    kinds = [BODY] if predicate.where is TextField.BODY else [HEADER, BODY]
    choices = [some for one in kinds for some in _choices(one, needle)]
    if not all(choice.lookups for choice in choices):
        return None
    decided = pieces.is_decided(needle.text) or pieces.is_row(needle.text)
    question = Question(
        decided or joints.is_decided(needle.text),
        choices=choices,
        octets=[] if needle.initials else [*map(encoded, needle.variants)],
    )
    if decided or predicate.where is TextField.BODY:
        return question
    # Only what is not in the fields people look into most must be read.
    return replace(question, pattern=_in_fields(needle), enough=COLUMNS)


def answer(question: Question, reader: SegmentReader) -> Answer:
    """Return what a segment knows."""
    if question.column:
        return Answer(_in_column(question.column, question.pattern, reader))
    found = unsure = in_headers = 0
    plain = reader.plain() if question.octets else 0
    for choice in question.choices:
        known = _of_choice(question, choice, reader, found, plain)
        found |= known.found
        unsure |= known.unsure
        if choice.kinds.pieces.is_of_headers:
            in_headers |= known.unsure
    for name in question.enough:
        if (unsure & ~found).bit_count() > READ_MAX:
            found |= _in_column(name, question.pattern, reader)
    unsure &= ~found
    return Answer(found, unsure, unsure & plain & ~in_headers)


def _of_choice(
    question: Question,
    choice: Choice,
    reader: SegmentReader,
    found: Found,
    plain: Found,
) -> Answer:
    """Return what is known of texts that have all that is looked up.

    Args:
        question: Whose choice it is.
        choice: It.
        reader: The segment.
        found: Messages that hold it anyway.
        plain: Messages that are quick to read.
    """
    left = ((1 << reader.size) - 1) & ~found
    lookups = choice.lookups
    if choice.phrase and (at_once := known(choice.kinds, choice.phrase, reader)):
        found |= at_once.found & left
        left &= at_once.unsure
    for lookup in choice.first:
        there = looked_up(lookup, reader, left, left.bit_count() // USELESS)
        left = there.found | there.unsure
    rest = weak = 0
    part = JOINTS_PART if lookups[0].kind.has_joints else READ_PART
    if plain.bit_count() * 2 > reader.size and not lookups[0].kind.is_of_headers:
        part = PLAIN_PART
        rest = reader.size // (CASED_PART if question.has_case else PLAIN_REST_PART)
        weak = reader.size // (WEAK_PART if question.has_case else QUICK_PART)
    read = max(READ_MAX, reader.size // part)
    rest, weak = max(read, rest), max(read, weak)
    for number, lookup in enumerate(lookups):
        if left.bit_count() <= (weak if lookup.is_weak else read):
            break
        decides = question.is_decided and not number
        few = rest if decides else left.bit_count() // USELESS
        there = looked_up(lookup, reader, left, few)
        if decides:
            found |= there.found
            left = there.unsure
        else:
            left = there.found | there.unsure
    return Answer(found, left)


def looked_up(lookup: Lookup, reader: PagesReader, among: Found, few: int) -> Answer:
    """Return which messages ``among`` those given have words that match.

    Args:
        lookup: What is looked up.
        reader: The segment.
        among: Messages others do not matter beside.
        few: It ends when no more than this may be missing.
    """
    sure, unsure = Union(reader.size, among), Union(reader.size, among, waits=True)
    bounds = lookup.bounds
    for page, length, words in reader.words(lookup.kind):
        numbers, others = _matching(words, lookup)
        if not numbers and not others:
            continue
        # Words that match stand together, mostly.
        first = min(chain(numbers[:1], others))
        last = max(chain(numbers[-1:], others))
        octets = list_octets(length, reader.size)
        lists = reader.lists(page, first * octets, (last + 1) * octets)
        sure.add(length, lists, numbers, first)
        unsure.add(length, lists, others, first)
        if bounds and (sure.decoded or (length == BITS and numbers)):
            _bind(sure, bounds, reader)
            bounds = ()
        if sure.missing() <= (few if sure.decoded else few * EARLY):
            few *= EARLY
            break
    found = sure.found()
    if sure.missing() > few and unsure.waiting > GATHERED_OCTETS:
        _bind(sure, bounds, reader)
    if sure.missing() > few:
        unsure.among = sure.among & ~found
        return Answer(found, unsure.found())
    return Answer(found, sure.among & ~found)


def is_quick(lookup: Lookup, reader: PagesReader) -> bool:
    """Return whether lists of bits answer, all but for a few messages that are read."""
    sure = Union(reader.size, (1 << reader.size) - 1)
    _bind(sure, lookup.bounds, reader)
    for page, length, words in reader.words(lookup.kind):
        if length != BITS:
            break
        numbers, _ = _matching(words, lookup)
        if numbers:
            octets = list_octets(length, reader.size)
            end = (numbers[-1] + 1) * octets
            sure.add(length, reader.lists(page, 0, end), numbers)
    return sure.missing() <= reader.size // CASED_PART


def _bind(sure: Union, bounds: Iterable[Lookup], reader: PagesReader) -> None:
    """Leave those out that have not all that ``bounds`` look up."""
    for one in bounds:
        useless = sure.among.bit_count() // USELESS
        known = looked_up(one, reader, sure.among, useless)
        sure.among &= known.found | known.unsure


def _matching(words: bytes, lookup: Lookup) -> tuple[Sequence[int], Sequence[int]]:
    """Return the numbers of words that match, and of those that may."""
    if isinstance(lookup.wanted, Joint):
        return joints.judged(words, lookup.wanted)
    if lookup.kind.has_pairs and isinstance(lookup.wanted, bytes):
        return pages.pair_numbers(words, lookup.wanted), ()
    return pages.matching(words, lookup.wanted), ()


def _in_column(name: bytes, pattern: Pattern, reader: SegmentReader) -> Found:
    numbers = pages.matching(reader.column(name), pattern, LINE)
    return bits_of(numbers, reader.size)


def _of_column(name: bytes, needle: Needle) -> Question:
    # Nothing to look for: whether there is such a field.
    wanted = _in_fields(needle) or VALUE
    return Question(is_decided=True, column=name, pattern=wanted)


def _in_fields(needle: Needle) -> Pattern:
    """Return what finds a needle in columns."""
    if needle.initials is not None:
        return needle.initials
    if len(needle.variants) == 1:
        return encoded(needle.text)
    return re.compile("|".join(map(re.escape, needle.variants)))


def _of_field(name: bytes, needle: Needle) -> Question:
    """Return what messages with such a field have somewhere in their headers."""
    # Each field begins a line, and a space follows its colon.
    wanted = atoms(Needle(f" {name.decode('latin-1')}: ").text)
    found = [_lookup(HEADER, atom) for atom in wanted]
    choices = [
        Choice(HEADER, [*found, *choice.lookups]) for choice in _choices(HEADER, needle)
    ]
    return Question(is_decided=False, choices=choices)


def _choices(kinds: Kinds, needle: Needle) -> list[Choice]:
    """Return what a text with ``needle`` has one of; nothing: any text may have it."""
    if needle.initials is not None:
        return [Choice(kinds, _consonants(kinds, needle.text, needle.initials))]
    return [
        Choice(kinds, lookups(kinds, one), one, _first(kinds, one))
        for one in needle.variants
    ]


def _first(kinds: Kinds, text: str) -> list[Lookup]:
    """Return the word beside a blank, if few words of other scripts end or begin so."""
    if text.isascii() or not joints.is_decided(text):
        return []
    some = [one for one in atoms(text) if one.begins != one.ends and len(one.text) > 1]
    return [_lookup(kinds, one) for one in some] if len(some) == 1 else []


def _consonants(kinds: Kinds, text: str, initials: re.Pattern[str]) -> list[Lookup]:
    """Return what a text with leading consonants has, or syllables that begin so."""
    if not pieces.is_decided(text):
        return []
    singles = [
        Lookup(kinds.characters, initial)
        for one in dict.fromkeys(text)
        if (initial := Needle(one).initials) is not None
    ]
    if len(text) == 1:
        return singles
    return [Lookup(kinds.pieces, initials, singles)]


def lookups(kinds: Kinds, text: str) -> list[Lookup]:
    """Return what a text that holds a folded one has; nothing: any text may have it."""
    joined = joints.asked(text)
    both = sorted((one for one in joined if one.left and one.right), key=_size)
    # Those of one side stand in front of very many joints.
    sides = [one for one in joined if not (one.left and one.right)]
    some = sorted(set(atoms(text)), key=_length, reverse=True)
    words = [one for one in some if one.begins and one.ends]
    # The longest are the rarest, mostly.
    found = [_joint(kinds, joint) for joint in reversed(both)]
    found += [_lookup(kinds, atom) for atom in words]
    found += [replace(_joint(kinds, joint), is_weak=bool(found)) for joint in sides]
    others = [_lookup(kinds, atom) for atom in some if atom not in words]
    # Joints of what is not ASCII are more alike.
    found += [replace(one, is_weak=bool(joined) and text.isascii()) for one in others]
    row = pieces.blanks(text)
    if len(row) > 1 or not found:
        return [Lookup(kinds.characters, pages.pattern(row)), *found] if row else found
    return found


def _joint(kinds: Kinds, joint: Joint) -> Lookup:
    return Lookup(kinds.joints, joint, _bounds(kinds, joint))


def _size(joint: Joint) -> int:
    return len(joint.left) + len(joint.right)


def _lookup(kinds: Kinds, atom: Atom) -> Lookup:
    if len(atom.text) == 1 and not (atom.begins or atom.ends):
        return Lookup(kinds.characters, pages.pattern(atom.text))
    if pieces.is_pair(atom.text):
        return Lookup(kinds.pairs, pages.pair(atom.text))
    wanted = pages.pattern(atom.text, begins=atom.begins, ends=atom.ends)
    return Lookup(kinds.pieces, wanted, _singles(kinds, atom.text))


def _singles(kinds: Kinds, text: str) -> list[Lookup]:
    some = islice(dict.fromkeys(text), SINGLES_MAX)
    return [Lookup(kinds.characters, pages.pattern(one)) for one in some]


def _bounds(kinds: Kinds, joint: Joint) -> list[Lookup]:
    """Return what texts with a joint have: the words if that is quick to look up."""
    found = _singles(kinds, joint.left + joint.right)
    for text, front in ((joint.left, False), (joint.right, True)):
        if WORD_MIN <= len(text) <= WITHIN and pieces.is_decided(text):
            found.append(_lookup(kinds, Atom(text, begins=front, ends=not front)))
    return found


def _length(atom: Atom) -> int:
    return len(atom.text)
