"""How many messages one command may work on, and UIDs in batches to stay below it.

What is more than the limit is left out from the oldest on, and the client is told from
which UID on it was done.
Source: RFC 9738 (MESSAGELIMIT, SAVELIMIT); RFC 10022 (UIDBATCHES).
"""

from dataclasses import replace
from typing import Final

from pabal.imap.commands import resync
from pabal.imap.commands import search as searching
from pabal.imap.commands import sort as sorting
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.commands.selected import Selected
from pabal.imap.wire.batches import Batches
from pabal.imap.wire.fetch import Fetch
from pabal.imap.wire.response import Tagged, quoted
from pabal.imap.wire.search import KeyAnd, KeyNumbers, Search
from pabal.imap.wire.sequence import NUMBER_MAX, SequenceSet
from pabal.imap.wire.sort import Sort, Thread

BATCH_MIN: Final = 500
"""Smallest batch a client may ask for (RFC 10022): smaller ones save nobody work."""

BATCHES_MAX: Final = 10_000
"""Batches told at once: 200 kB."""

Ranges = list[tuple[int, int]]


def newest(context: Context, ranges: Ranges) -> tuple[Ranges, bytes]:
    """Return as many of the messages at index ``ranges`` as one command may work on.

    The newest; and the response code that says so, empty if they are all.
    """
    limit = context.services.settings.messages_max
    left = sum(end - start for start, end in ranges) - limit
    if not limit or left <= 0:
        return ranges, b""
    kept = []
    for first, end in ranges:
        start = min(end, first + left)
        left -= start - first
        if start < end:
            kept.append((start, end))
    lowest = context.mailbox.numbers.uids[kept[0][0]]
    return kept, b"MESSAGELIMIT %d %d" % (limit, lowest)


def check_saved(context: Context, count: int) -> None:
    """Check that one command may add so many messages: all or none are.

    Raises:
        RefusedError: It may not.
    """
    limit = context.services.settings.saves_max
    if limit and count > limit:
        raise RefusedError("Too many messages at once", b"MESSAGELIMIT %d" % limit)


async def fetch(context: Context, command: Fetch) -> Tagged:
    """Tell data items of the newest messages asked for."""
    if command.partial is not None:
        # RFC 9394 §3.3: it counts from the end itself.
        return await resync.fetch_messages(context, command)
    selected = context.mailbox
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    ranges, code = newest(context, ranges)
    if not code:
        return await resync.fetch_messages(context, command)
    messages = _written(selected, ranges, by_uid=command.by_uid)
    tagged = await resync.fetch_messages(context, replace(command, messages=messages))
    if tagged.code:
        context.say(code, b"Older messages were left out")
        return tagged
    return Tagged(b"Older messages were left out", code)


def _written(selected: Selected, ranges: Ranges, *, by_uid: bool) -> SequenceSet:
    """Return index ``ranges`` as a client would write them."""
    if not by_uid:
        return SequenceSet(tuple((start + 1, end) for start, end in ranges))
    uids = selected.numbers.uids
    return SequenceSet(tuple((uids[start], uids[end - 1]) for start, end in ranges))


async def search(context: Context, command: Search) -> Tagged:
    """Find the newest messages."""
    command, code = _limited(context, command)
    return _told(await searching.run(context, command), code)


async def sort(context: Context, command: Sort) -> Tagged:
    """Find the newest messages and tell them in an order."""
    found, code = _limited(context, command.search)
    return _told(await sorting.run(context, replace(command, search=found)), code)


async def thread(context: Context, command: Thread) -> Tagged:
    """Find the newest messages and tell which belong together."""
    found, code = _limited(context, command.search)
    return _told(await sorting.thread(context, replace(command, search=found)), code)


def _limited(context: Context, command: Search) -> tuple[Search, bytes]:
    """Return the search over as many messages as one command may work on."""
    count = context.mailbox.numbers.count
    ranges, code = newest(context, [(0, count)] if count else [])
    if not code:
        return command, b""
    lowest = context.mailbox.numbers.uids[ranges[0][0]]
    within = KeyNumbers(SequenceSet(((lowest, NUMBER_MAX),)), by_uid=True)
    return replace(command, key=KeyAnd((within, command.key))), code


def _told(tagged: Tagged, code: bytes) -> Tagged:
    return replace(tagged, code=code) if code and not tagged.code else tagged


async def batches(context: Context, command: Batches) -> Tagged:
    """Tell UIDs that divide the mailbox into batches of a size, the newest first."""
    if command.size < BATCH_MIN:
        raise RefusedError("The batches are too small", b"TOOFEW")
    first, last = command.wanted or (1, BATCHES_MAX)
    if first > last:
        raise RefusedError("Batches count upwards", b"CLIENTBUG", b"BAD")
    uids, count = context.mailbox.numbers.uids, context.mailbox.numbers.count
    total = -(-count // command.size)
    if last - first >= BATCHES_MAX or (not command.wanted and total > BATCHES_MAX):
        raise RefusedError("Too many batches at once", b"TOOMANY")
    told = []
    for number in range(first, min(last, total) + 1):
        top = count - (number - 1) * command.size
        bottom = top - command.size
        high = uids[top - 1] if number == 1 else uids[top] - 1
        low = uids[bottom] if bottom > 0 else 1
        told.append(b"%d:%d" % (high, low))
    ranges = b" " + b",".join(told) if told else b""
    context.send(b"* UIDBATCHES (TAG %b)%b\r\n" % (quoted(context.tag), ranges))
    return Tagged(b"Batches told")
