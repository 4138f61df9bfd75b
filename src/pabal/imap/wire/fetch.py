"""What FETCH asks for: data items, sections, partial ranges.

Sans-IO.
Source: RFC 9051 §6.4.5 and §9 (fetch-att, section), RFC 3516 (BINARY), RFC 7162
(MODSEQ, CHANGEDSINCE), RFC 8474 (EMAILID, THREADID), RFC 8514 (SAVEDATE), RFC 8970
(PREVIEW).
"""

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.imap.wire.grammar import NUMBER64_MAX, Reader
from pabal.imap.wire.partial import Partial, parse_partial
from pabal.imap.wire.sequence import SequenceSet

PART_DEPTH_MAX: Final = 64
"""Longest part number, ``1.2.3`` has 3; no message is parsed deeper."""

HEADER_NAMES_MAX: Final = 1000
"""Names in one HEADER.FIELDS."""

ITEMS_MAX: Final = 100
"""Data items in one FETCH: each may cost a reading of the message."""


class Attribute(enum.Enum):
    """A data item without arguments, by its name on the wire."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"
    PREVIEW = b"PREVIEW"
    SAVEDATE = b"SAVEDATE"
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"


class SectionText(enum.Enum):
    """Which octets of a part."""

    WHOLE = b""
    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """What stands in ``BODY[…]``.

    Attributes:
        part: Part number, empty for the message.
        text: Which octets of it.
        names: Field names for FIELDS and FIELDS_NOT, as the client wrote them.
    """

    part: tuple[int, ...] = ()
    text: SectionText = SectionText.WHOLE
    names: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    r"""Octets of a message.

    Attributes:
        section: Which.
        label: Name of the item in the response.
        peek: Whether ``\\Seen`` stays as it is.
        partial: First octet and most octets, ``None`` for all.
    """

    section: Section
    label: bytes
    peek: bool = True
    partial: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """Octets of a part without its transfer encoding (RFC 3516 §4.2).

    Attributes:
        part: Part number, empty for the message.
        label: Name of the item in the response.
        peek: As in ``Body``.
        partial: As in ``Body``.
        size_only: BINARY.SIZE: only how many octets.
    """

    part: tuple[int, ...]
    label: bytes
    peek: bool = True
    partial: tuple[int, int] | None = None
    size_only: bool = False


Item = Attribute | Body | Binary

_MACROS: Final = MappingProxyType(
    {
        b"ALL": (
            Attribute.FLAGS,
            Attribute.INTERNALDATE,
            Attribute.SIZE,
            Attribute.ENVELOPE,
        ),
        b"FAST": (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE),
        b"FULL": (
            Attribute.FLAGS,
            Attribute.INTERNALDATE,
            Attribute.SIZE,
            Attribute.ENVELOPE,
            Attribute.BODY,
        ),
    }
)
_PLAIN: Final = MappingProxyType({item.value: item for item in Attribute})
_OLD: Final = MappingProxyType(
    {
        b"RFC822": Body(Section(), b"RFC822", peek=False),
        b"RFC822.HEADER": Body(Section((), SectionText.HEADER), b"RFC822.HEADER"),
        b"RFC822.TEXT": Body(Section((), SectionText.TEXT), b"RFC822.TEXT", peek=False),
    }
)
"""Names of IMAP4rev1 that RFC 9051 dropped; every client still may send them."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH and UID FETCH.

    Attributes:
        messages: Which.
        items: What of them; UID is among them for UID FETCH.
        by_uid: Whether ``messages`` are UIDs.
        changed_since: Only messages with a newer modseq (RFC 7162 §3.1.4).
        vanished: Whether what vanished since is told too (RFC 7162 §3.2.6).
        partial: Which of ``messages``, counted (RFC 9394 §3.3).
        names_uid: Whether the client wrote UID among the items.
    """

    messages: SequenceSet
    items: tuple[Item, ...]
    by_uid: bool
    changed_since: int | None = None
    vanished: bool = False
    partial: Partial | None = None
    names_uid: bool = True


@dataclass(slots=True)
class _Modifiers:
    """Fetch-modifiers while they are read."""

    changed_since: int | None = None
    vanished: bool = False
    partial: Partial | None = None


def parse_fetch(reader: Reader, *, by_uid: bool) -> Fetch:
    """Return the FETCH whose arguments come next (RFC 9051 §9, fetch)."""
    reader.sp()
    messages = reader.sequence_set()
    reader.sp()
    items = parse_items(reader)
    found = _Modifiers()
    if reader.take_sp():
        reader.list_of(lambda: _modifier(reader, found), "modifiers")
        if found.changed_since is not None and Attribute.MODSEQ not in items:
            items = (*items, Attribute.MODSEQ)
    if found.vanished and (found.changed_since is None or not by_uid):
        # RFC 7162 §3.2.6: of UID FETCH alone, and with CHANGEDSINCE alone.
        raise reader.fail("UID FETCH with CHANGEDSINCE for VANISHED")
    names_uid = Attribute.UID in items
    if by_uid and not names_uid:
        items = (Attribute.UID, *items)
    if found.partial is not None and not by_uid:
        # RFC 9394 §3.3: of UID FETCH alone.
        raise reader.fail("UID FETCH for PARTIAL")
    items = tuple(dict.fromkeys(items))
    return Fetch(
        *(messages, items, by_uid, found.changed_since, found.vanished, found.partial),
        names_uid=names_uid,
    )


def _modifier(reader: Reader, found: _Modifiers) -> None:
    word = reader.word("a modifier")
    if word == b"CHANGEDSINCE":
        reader.sp()
        found.changed_since = reader.number64("a mod-sequence")
    elif word == b"PARTIAL" and found.partial is None:
        reader.sp()
        found.partial = parse_partial(reader)
    elif word == b"VANISHED":
        found.vanished = True
    else:
        raise reader.fail("CHANGEDSINCE, VANISHED or PARTIAL once")


def parse_items(reader: Reader) -> tuple[Item, ...]:
    """Consume a macro, a data item, or a list of them."""
    if reader.peek() != ord("("):
        start = reader.position
        macro = _MACROS.get(reader.take_atom() or b"")
        if macro is None:
            reader.position = start
            macro = _MACROS.get((reader.take_atom() or b"").upper())
        if macro is not None:
            return macro
        reader.position = start
        return (_item(reader),)
    items = reader.list_of(lambda: _item(reader), "data items")
    if not 0 < len(items) <= ITEMS_MAX:
        raise reader.fail("data items")
    return tuple(items)


def _item(reader: Reader) -> Item:
    start = reader.position
    name = _name(reader)
    if name in {b"BODY", b"BODY.PEEK"} and reader.take(b"["):
        return _body(reader, peek=name == b"BODY.PEEK")
    if name in {b"BINARY", b"BINARY.PEEK", b"BINARY.SIZE"}:
        reader.expect(b"[")
        return _binary(reader, name)
    if name == b"PREVIEW" and reader.take(b" ("):
        # RFC 8970 §3.1: LAZY allows NIL; ours are ready, so it changes nothing.
        if reader.word("LAZY") != b"LAZY":
            raise reader.fail("LAZY")
        reader.expect(b")")
    item = _PLAIN.get(name) or _OLD.get(name)
    if item is None:
        reader.position = start
        raise reader.fail("a data item")
    return item


def _name(reader: Reader) -> bytes:
    """Read the letters of an item's name: ``[`` ends it, although atoms may have it."""
    atom = reader.atom("a data item")
    name, bracket, _ = atom.partition(b"[")
    if bracket:
        reader.position -= len(atom) - len(name)
    return name.upper()


