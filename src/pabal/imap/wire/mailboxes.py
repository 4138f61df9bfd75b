"""Arguments of the commands about mailboxes: LIST, STATUS, SELECT, CREATE, APPEND.

Sans-IO.
Source: RFC 9051 §6.3 and §9; RFC 5258 (LIST-EXTENDED), RFC 5819 (LIST-STATUS),
RFC 6154 (SPECIAL-USE), RFC 7162 §3.1.8 (CONDSTORE), §3.2.5
(QRESYNC), RFC 3502 (MULTIAPPEND),
RFC 6855 §4 (APPEND UTF8), RFC 4469 (CATENATE).
"""

import re
from dataclasses import dataclass
from typing import Final

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import RECENT, Reader
from pabal.imap.wire.metadata import parse_entries
from pabal.imap.wire.sequence import STAR, SequenceSet
from pabal.store.flags import NO_FLAGS, Flags

PATTERNS_MAX: Final = 100
"""Patterns in one LIST; each is matched against every mailbox."""

STATUS_ITEMS: Final = frozenset(
    (
        b"MESSAGES",
        b"RECENT",
        b"UIDNEXT",
        b"UIDVALIDITY",
        b"UNSEEN",
        b"DELETED",
        b"DELETED-STORAGE",
        b"SIZE",
        b"HIGHESTMODSEQ",
        b"APPENDLIMIT",
        b"MAILBOXID",
    )
)
"""What STATUS can be asked (RFC 9051 §6.3.11; RFC 7162, 7889, 8438, 8474, 9208)."""

PARTS_MAX: Final = 1_000
"""Parts of one message put together by CATENATE."""

_URL_LITERAL: Final = re.compile(rb"URL \{\d{1,19}\+?\}\r\n\Z", re.IGNORECASE)
"""Ends with a literal that is a URL: read like any other."""

_SELECTION: Final = frozenset(
    (b"SUBSCRIBED", b"REMOTE", b"RECURSIVEMATCH", b"SPECIAL-USE")
)
_RETURN: Final = frozenset(
    (
        *(b"SUBSCRIBED", b"CHILDREN", b"SPECIAL-USE", b"STATUS", b"METADATA"),
        b"MYRIGHTS",
    )
)
_SELECT: Final = frozenset((b"CONDSTORE", b"QRESYNC"))
_MESSAGE_LITERAL: Final = re.compile(rb"(~?)\{(\d{1,19})\+?\}\r\n")


@dataclass(frozen=True, slots=True)
class ListMailboxes:
    """LIST.

    Attributes:
        reference: Prefix of every pattern.
        patterns: Names with ``*`` and ``%``; encoding as in ``Reader.mailbox``.
        selection: Selection options in upper case.
        returns: Return options in upper case.
        status: Items of the STATUS return option.
        metadata: Entries of the METADATA return option (RFC 9590).
        extended: Whether it is the extended form (RFC 5258 §3).
        one_pattern: Whether the pattern stood alone, as in RFC 3501.
    """

    reference: bytes
    patterns: tuple[bytes, ...]
    selection: frozenset[bytes] = frozenset()
    returns: frozenset[bytes] = frozenset()
    status: tuple[bytes, ...] = ()
    extended: bool = False
    metadata: tuple[str, ...] = ()


def parse_list(reader: Reader) -> ListMailboxes:
    """Return the LIST whose arguments come next (RFC 9051 §9, list)."""
    reader.sp()
    selection: frozenset[bytes] = frozenset()
    extended = reader.peek() == ord("(")
    if extended:
        selection = frozenset(
            reader.list_of(lambda: _one_of(reader, _SELECTION), "selection options")
        )
        if selection - {b"REMOTE"} == {b"RECURSIVEMATCH"}:
            # RFC 5258 §3.1: it qualifies another option and is nothing by itself.
            raise reader.fail("an option besides RECURSIVEMATCH")
        reader.sp()
    reference = reader.mailbox()
    reader.sp()
    if reader.peek() == ord("("):
        extended = True
        patterns = tuple(reader.list_of(reader.list_mailbox, "patterns"))
        if not 0 < len(patterns) <= PATTERNS_MAX:
            raise reader.fail("patterns")
    else:
        patterns = (reader.list_mailbox(),)
    if not reader.take_word(b" RETURN "):
        return ListMailboxes(reference, patterns, selection, extended=extended)
    returns, status, metadata = _returns(reader)
    return ListMailboxes(
        *(reference, patterns, selection, returns),
        status=status,
        extended=True,
        metadata=metadata,
    )


