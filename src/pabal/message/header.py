"""Header sections: where they end, their fields, subsets of them, folding.

Sans-IO. Octets are searched in bulk; CRLF is the line end, a lone LF is understood,
since messages imported from files have it.
Source: RFC 5322 §2.1 (header and body), §2.2 (fields, folding), RFC 9051 §6.4.5.1
(HEADER.FIELDS).
"""

import mmap
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Final

from pabal.message.words import decode_words

HEADER_MAX_OCTETS: Final = 1024 * 1024
"""Octets of a header that are looked at for fields; what lies behind is not indexed.

Postfix takes 100 kB a header; a message to 10,000 people has 400 kB of addresses.
"""

FIELDS_MAX: Final = 10_000
"""Fields of a header that are looked at: a bound for memory."""

LINE_MAX_OCTETS: Final = 998
"""Longest line, CRLF excluded, we write (RFC 5322 §2.1.1)."""

FOLD_OCTETS: Final = 78
"""Line length we fold at, CRLF excluded (RFC 5322 §2.1.1)."""

_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
# A field: its name, then everything up to a line end no white space follows.
_FIELD: Final = re.compile(
    rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE
)
_WHOLE_FIELD: Final = re.compile(rb"^[^\n]*(?:\n[ \t][^\n]*)*\n?", re.MULTILINE)
_LINE_END: Final = re.compile(rb"\r?\n|\r")
_BLANK: Final = frozenset({b"\r\n", b"\n", b"\r"})

_PATTERNS_MAX: Final = 256
"""Compiled subsets remembered: clients ask for the same few, again and again."""


def split(octets: bytes | mmap.mmap) -> int:
    """Return the length of the header of ``octets``, its empty line included.

    Without an empty line everything is header.
    """
    if octets[:2] == b"\r\n":
        return 2
    if octets[:1] == b"\n":
        return 1
    match = _EMPTY_LINE.search(octets)
    return match.end() if match else len(octets)


def fields(header: bytes) -> Sequence[tuple[bytes, bytes]]:
    """Return name and raw value of each field of ``header``, in order.

    The name is as written; the value is everything behind the colon, folds included,
    the last line end not. Lines that are no field are left out. At most ``FIELDS_MAX``
    fields out of the first ``HEADER_MAX_OCTETS`` octets.
    """
    found: list[tuple[bytes, bytes]] = _FIELD.findall(header[:HEADER_MAX_OCTETS])
    return [
        (name, raw[:-1] if raw[-1:] == b"\r" else raw)
        for name, raw in found[:FIELDS_MAX]
    ]


def raw_fields(header: bytes) -> Sequence[bytes]:
    """Return the fields of ``header`` octet by octet, each with its line end.

    Joined they are the header again, without its empty line.
    """
    found: list[bytes] = _WHOLE_FIELD.findall(header)
    return [field for field in found if field and field not in _BLANK]


def unfold(value: bytes) -> bytes:
    """Return a raw ``value`` on one line: line ends gone, outer white space too.

    RFC 5322 §2.2.3: only the line end goes, the white space behind it stays.
    """
    value = value.strip(b" \t\r\n")
    if b"\n" in value or b"\r" in value:
        value = _LINE_END.sub(b"", value)
    return value


