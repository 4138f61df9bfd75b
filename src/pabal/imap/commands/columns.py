"""Columns of a FETCH response: one item of many messages at a time.

Sans-IO. Octets are made in bulk: ``map`` over arrays, one template a message.
Source: RFC 9051 §7.5.2; RFC 7162 §3.1.4 (MODSEQ), RFC 8474 §5 (ids), RFC 8970.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.imap.commands.sections import (
    Message,
    rendered,
    rendered_binary,
    subset,
)
from pabal.imap.commands.selected import Batch, Selected
from pabal.imap.wire.fetch import Attribute, Binary, Body, Item, Section, SectionText
from pabal.imap.wire.response import date_time, quoted
from pabal.message.header import select_many
from pabal.store.ports import Column, Row

Cells = Sequence[int | bytes]
"""One value a message, for the template's place."""

FROM_VIEW: Final = MappingProxyType(
    {
        Attribute.FLAGS: b"FLAGS (%b)",
        Attribute.UID: b"UID %d",
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
    """Return the column ``item`` is made from, ``None`` if the view has it."""
    if isinstance(item, Attribute):
        fact = FROM_FACT.get(item)
        return fact[0] if fact else None
    return Column.HEADER if from_header(item) else Column.OCTETS


def from_header(item: Body | Binary) -> bool:
    """Return whether the message's own header is all that ``item`` needs."""
    return (
        isinstance(item, Body)
        and not item.section.part
        and item.section.text in _HEADER_ONLY
    )


def template_of(item: Item) -> bytes:
    """Return the template of ``item`` with one place."""
    if isinstance(item, Attribute):
        view = FROM_VIEW.get(item)
        return view if view is not None else FROM_FACT[item][1]
    return b"%b"


class Plan:
    """How one FETCH is answered: its columns and its template.

    Attributes:
        columns: What is read from the store.
        bodies: Items made from whole messages.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        needed = [column_of(item) for item in items]
        self.bodies = needed.count(Column.OCTETS)
        self.items = items
        self.columns = list(dict.fromkeys(one for one in needed if one is not None))
        if self.bodies and Column.SIZE not in self.columns:
            self.columns.append(Column.SIZE)
        places = b" ".join(map(template_of, items))
        self._template = b"* %d FETCH (" + places + b"%b)\r\n"
        self._plain = b"* %d FETCH (" + places + b")\r\n"

    def responses(
        self,
        selected: Selected,
        batch: Batch,
        rows: Sequence[Row],
        extra: Sequence[bytes] | None = None,
    ) -> bytes:
        """Return the FETCH responses of ``batch``.

        Args:
            rows: What the store said, in order; empty if nothing was asked.
            extra: An addition to each response.
        """
        cells = self.cells(selected, batch, rows)
        news = selected.names.news()
        if extra is None:
            joined = zip(batch.numbers, *cells, strict=True)
            return news + b"".join(map(self._plain.__mod__, joined))
        joined = zip(batch.numbers, *cells, extra, strict=True)
        return news + b"".join(map(self._template.__mod__, joined))

    def one(
        self, item: Attribute, selected: Selected, batch: Batch, rows: Sequence[Row]
    ) -> bytes:
        """Return one plain item of a batch of one message, as it is told."""
        facts = dict(zip(self.columns, zip(*rows, strict=True), strict=False))
        cells = _plain_cells(item, selected, batch, facts)
        return template_of(item) % (cells[0],)

    def cells(
        self, selected: Selected, batch: Batch, rows: Sequence[Row]
    ) -> list[Cells]:
        """Return the values of each item, one sequence an item."""
        facts = dict(zip(self.columns, zip(*rows, strict=True), strict=False))
        messages: list[Message] = []
        found: list[Cells] = []
        for item in self.items:
            if isinstance(item, Attribute):
                found.append(_plain_cells(item, selected, batch, facts))
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
    octets = map(_octets, header_column)
    if section.text is not SectionText.FIELDS or item.partial is not None:
        return [rendered(item, subset(one, section)) for one in octets]
    template = item.label.replace(b"%", b"%%") + b" {%d}\r\n%b"
    return [template % (len(one), one) for one in select_many(octets, section.names)]


def _plain_cells(
    item: Attribute,
    selected: Selected,
    batch: Batch,
    facts: Mapping[Column, Sequence[object]],
) -> Cells:
    if item is Attribute.FLAGS:
        return selected.flag_octets(batch.flags, batch.uids)
    if item is Attribute.UID:
        return batch.uids
    if item is Attribute.MODSEQ:
        return batch.modseqs
    if item is Attribute.EMAILID:
        return batch.emails
    return list(map(_CELL[item], facts[FROM_FACT[item][0]]))


def _octets(fact: object) -> bytes:
    return fact if isinstance(fact, bytes) else b""


def _number(fact: object) -> int:
    return fact if isinstance(fact, int) else 0


def _date(fact: object) -> bytes:
    return date_time(fact if isinstance(fact, (int, float)) else 0.0)


def _preview(fact: object) -> bytes:
    # RFC 8970 §3.2: at most 256 octets is ours to keep, the store made it so.
    return quoted(fact.encode("utf-8")) if isinstance(fact, str) else b"NIL"


_CELL: Final = MappingProxyType[Attribute, Callable[[object], int | bytes]](
    {
        Attribute.INTERNALDATE: _date,
        Attribute.SIZE: _number,
        Attribute.ENVELOPE: _octets,
        Attribute.BODY: _octets,
        Attribute.BODYSTRUCTURE: _octets,
        Attribute.PREVIEW: _preview,
        Attribute.THREADID: _number,
    }
)
