"""How many messages one command may work on, and UIDs in batches to stay below it.

What is more than the limit is left out from the oldest on, and the client is told from
which UID on it was done.
Source: RFC 9738 (MESSAGELIMIT, SAVELIMIT); RFC 10022 (UIDBATCHES).
"""

from bisect import bisect_right
from dataclasses import replace
from itertools import islice
from typing import Final

from pabal.imap.commands import resync
from pabal.imap.commands import search as searching
from pabal.imap.commands import sort as sorting
from pabal.imap.commands.context import Context
from pabal.imap.commands.fetch import part_of_ranges
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.commands.selected import Selected
from pabal.imap.wire.batches import Batches
from pabal.imap.wire.fetch import Fetch
from pabal.imap.wire.response import Tagged, quoted
from pabal.imap.wire.search import Key, KeyAnd, KeyNumbers, Search
from pabal.imap.wire.sequence import NUMBER_MAX, SequenceSet
from pabal.imap.wire.sort import Sort, Thread

BATCH_MIN: Final = 500
"""Smallest batch a client may ask for (RFC 10022): smaller ones save nobody work."""

BATCHES_MAX: Final = 10_000
"""Batches told at once: 200 kB; at least 100,000 messages (RFC 10022 §3.1.7)."""

BATCHES_KEPT_MAX: Final = 100
"""UIDBATCHES of a session that are remembered, 20 kB; then it begins anew."""

LEFT_OUT: Final = b"Older messages were left out"

Ranges = list[tuple[int, int]]


def count_of(ranges: Ranges) -> int:
    """Return how many messages ``ranges`` have."""
    return sum(end - start for start, end in ranges)


def newest(context: Context, ranges: Ranges) -> tuple[Ranges, bytes]:
    """Return as many of the messages at index ``ranges`` as one command may work on.

    The newest; and the response code that says so, empty if they are all.
    """
    limit = context.services.settings.messages_max
    left = count_of(ranges) - limit
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


def check_count(context: Context, ranges: Ranges) -> None:
    """Check that one command may work on so many messages: on all or on none.

    Raises:
        RefusedError: It may not.
    """
    _, code = newest(context, ranges)
    if code:
        raise RefusedError("Too many messages at once", code)


def code_of(context: Context, limited: bytes, code: bytes = b"") -> bytes:
    """Return the code a command ends with, when older messages were left out.

    RFC 9738 §3.1: beside another code, that is told in an untagged NO.

    Args:
        limited: The code that says so, empty if they were not.
        code: The other one.
    """
    if limited and code:
        context.say(limited, LEFT_OUT, b"NO")
    return code or limited


async def fetch(context: Context, command: Fetch) -> Tagged:
    """Tell data items of the newest messages asked for."""
    selected = context.mailbox
    limit = context.services.settings.messages_max
    if selected.numbers.count <= limit:
        return await resync.fetch_messages(context, command)
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    if command.partial is not None:
        _check_part(context, part_of_ranges(ranges, command.partial))
        return await resync.fetch_messages(context, command)
    ranges, limited = newest(context, ranges)
    if not limited:
        return await resync.fetch_messages(context, command)
    messages = _written(selected, ranges, by_uid=command.by_uid)
    if command.vanished and not command.messages.saved:
        messages = _from(selected, command.messages, ranges)
    tagged = await resync.fetch_messages(context, replace(command, messages=messages))
    return _ended(context, tagged, limited)


def _check_part(context: Context, ranges: Ranges) -> None:
    """Check that PARTIAL asks for no more than one command may (RFC 9738 §3.1).

    Raises:
        RefusedError: It does.
    """
    limit = context.services.settings.messages_max
    if limit and count_of(ranges) > limit:
        raise RefusedError("Too many messages at once", b"MESSAGELIMIT %d" % limit)


