"""Arguments of STORE, COPY, MOVE, EXPUNGE.

Sans-IO.
Source: RFC 9051 §6.4 and §9; RFC 7162 §3.1.3 (UNCHANGEDSINCE).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.mailboxes import Append, parse_message
from pabal.imap.wire.sequence import STAR, SequenceSet
from pabal.store.flags import FlagAction, FlagChange

_ACTIONS: Final = MappingProxyType(
    {b"+": FlagAction.ADD, b"-": FlagAction.REMOVE, b"": FlagAction.REPLACE}
)


@dataclass(frozen=True, slots=True)
class Store:
    """STORE and UID STORE.

    Attributes:
        messages: Which.
        change: What to do with their flags.
        silent: Whether the client does not want to be told.
        by_uid: Whether ``messages`` are UIDs.
        unchanged_since: Messages with a newer modseq are left alone.
    """

    messages: SequenceSet
    change: FlagChange
    silent: bool
    by_uid: bool
    unchanged_since: int | None = None


def parse_store(reader: Reader, *, by_uid: bool) -> Store:
    """Return the STORE whose arguments come next (RFC 9051 §9, store)."""
    reader.sp()
    messages = reader.sequence_set()
    reader.sp()
    unchanged_since = None
    if reader.take(b"("):
        if reader.word("UNCHANGEDSINCE") != b"UNCHANGEDSINCE":
            raise reader.fail("UNCHANGEDSINCE")
        reader.sp()
        unchanged_since = reader.number64("a mod-sequence")
        reader.expect(b")")
        reader.sp()
    sign = b"+" if reader.take(b"+") else b"-" if reader.take(b"-") else b""
    if not reader.take_word(b"FLAGS"):
        raise reader.fail("FLAGS")
    silent = reader.take_word(b".SILENT")
    reader.sp()
    if reader.peek() == ord("("):
        flags = reader.flag_list()
    else:
        names = [reader.flag()]
        while reader.take_sp():
            names.append(reader.flag())
        flags = frozenset(names)
    change = FlagChange(_ACTIONS[sign], flags)
    return Store(messages, change, silent, by_uid, unchanged_since)


@dataclass(frozen=True, slots=True)
class Transfer:
    """COPY, MOVE and their UID forms."""

    messages: SequenceSet
    mailbox: bytes
    by_uid: bool


def parse_transfer(reader: Reader, *, by_uid: bool) -> Transfer:
    """Return the COPY or MOVE whose arguments come next (RFC 9051 §9, copy)."""
    reader.sp()
    messages = reader.sequence_set()
    reader.sp()
    return Transfer(messages, reader.mailbox(), by_uid)


@dataclass(frozen=True, slots=True)
class Replace:
    """REPLACE and UID REPLACE (RFC 8508): which message, and what comes instead."""

    message: SequenceSet
    append: Append
    by_uid: bool


def parse_replace(reader: Reader, *, by_uid: bool) -> Replace:
    """Return the REPLACE whose arguments come next, its message's octets left out."""
    message = _replaced(reader)
    mailbox = reader.mailbox()
    reader.sp()
    return Replace(message, Append(mailbox, (parse_message(reader),)), by_uid)


def _replaced(reader: Reader) -> SequenceSet:
    reader.sp()
    star = reader.take(b"*")
    number = STAR if star else reader.number("a message number")
    if not star and not number:
        raise reader.fail("a message number")
    reader.sp()
    return SequenceSet(((number, number),))


def replace_message_next(arguments: bytes) -> bool:
    """Return whether the literal announced at the end of ``arguments`` is a message."""
    reader = Reader(arguments)
    try:
        _replaced(reader)
        reader.mailbox()
        reader.sp()
    except ScanError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Expunge:
    """EXPUNGE; with ``messages`` UID EXPUNGE (RFC 4315 §2.1)."""

    messages: SequenceSet | None = None


def parse_uid_expunge(reader: Reader) -> Expunge:
    """Return the UID EXPUNGE whose arguments come next."""
    reader.sp()
    return Expunge(reader.sequence_set())