class Header:
    """The fields of a header section by name, for reading.

    Attributes:
        octets: The section as given.
    """

    __slots__ = ("_values", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        values: dict[bytes, list[bytes]] = {}
        for name, raw in _FIELD.findall(octets[:HEADER_MAX_OCTETS])[:FIELDS_MAX]:
            values.setdefault(name.lower(), []).append(raw)
        self._values = values

    def __contains__(self, name: bytes) -> bool:
        return name in self._values

    def get(self, name: bytes) -> bytes | None:
        """Return the unfolded value of the first field ``name`` (lower case)."""
        values = self._values.get(name)
        return unfold(values[0]) if values else None

    def all(self, name: bytes) -> tuple[bytes, ...]:
        """Return the unfolded values of every field ``name`` (lower case), in order."""
        return tuple(map(unfold, self._values.get(name, ())))

    def joined(self, name: bytes) -> bytes:
        """Return all fields ``name`` as one list: some programs write two ``To``."""
        values = self._values.get(name)
        if not values:
            return b""
        return unfold(values[0]) if len(values) == 1 else b", ".join(self.all(name))

    def text(self, name: bytes) -> str:
        """Return the first field ``name`` decoded to text; empty when there is none."""
        value = self.get(name)
        return decode_words(value) if value else ""

    def names(self) -> Collection[bytes]:
        """Return the names there are, in lower case."""
        return self._values.keys()


def select(header: bytes, names: Collection[bytes]) -> bytes:
    """Return the fields with one of ``names``, in any case, and the empty line.

    Exactly what ``BODY[HEADER.FIELDS (names)]`` is (RFC 9051 §6.4.5.1): octets are not
    changed, the order is the message's, the empty line is there if the header has it.
    """
    if not names:
        return _end_of(header)
    pattern = _subset(frozenset(name.lower() for name in names))
    return b"".join(pattern.findall(header)) + _end_of(header)


def select_many(headers: Iterable[bytes], names: Collection[bytes]) -> list[bytes]:
    """Return ``select`` of each of ``headers``, for whole mailboxes.

    An eighth of its cost: a pattern that begins with a literal line end lets the
    engine skip from line to line.
    """
    if not names:
        return [_end_of(header) for header in headers]
    find = _lines(frozenset(name.lower() for name in names)).findall
    found = []
    for header in headers:
        if header.endswith(b"\n\r\n"):
            fields = b"".join(find(b"\n" + header))
            found.append(fields[1:] + b"\n\r\n" if fields else b"\r\n")
        else:
            found.append(select(header, names))
    return found


def select_not(header: bytes, names: Collection[bytes]) -> bytes:
    """Return the fields with none of ``names``, and the empty line.

    Exactly what ``BODY[HEADER.FIELDS.NOT (names)]`` is (RFC 9051 §6.4.5.1).
    """
    end = _end_of(header)
    if not names:
        return header
    pattern = _subset(frozenset(name.lower() for name in names))
    return pattern.sub(b"", header[: len(header) - len(end)]) + end


def build_field(name: bytes, value: bytes) -> bytes:
    """Return the field ``name``: ``value``, folded, with its CRLF.

    Folds at white space so that lines stay within ``FOLD_OCTETS`` where they can;
    a word longer than that keeps its line. Line ends inside ``value`` become spaces.
    """
    words = _LINE_END.sub(b" ", value).split(b" ")
    lines: list[bytes] = []
    line = name + b":"
    for word in words:
        if len(line) + 1 + len(word) > FOLD_OCTETS and word and line != name + b":":
            lines.append(line)
            line = b""
        line += b" " + word
    lines.append(line)
    # A line of white space alone would end the header for sloppy readers.
    return b"\r\n".join(part for part in lines if part.strip(b" \t")) + b"\r\n"


def _end_of(header: bytes) -> bytes:
    """Return the empty line ``header`` ends with, as written; empty if it has none."""
    if header.endswith(b"\n\r\n") or header == b"\r\n":
        return b"\r\n"
    return b"\n" if header.endswith(b"\n\n") or header == b"\n" else b""


@lru_cache(maxsize=_PATTERNS_MAX)
def _lines(names: frozenset[bytes]) -> re.Pattern[bytes]:
    """Return a pattern of a line end and the field behind it, its own line end not."""
    choice = b"|".join(sorted(map(re.escape, names)))
    firsts = b"".join({re.escape(name[:1]) for name in names})
    # Looked at before the names are: most lines are passed over by one octet.
    return re.compile(
        rb"\n(?=[" + firsts + firsts.upper() + rb"])"
        rb"(?i:" + choice + rb")[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*"
    )


@lru_cache(maxsize=_PATTERNS_MAX)
def _subset(names: frozenset[bytes]) -> re.Pattern[bytes]:
    choice = b"|".join(sorted(map(re.escape, names)))
    return re.compile(
        rb"^(?:" + choice + rb")[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*",
        re.MULTILINE | re.IGNORECASE,
    )