def _ended(context: Context, tagged: Tagged, limited: bytes) -> Tagged:
    """Return how a command ended that left older messages out, if it did."""
    if not limited:
        return tagged
    return Tagged(LEFT_OUT, code_of(context, limited, tagged.code), tagged.status)


def _written(selected: Selected, ranges: Ranges, *, by_uid: bool) -> SequenceSet:
    """Return index ``ranges`` as a client would write them."""
    if not by_uid:
        return SequenceSet(tuple((start + 1, end) for start, end in ranges))
    uids = selected.numbers.uids
    return SequenceSet(tuple((uids[start], uids[end - 1]) for start, end in ranges))


def _from(selected: Selected, messages: SequenceSet, ranges: Ranges) -> SequenceSet:
    """Return the UIDs asked for without those below the first of index ``ranges``.

    Those of messages that are gone, too: VANISHED tells them, however many they are.
    """
    lowest = selected.numbers.uids[ranges[0][0]]
    asked = messages.resolve(selected.numbers.last_uid)
    return SequenceSet(
        tuple((max(low, lowest), high) for low, high in asked if high >= lowest)
    )


async def search(context: Context, command: Search) -> Tagged:
    """Find the newest messages."""
    command, limited = _limited(context, command)
    return _ended(context, await searching.run(context, command), limited)


async def sort(context: Context, command: Sort) -> Tagged:
    """Find the newest messages and tell them in an order."""
    found, limited = _limited(context, command.search)
    tagged = await sorting.run(context, replace(command, search=found))
    return _ended(context, tagged, limited)


async def thread(context: Context, command: Thread) -> Tagged:
    """Find the newest messages and tell which belong together."""
    found, limited = _limited(context, command.search)
    tagged = await sorting.thread(context, replace(command, search=found))
    return _ended(context, tagged, limited)


def _limited(context: Context, command: Search) -> tuple[Search, bytes]:
    """Return the search over as many messages as one command may work on."""
    selected = context.mailbox
    if selected.numbers.count <= context.services.settings.messages_max:
        return command, b""
    ranges, limited = newest(context, _searched(selected, command.key))
    if not limited:
        return command, b""
    lowest = selected.numbers.uids[ranges[0][0]]
    within = KeyNumbers(SequenceSet(((lowest, NUMBER_MAX),)), by_uid=True)
    return replace(command, key=KeyAnd((within, command.key))), limited


def _searched(selected: Selected, key: Key) -> Ranges:
    """Return the messages a search must look at, as ranges of indexes.

    All, but for those that numbers at its top leave out: this is how a client comes
    to the messages that were left out the last time.
    """
    if isinstance(key, KeyNumbers):
        return selected.indexes(key.messages, by_uid=key.by_uid)
    ranges = [(0, selected.numbers.count)]
    for one in key.inner if isinstance(key, KeyAnd) else ():
        ranges = _common(ranges, _searched(selected, one))
    return ranges


def _common(some: Ranges, others: Ranges) -> Ranges:
    """Return what is in both; each ascends."""
    found, at = [], 0
    for start, end in some:
        while at < len(others) and others[at][1] <= start:
            at += 1
        for first, last in islice(others, at, None):
            if first >= end:
                break
            found.append((max(start, first), min(end, last)))
    return found


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
    _check_again(context.mailbox, command)
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


def _check_again(selected: Selected, command: Batches) -> None:
    """Check that the batches are not asked for while they are what they were.

    RFC 10022 §3.1.1: again only when half a batch came or went.

    Raises:
        RefusedError: They are.
    """
    asked, numbers = selected.contexts.batches, selected.numbers
    before = asked.get(command)
    if before is not None:
        last_uid, count = before
        stayed = bisect_right(numbers.uids, last_uid, 0, numbers.count)
        if 2 * max(count - stayed, numbers.count - stayed) < command.size:
            raise RefusedError("The batches are what they were", b"LIMIT")
    elif len(asked) >= BATCHES_KEPT_MAX:
        asked.clear()
    asked[command] = numbers.last_uid, numbers.count
