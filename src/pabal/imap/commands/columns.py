"""Columns of a FETCH response: one item of many messages at a time.

Sans-IO. Octets are made in bulk: ``map`` over arrays, one template a message.
Source: RFC 9051 §7.5.2; RFC 7162 §3.1.4 (MODSEQ), RFC 8474 §5 (ids), RFC 8970.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, cast

from pabal.imap.commands.sections import (
    Message,
    rendered,
    rendered_binary,
    subset,
)
from pabal.imap.commands.selected import Batch, Selected
from pabal.imap.wire.fetch import Attribute, Binary, Body, Item, Section, SectionText
from pabal.imap.wire.response import date_time, quoted
from pabal.imap.wire.rows import Cells, Rows
from pabal.store.ports import Column, Row

FROM_VIEW: Final = MappingProxyType(
    {
        Attribute.FLAGS: b"FLAGS (%b)",
        Attribute.UID: b"UID %i",
        Attribute.MODSEQ: b"MODSEQ (%d)",
        Attribute.EMAILID: b"EMAILID (M%d)",
    }
)
"""Items that never touch the database, with their template."""

FROM_FACT: Final = MappingProxyType(
    {
        Attribute.INTERNALDATE: (Column.RECEIVED, b"INTERNALDATE %b"),
        Attribute.SIZE: (Column.SIZE, b"RFC822.SIZE %d"),
        Attribute.ENVELOPE: (Column.ENVELOPE, b"ENVELOPE %b"),
        Attribute.BODY: (Column.BODY, b"BODY %b"),
        Attribute.BODYSTRUCTURE: (Column.BODYSTRUCTURE, b"BODYSTRUCTURE %b"),
        Attribute.PREVIEW: (Column.PREVIEW, b"PREVIEW %b"),
        Attribute.THREADID: (Column.THREAD, b"THREADID (T%d)"),
    }
)
"""Items the store keeps ready, with their column and template."""

_WHOLE: Final = Section()

_HEADER_ONLY: Final = frozenset(
    (SectionText.HEADER, SectionText.FIELDS, SectionText.FIELDS_NOT)
)


def column_of(item: Item) -> Column | None:
    """Return the column ``item`` is made from, ``None`` if it is made otherwise."""
    if isinstance(item, Attribute):
        fact = FROM_FACT.get(item)
        return fact[0] if fact else None
    if fields_of(item):
        return None
    return Column.HEADER if from_header(item) else Column.OCTETS


def from_header(item: Body | Binary) -> bool:
    """Return whether the message's own header is all that ``item`` needs."""
    return (
        isinstance(item, Body)
        and not item.section.part
        and item.section.text in _HEADER_ONLY
    )


def fields_of(item: Item) -> Body | None:
    """Return ``item`` if it is fields of the message's header: lists ask for them."""
    if not isinstance(item, Body) or item.section.part or item.partial is not None:
        return None
    return item if item.section.text is SectionText.FIELDS else None


