"""Arguments of GETMETADATA and SETMETADATA, and names of entries.

Sans-IO.
Source: RFC 5464 §3.2 (names), §5; RFC 9590 §5 (LIST-METADATA).
"""

import re
from dataclasses import dataclass, field
from typing import Final

from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.response import quoted

ENTRIES_MAX: Final = 100
"""Entries in one command."""

NAME_MAX_OCTETS: Final = 255
"""Longest name of an entry: stored names must stay indexable."""

PRIVATE: Final = "/private/"
SHARED: Final = "/shared/"
ENTRIES: Final = (PRIVATE, SHARED)
"""How every entry begins that a client can name (RFC 5464 §3.2)."""

# RFC 5464 §3.2: no "//", no "/" at the end, neither "*" nor "%", at least two
# components, and four below "vendor".
_NAME: Final = re.compile(r"(?=[!-~ ]+\Z)(?!.*[*%])(/[^/]+){2,}")
_VENDOR: Final = re.compile(r"/[^/]+/vendor(/[^/]+){0,1}\Z")
_TOP: Final = re.compile(r"/(private|shared)(/vendor(/[!-$&-)+-.0-~]+)?)?")
"""What no entry is called, and entries are below: with DEPTH it is asked for."""


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """GETMETADATA.

    Attributes:
        mailbox: Which; empty: the server.
        entries: Names, in lower case.
        depth: Levels below them to tell too; ``None``: all.
        size_max: Longest value to tell; ``None``: any.
    """

    mailbox: bytes
    entries: tuple[str, ...]
    depth: int | None = 0
    size_max: int | None = None


@dataclass(slots=True)
class _Options:
    depth: int | None = 0
    size_max: int | None = None


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """SETMETADATA; an entry without a value is removed."""

    mailbox: bytes
    entries: dict[str, bytes | None] = field(default_factory=dict)


def parse_get(reader: Reader) -> GetMetadata:
    """Return the GETMETADATA whose arguments come next.

    Options are accepted before and behind the mailbox: the RFC has both.
    """
    options = _Options()
    reader.sp()
    if reader.peek() == ord("("):
        _read_options(reader, options)
        reader.sp()
    mailbox = reader.mailbox()
    reader.sp()
    if reader.peek() == ord("(") and not _is_entry(reader):
        _read_options(reader, options)
        reader.sp()
    entries = parse_entries(reader, tops=options.depth != 0)
    return GetMetadata(mailbox, entries, options.depth, options.size_max)


def _is_entry(reader: Reader) -> bool:
    return (
        reader.data[reader.position + 1 : reader.position + 3].lstrip(b'"{')[:1]
        in {
            b"/",
            b"",
        }
        or reader.data[reader.position + 1 : reader.position + 2] == b"{"
    )


def parse_entries(reader: Reader, *, tops: bool = False) -> tuple[str, ...]:
    """Consume one name, or a list of them.

    Args:
        tops: Whether those are names that entries are only below.
    """
    if reader.peek() != ord("("):
        return (_entry(reader, tops=tops),)
    names = reader.list_of(lambda: _entry(reader, tops=tops), "entries")
    if not 0 < len(names) <= ENTRIES_MAX:
        raise reader.fail("entries")
    return tuple(dict.fromkeys(names))


def _read_options(reader: Reader, options: _Options) -> None:
    reader.list_of(lambda: _option(reader, options), "options")


def _option(reader: Reader, options: _Options) -> None:
    word = reader.word("MAXSIZE or DEPTH")
    reader.sp()
    if word == b"MAXSIZE":
        options.size_max = reader.number("a size")
    elif word == b"DEPTH":
        depth = reader.word("a depth")
        if depth not in {b"0", b"1", b"INFINITY"}:
            raise reader.fail("0, 1 or infinity")
        options.depth = None if depth == b"INFINITY" else int(depth)
    else:
        raise reader.fail("MAXSIZE or DEPTH")


def is_top(name: str) -> bool:
    """Return whether entries can only be below ``name`` (RFC 5464 §3.2)."""
    return _TOP.fullmatch(name) is not None


def _entry(reader: Reader, *, tops: bool = False) -> str:
    octets = reader.astring("an entry")
    name = octets.decode("latin-1").lower()
    if tops and len(name) <= NAME_MAX_OCTETS and is_top(name):
        return name
    if len(name) > NAME_MAX_OCTETS or not _NAME.fullmatch(name):
        raise reader.fail("an entry")
    if not name.startswith(ENTRIES) or _VENDOR.match(name):
        raise reader.fail("an entry below /private or /shared")
    return name


def name_octets(entry: str) -> bytes:
    """Return the name of an entry as it is told."""
    octets = entry.encode("ascii")
    plain = octets.translate(None, b"/-._").isalnum()
    return octets if plain else quoted(octets)


def parse_set(reader: Reader) -> SetMetadata:
    """Return the SETMETADATA whose arguments come next."""
    reader.sp()
    mailbox = reader.mailbox()
    reader.sp()

    def pair() -> tuple[str, bytes | None]:
        name = _entry(reader)
        reader.sp()
        reader.take(b"~")
        return name, reader.nstring()

    pairs = reader.list_of(pair, "entries")
    if not 0 < len(pairs) <= ENTRIES_MAX:
        raise reader.fail("entries")
    return SetMetadata(mailbox, dict(pairs))