def _returns(
    reader: Reader,
) -> tuple[frozenset[bytes], tuple[bytes, ...], tuple[str, ...]]:
    status: list[bytes] = []
    metadata: list[str] = []

    def option() -> bytes:
        word = _one_of(reader, _RETURN)
        if word == b"STATUS":
            reader.sp()
            status.extend(status_items(reader))
        elif word == b"METADATA":
            reader.sp()
            metadata.extend(parse_entries(reader))
        return word

    options = frozenset(reader.list_of(option, "return options"))
    return options, tuple(dict.fromkeys(status)), tuple(dict.fromkeys(metadata))


def parse_lsub(reader: Reader) -> ListMailboxes:
    """Return the LSUB whose arguments come next (RFC 3501 §6.3.9)."""
    reader.sp()
    reference = reader.mailbox()
    reader.sp()
    return ListMailboxes(
        reference, (reader.list_mailbox(),), frozenset((b"SUBSCRIBED",))
    )


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS."""

    mailbox: bytes
    items: tuple[bytes, ...]


def parse_status(reader: Reader) -> Status:
    """Return the STATUS whose arguments come next (RFC 9051 §9, status)."""
    reader.sp()
    mailbox = reader.mailbox()
    reader.sp()
    return Status(mailbox, tuple(dict.fromkeys(status_items(reader))))


def status_items(reader: Reader) -> list[bytes]:
    """Consume a list of status items."""
    items = reader.list_of(lambda: _one_of(reader, STATUS_ITEMS), "status items")
    if not items:
        raise reader.fail("status items")
    return items


@dataclass(frozen=True, slots=True)
class Resync:
    """What a client knows of a mailbox it comes back to (RFC 7162 §3.2.5).

    Attributes:
        uid_validity: The UIDVALIDITY it knows.
        modseq: The newest mod-sequence it knows.
        known: The UIDs it knows; ``None``: all that were.
        numbers: Some message numbers, ascending, and parallel ``uids`` at them.
    """

    uid_validity: int
    modseq: int
    known: SequenceSet | None = None
    numbers: SequenceSet | None = None
    uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT or EXAMINE.

    Attributes:
        mailbox: Which.
        condstore: Whether it turns CONDSTORE on (RFC 7162 §3.1.8).
        resync: What the client knows of it already.
    """

    mailbox: bytes
    condstore: bool = False
    resync: Resync | None = None


def parse_select(reader: Reader) -> Select:
    """Return the SELECT or EXAMINE whose arguments come next (RFC 9051 §9)."""
    reader.sp()
    mailbox = reader.mailbox()
    if not reader.take_sp():
        return Select(mailbox)
    condstore = False
    resync: list[Resync] = []

    def parameter() -> None:
        nonlocal condstore
        if _one_of(reader, _SELECT) == b"CONDSTORE":
            condstore = True
            return
        reader.sp()
        resync.append(_resync(reader))

    reader.list_of(parameter, "parameters")
    if len(resync) > 1:
        raise reader.fail("QRESYNC once")
    return Select(mailbox, condstore, resync[0] if resync else None)


def _resync(reader: Reader) -> Resync:
    reader.expect(b"(", "what is known")
    uid_validity = reader.number("a UIDVALIDITY")
    reader.sp()
    modseq = reader.number64("a mod-sequence")
    known = numbers = uids = None
    matches = reader.take(b" (")
    if not matches and reader.take_sp():
        known = _known(reader)
        matches = reader.take(b" (")
    if matches:
        numbers = _known(reader)
        reader.sp()
        uids = _known(reader)
        reader.expect(b")", "a closing parenthesis")
    reader.expect(b")", "a closing parenthesis")
    return Resync(uid_validity, modseq, known, numbers, uids)


def _known(reader: Reader) -> SequenceSet:
    """Consume a set without ``*`` and ``$`` (RFC 7162 §7, known-sequence-set)."""
    known = reader.sequence_set()
    if known.saved or any(STAR in pair for pair in known.ranges):
        raise reader.fail("a set of numbers")
    return known


@dataclass(frozen=True, slots=True)
class Create:
    r"""CREATE, with the special use it is for, ``\\Sent`` (RFC 6154 §3)."""

    mailbox: bytes
    special_uses: tuple[str, ...] = ()


def parse_create(reader: Reader) -> Create:
    """Return the CREATE whose arguments come next (RFC 9051 §9, create)."""
    reader.sp()
    mailbox = reader.mailbox()
    if not reader.take_sp():
        return Create(mailbox)
    reader.expect(b"(")
    if reader.word("USE") != b"USE":
        raise reader.fail("USE")
    reader.sp()
    uses = reader.list_of(lambda: reader.attribute("a use"), "special uses")
    reader.expect(b")")
    return Create(mailbox, tuple(uses))


