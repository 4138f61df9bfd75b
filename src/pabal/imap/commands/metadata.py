"""GETMETADATA and SETMETADATA, and their response for LIST as well.

Source: RFC 5464; RFC 9590 (LIST-METADATA).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pabal.base.scan import ScanError
from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.criteria import PRIVATE_FILTERS
from pabal.imap.commands.places import Place
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.metadata import (
    SHARED,
    GetMetadata,
    SetMetadata,
    is_top,
    name_octets,
)
from pabal.imap.wire.response import Tagged, quoted
from pabal.imap.wire.search import parse_keys
from pabal.store.annotation import (
    ANNOTATION_MAX_OCTETS,
    AnnotationTooLongError,
    TooManyAnnotationsError,
)
from pabal.store.ports import ACCOUNT

_READING: Final = frozenset("rswip")
"""One of these is needed besides l (RFC 5464 §3.3)."""


async def get(context: Context, command: GetMetadata) -> Tagged:
    """Tell entries of a mailbox, or of the server."""
    there, name = await _entries(context, command.mailbox)
    values = _chosen(there, command.entries, command.depth)
    too_long = 0
    if command.size_max is not None:
        long = [len(value or b"") for value in values.values()]
        too_long = max((size for size in long if size > command.size_max), default=0)
        values = {
            name: value
            for name, value in values.items()
            if len(value or b"") <= command.size_max
        }
    if values:
        context.send(response(name, values))
    await context.breathe()
    code = b"METADATA LONGENTRIES %d" % too_long if too_long else b""
    return Tagged(b"Metadata told", code)


async def set_entries(context: Context, command: SetMetadata) -> Tagged:
    """Set, or remove, entries of a mailbox, or of the server; all or none."""
    annotations, mailbox_id = context.mailboxes.annotations, ACCOUNT
    if command.mailbox:
        place = await places.find(context, command.mailbox, "lw")
        annotations, mailbox_id = place.account.annotations, place.id
        _check_owner(context, place, command.entries)
    elif any(name.startswith(SHARED) for name in command.entries):
        # RFC 5464 §3.3: what all users of the server share is its operator's.
        raise RefusedError("Shared entries of the server are read-only", b"NOPERM")
    for entry, value in command.entries.items():
        if entry.startswith(PRIVATE_FILTERS) and value is not None:
            _check_filter(value)
    try:
        await annotations.write(mailbox_id, command.entries)
    except AnnotationTooLongError as error:
        code = b"METADATA MAXSIZE %d" % ANNOTATION_MAX_OCTETS
        raise RefusedError("A value is too long", code) from error
    except TooManyAnnotationsError as error:
        raise RefusedError("Too many entries", b"METADATA TOOMANY") from error
    return Tagged(b"Metadata set")


def _check_filter(value: bytes) -> None:
    """Check that a filter is a whole search (RFC 5466 §3.2).

    Raises:
        RefusedError: It is not.
    """
    reader = Reader(value)
    try:
        parse_keys(reader)
        reader.expect_end()
    except ScanError as error:
        raise RefusedError("The filter is no search") from error


def _check_owner(context: Context, place: Place, names: Iterable[str]) -> None:
    """Check that nobody keeps private entries with somebody else's mailbox.

    Raises:
        RefusedError: Somebody would (RFC 5464 §4.3).
    """
    if place.owner != context.account_id and any(map(_is_private, names)):
        code = b"METADATA NOPRIVATE"
        raise RefusedError("Private entries are the owner's alone", code)


def _is_private(name: str) -> bool:
    return not name.startswith(SHARED)


async def told_in_list(context: Context, place: Place, entries: Sequence[str]) -> bytes:
    """Return the response that goes with a mailbox in LIST (RFC 9590 §3).

    Empty where the client may not read them.
    """
    if not place.rights & _READING:
        return b""
    there = await _readable(context, place)
    return response(context.written(place.info.name), _chosen(there, entries, 0))


async def _entries(
    context: Context, mailbox: bytes
) -> tuple[Mapping[str, bytes], bytes]:
    """Return the entries of a mailbox, or the server, and how that is written."""
    if not mailbox:
        return await context.mailboxes.annotations.read(ACCOUNT), b'""'
    place = await places.find(context, mailbox, "l")
    if not place.rights & _READING:
        raise RefusedError("You may not do that here", b"NOPERM")
    return await _readable(context, place), context.written(place.info.name)


async def _readable(context: Context, place: Place) -> Mapping[str, bytes]:
    """Return the entries of a mailbox that are the client's to know."""
    there = await place.account.annotations.read(place.id)
    if place.owner == context.account_id:
        return there
    return {name: there[name] for name in there if not _is_private(name)}


def _chosen(
    there: Mapping[str, bytes], entries: Sequence[str], depth: int | None
) -> dict[str, bytes | None]:
    """Return what was asked for; an entry that was named and is not there is NIL."""
    found: dict[str, bytes | None] = {
        name: there.get(name) for name in entries if not is_top(name)
    }
    if depth == 0:
        return found
    for name in sorted(there):
        for entry in entries:
            below = name.removeprefix(entry + "/")
            if below != name and (depth is None or "/" not in below):
                found[name] = there[name]
    return found


def response(name: bytes, values: Mapping[str, bytes | None]) -> bytes:
    """Return the METADATA response."""
    pairs = b" ".join(
        b"%b %b" % (name_octets(entry), _value(value))
        for entry, value in values.items()
    )
    return b"* METADATA %b (%b)\r\n" % (name, pairs)


def _value(value: bytes | None) -> bytes:
    if value is None:
        return b"NIL"
    if b"\0" in value:
        return b"~{%d}\r\n%b" % (len(value), value)
    return quoted(value, utf8=False)