def _body(reader: Reader, *, peek: bool) -> Body:
    section = parse_section(reader)
    reader.expect(b"]", "]")
    partial = _partial(reader)
    return Body(section, _label(b"BODY", section, partial), peek, partial)


def parse_section(reader: Reader) -> Section:
    """Consume what stands in ``BODY[…]`` (RFC 9051 §9, section-spec)."""
    part = _part(reader)
    if part and not reader.take(b"."):
        return Section(part)
    name = reader.take_atom()
    if name is None:
        if part:
            raise reader.fail("HEADER, TEXT or MIME")
        return Section()
    try:
        text = SectionText(name.upper())
    except ValueError:
        raise reader.fail("HEADER, TEXT or MIME") from None
    if text is SectionText.WHOLE or (text is SectionText.MIME and not part):
        raise reader.fail("HEADER or TEXT")
    if text not in {SectionText.FIELDS, SectionText.FIELDS_NOT}:
        return Section(part, text)
    reader.sp()
    names = reader.list_of(lambda: reader.astring("a field name"), "field names")
    if not 0 < len(names) <= HEADER_NAMES_MAX:
        raise reader.fail("field names")
    return Section(part, text, tuple(names))


def _part(reader: Reader) -> tuple[int, ...]:
    numbers: list[int] = []
    while 0x30 < reader.peek() <= 0x39:
        numbers.append(reader.number("a part number"))
        if len(numbers) > PART_DEPTH_MAX:
            raise reader.fail("a shorter part number")
        start = reader.position
        if not reader.take(b"."):
            break
        if not 0x30 < reader.peek() <= 0x39:
            reader.position = start
            break
    return tuple(numbers)


def _partial(reader: Reader) -> tuple[int, int] | None:
    """Read ``<first.count>`` (RFC 9051 §6.4.5)."""
    if not reader.take(b"<"):
        return None
    first = reader.number("an offset", NUMBER64_MAX)
    reader.expect(b".", "a dot")
    count = reader.number("a count", NUMBER64_MAX)
    reader.expect(b">", ">")
    if not count:
        raise reader.fail("a count above 0")
    return first, count


def _binary(reader: Reader, name: bytes) -> Binary:
    part = _part(reader)
    reader.expect(b"]", "]")
    if name == b"BINARY.SIZE":
        return Binary(part, b"BINARY.SIZE[%b]" % _dotted(part), size_only=True)
    partial = _partial(reader)
    label = b"BINARY[%b]%b" % (_dotted(part), _origin(partial))
    return Binary(part, label, name == b"BINARY.PEEK", partial)


def _dotted(part: tuple[int, ...]) -> bytes:
    return b".".join(b"%d" % number for number in part)


def _origin(partial: tuple[int, int] | None) -> bytes:
    return b"<%d>" % partial[0] if partial else b""


def _label(name: bytes, section: Section, partial: tuple[int, int] | None) -> bytes:
    """Return the item's name in the response: as asked, PEEK and count left out."""
    parts = [_dotted(section.part)] if section.part else []
    if section.text is not SectionText.WHOLE:
        parts.append(section.text.value)
    inner = b".".join(parts)
    if section.names:
        inner += b" (" + b" ".join(map(_field_name, section.names)) + b")"
    return b"%b[%b]%b" % (name, inner, _origin(partial))


def _field_name(name: bytes) -> bytes:
    """Return a field name as an astring; control characters cannot break the line."""
    if name and name.isascii() and name.replace(b"-", b"").isalnum():
        return name
    clean = bytes(octet for octet in name if octet >= 0x20 and octet != 0x7F)
    return b'"' + clean.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