@dataclass(frozen=True, slots=True)
class Rename:
    """RENAME."""

    old: bytes
    new: bytes


def parse_rename(reader: Reader) -> Rename:
    """Return the RENAME whose arguments come next (RFC 9051 §9, rename)."""
    reader.sp()
    old = reader.mailbox()
    reader.sp()
    return Rename(old, reader.mailbox())


@dataclass(frozen=True, slots=True)
class MailboxName:
    """The argument of a command that takes one mailbox."""

    mailbox: bytes


def parse_mailbox(reader: Reader) -> MailboxName:
    """Return the one mailbox that comes next."""
    reader.sp()
    return MailboxName(reader.mailbox())


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """A message of an APPEND; its octets were handed out in pieces.

    Attributes:
        flags: Flags it starts with.
        received_at: INTERNALDATE in seconds since 1970, ``None``: now.
        size: Octets announced.
        parts: Of CATENATE: URLs, and ``None`` for each text (RFC 4469 §3); empty for
            an ordinary message.
    """

    flags: Flags
    received_at: float | None
    size: int
    parts: tuple[bytes | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND of one message or several (RFC 3502)."""

    mailbox: bytes
    messages: tuple[AppendMessage, ...]


def append_mailbox(arguments: bytes) -> bytes | None:
    """Return the mailbox of an APPEND not whole yet, ``None`` if not even that is."""
    reader = Reader(arguments)
    try:
        reader.sp()
        name = reader.mailbox()
        reader.sp()
    except ScanError:
        return None
    return name


def is_url_literal(arguments: bytes) -> bool:
    """Return whether ``arguments`` end with a literal that is a URL of CATENATE."""
    return _URL_LITERAL.search(arguments) is not None


def append_message_next(arguments: bytes) -> bool:
    """Return whether the literal announced at the end of ``arguments`` is a message.

    It is when the mailbox's name is whole; the name may be a literal itself.
    """
    if is_url_literal(arguments):
        return False
    return append_mailbox(arguments) is not None


def parse_append(reader: Reader) -> Append:
    """Return the APPEND whose arguments come next, its messages' octets left out."""
    reader.sp()
    mailbox = reader.mailbox()
    messages: list[AppendMessage] = []
    while reader.take_sp():
        if messages:
            # RFC 3502 §6 has one space; IMAPClient's multiappend writes two.
            reader.take_sp()
        messages.append(parse_message(reader))
    if not messages:
        raise reader.fail("a message")
    return Append(mailbox, tuple(messages))


def parse_message(reader: Reader) -> AppendMessage:
    """Consume flags, date and announcement of a message (RFC 9051 §9, append)."""
    flags, received_at = NO_FLAGS, None
    if reader.peek() == ord("("):
        # RFC 3501 §2.3.2: no client sets it; some send what a FETCH told them.
        flags = reader.flag_list() - {RECENT}
        reader.sp()
    if reader.peek() == ord('"'):
        received_at = reader.date_time()
        reader.sp()
    if reader.take_word(b"CATENATE "):
        return _catenated(reader, flags, received_at)
    wrapped = reader.take_word(b"UTF8 (")
    match = _MESSAGE_LITERAL.match(reader.data, reader.position)
    if match is None or (wrapped and not match[1]):
        raise reader.fail("a literal")
    reader.position = match.end()
    if wrapped:
        reader.expect(b")", "a closing parenthesis")
    return AppendMessage(flags, received_at, int(match[2]))


def _catenated(
    reader: Reader, flags: Flags, received_at: float | None
) -> AppendMessage:
    size = 0

    def part() -> bytes | None:
        nonlocal size
        if reader.take_word(b"URL "):
            return reader.astring("a URL")
        if not reader.take_word(b"TEXT "):
            raise reader.fail("URL or TEXT")
        match = _MESSAGE_LITERAL.match(reader.data, reader.position)
        if match is None:
            raise reader.fail("a literal")
        reader.position = match.end()
        size += int(match[2])
        return None

    parts = reader.list_of(part, "parts")
    if not 0 < len(parts) <= PARTS_MAX:
        raise reader.fail("parts")
    return AppendMessage(flags, received_at, size, tuple(parts))


def _one_of(reader: Reader, allowed: frozenset[bytes]) -> bytes:
    start = reader.position
    word = reader.word("an option")
    if word not in allowed:
        reader.position = start
        raise reader.fail("another option")
    return word