def template_of(item: Item) -> bytes:
    """Return the template of ``item``: one place, two where its length goes first."""
    if isinstance(item, Attribute):
        view = FROM_VIEW.get(item)
        return view if view is not None else FROM_FACT[item][1]
    fields = fields_of(item)
    return fields.label.replace(b"%", b"%%") + b" {%d}\r\n%b" if fields else b"%b"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store said of the messages of a batch, in their order.

    Attributes:
        rows: One a message; empty if nothing was asked.
        fields: Header fields, a sequence for each item that asks for them.
        structures: The BODYSTRUCTURE of each, if the plan has it from those kept.
    """

    rows: Sequence[Row] = ()
    fields: Sequence[Sequence[bytes]] = ()
    structures: Sequence[bytes] = ()

    def part(self, start: int, end: int) -> "Facts":
        """Return those of some messages in a row."""
        fields = [one[start:end] for one in self.fields]
        return Facts(self.rows[start:end], fields, self.structures[start:end])


class Plan:
    """How one FETCH is answered: its columns and its template.

    Attributes:
        columns: What is read from the store.
        fields: Header fields that are read besides.
        structures: Whether the structure is all that the store has to say: then it
            comes from those that are kept, not from ``columns``.
        bodies: Items made from whole messages.

    Args (of the constructor):
        begin: How each response begins.
    """

    def __init__(self, items: Sequence[Item], begin: bytes = b"* %i FETCH (") -> None:
        needed = [column_of(item) for item in items]
        self.bodies = needed.count(Column.OCTETS)
        self.items = items
        self.fields = [one for one in map(fields_of, items) if one]
        self.columns = list(dict.fromkeys(one for one in needed if one is not None))
        if self.bodies and Column.SIZE not in self.columns:
            self.columns.append(Column.SIZE)
        self.structures = self.columns == [Column.BODYSTRUCTURE]
        if self.structures:
            self.columns = []
        places = b" ".join(map(template_of, items))
        self._extended = Rows(begin + places + b"%b)\r\n")
        self._plain = Rows(begin + places + b")\r\n")

    @property
    def reads(self) -> bool:
        """Whether the store has to be asked."""
        return bool(self.columns or self.fields or self.structures)

    def responses(
        self,
        selected: Selected,
        batch: Batch,
        facts: Facts,
        extra: Sequence[bytes] | None = None,
    ) -> bytes:
        """Return the FETCH responses of ``batch``.

        Args:
            facts: What the store said.
            extra: An addition to each response.
        """
        columns = [selected.names_of(batch), *self.cells(selected, batch, facts)]
        count = len(batch.uids)
        if extra is None:
            told = self._plain.octets(count, columns)
        else:
            told = self._extended.octets(count, [*columns, extra])
        return selected.names.news() + told

    def one(
        self, item: Attribute, selected: Selected, batch: Batch, rows: Sequence[Row]
    ) -> bytes:
        """Return one plain item of a batch of one message, as it is told."""
        facts = dict(zip(self.columns, zip(*rows, strict=True), strict=False))
        cells = _plain_cells(item, selected, batch, facts)
        return Rows(template_of(item)).octets(1, [cells])

    def cells(self, selected: Selected, batch: Batch, said: Facts) -> list[Cells]:
        """Return the values of each item, one sequence a place of its template."""
        columns = zip(*said.rows, strict=True)
        facts: dict[Column, Sequence[object]]
        facts = dict(zip(self.columns, columns, strict=False))
        if self.structures:
            facts[Column.BODYSTRUCTURE] = said.structures
        fields = iter(said.fields)
        messages: list[Message] = []
        found: list[Cells] = []
        for item in self.items:
            if isinstance(item, Attribute):
                found.append(_plain_cells(item, selected, batch, facts))
            elif fields_of(item):
                octets_of_each = next(fields)
                found += list(map(len, octets_of_each)), octets_of_each
            elif from_header(item):
                found.append(_header_cells(item, facts[Column.HEADER]))
            elif is_whole(item):
                found.append(_whole_cells(item, facts[Column.OCTETS]))
            else:
                # One scan a message serves all its parts.
                octets = facts[Column.OCTETS]
                messages = messages or [Message(_octets(fact)) for fact in octets]
                found.append([body_cell(item, message) for message in messages])
        return found


def body_cell(item: Body | Binary, message: Message) -> bytes:
    """Return a body item of one message."""
    if isinstance(item, Binary):
        return rendered_binary(item, message.binary(item.part))
    return rendered(item, message.section(item.section))


def is_whole(item: Body | Binary) -> bool:
    """Return whether ``item`` is the message as it is: the commonest of all."""
    return isinstance(item, Body) and item.section == _WHOLE and item.partial is None


def _whole_cells(item: Item, octets: Sequence[object]) -> Cells:
    if not isinstance(item, Body):
        return ()
    template = item.label.replace(b"%", b"%%") + b" {%d}\r\n%b"
    return [template % (len(one), one) for one in octets if isinstance(one, bytes)]


def _header_cells(item: Item, header_column: Sequence[object]) -> Cells:
    if not isinstance(item, Body):
        return ()
    section = item.section
    return [rendered(item, subset(one, section)) for one in map(_octets, header_column)]


def _plain_cells(
    item: Attribute,
    selected: Selected,
    batch: Batch,
    facts: Mapping[Column, Sequence[object]],
) -> Cells:
    if item is Attribute.FLAGS:
        return selected.flag_cells(batch)
    if item is Attribute.UID:
        return batch.uids
    if item is Attribute.MODSEQ:
        return batch.modseqs
    if item is Attribute.EMAILID:
        return batch.emails
    facts_of_each = facts[FROM_FACT[item][0]]
    made = _CELL.get(item)
    if made is None:
        # Octets or a number as the store has it: rows that lack one are not here.
        return cast("Cells", facts_of_each)
    return cast("Cells", list(map(made, facts_of_each)))


def _octets(fact: object) -> bytes:
    return fact if isinstance(fact, bytes) else b""


def _date(fact: object) -> bytes:
    return date_time(fact if isinstance(fact, (int, float)) else 0.0)


def _preview(fact: object) -> bytes:
    # RFC 8970 §3.2: at most 256 octets is ours to keep, the store made it so.
    return quoted(fact.encode("utf-8")) if isinstance(fact, str) else b"NIL"


_CELL: Final = MappingProxyType[Attribute, Callable[[object], int | bytes]](
    {
        Attribute.INTERNALDATE: _date,
        Attribute.PREVIEW: _preview,
    }
)
