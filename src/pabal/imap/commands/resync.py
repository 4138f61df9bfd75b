"""Quick resynchronisation: what vanished and what changed since a client was away.

Source: RFC 7162 §3.2.5 (SELECT), §3.2.6 (UID FETCH), §3.2.10.1 (VANISHED (EARLIER)).
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import Final

from pabal.imap.commands import fetch
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import bad
from pabal.imap.commands.selected import Selected
from pabal.imap.wire.fetch import Attribute, Fetch
from pabal.imap.wire.mailboxes import Resync
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import (
    Ranges,
    SequenceSet,
    format_ranges,
    index_ranges,
    merge,
    ranges_of,
)
from pabal.store.ports import Uid

MATCHES_MAX: Final = 10_000
"""Pairs of number and UID compared; a client sends some dozens."""

_EVERYTHING: Final = SequenceSet(((1, 0),))


async def fetch_messages(context: Context, command: Fetch) -> Tagged:
    """Tell data items of messages, after what vanished if that is asked for."""
    if command.vanished and command.changed_since is not None:
        if not context.qresync:
            raise bad("QRESYNC is not enabled")
        ranges = command.messages.resolve(context.mailbox.numbers.last_uid)
        if command.messages.saved:
            ranges = ranges_of(context.mailbox.saved)
        context.send(await vanished(context, ranges, command.changed_since))
    return await fetch.run(context, command)


async def resynchronise(context: Context, resync: Resync) -> None:
    """Tell what happened since the client had the mailbox now selected."""
    selected = context.mailbox
    if resync.uid_validity != selected.view.mailbox.uid_validity:
        return
    known = resync.known or _EVERYTHING
    ranges = known.resolve(selected.view.mailbox.uid_next - 1)
    context.send(
        await vanished(context, ranges, resync.modseq, _matched(selected, resync))
    )
    items = (Attribute.UID, Attribute.FLAGS, Attribute.MODSEQ)
    changes = Fetch(
        *(known, items), by_uid=True, changed_since=resync.modseq, names_uid=False
    )
    await fetch.run(context, changes)


async def vanished(
    context: Context, ranges: Ranges, since: int, floor: Uid = 0
) -> bytes:
    """Return the VANISHED (EARLIER) response, empty if nothing is to be told.

    Args:
        ranges: UIDs the client asks about.
        since: The mod-sequence it knows.
        floor: It knows of every expunge up to this UID.
    """
    selected = context.mailbox
    info = selected.view.mailbox
    ranges = _above(ranges, floor, info.uid_next - 1)
    gone = await context.here.expunged_since(info.id, since)
    if gone is None:
        # RFC 7162 §3.2.6: what is forgotten is told of whatever is not there.
        found: Ranges = _without(ranges, selected)
    else:
        known = selected.numbers
        asked = index_ranges(gone, len(gone), ranges)
        # One still known has its number: VANISHED without EARLIER will be told and
        # renumbers. The store may know of it before the view does.
        found = ranges_of(
            [
                uid
                for start, end in asked
                for uid in gone[start:end]
                if known.index(uid) < 0
            ]
        )
    if not found:
        return b""
    return b"* VANISHED (EARLIER) %b\r\n" % format_ranges(found)


def _above(ranges: Ranges, floor: Uid, last: Uid) -> Ranges:
    return [
        (max(low, floor + 1), min(high, last))
        for low, high in ranges
        if high > floor and low <= last
    ]


def _without(ranges: Ranges, selected: Selected) -> Ranges:
    """Return ``ranges`` without the UIDs that the client was told are there."""
    known = selected.numbers
    there = ranges_of(known.uids[: known.count])
    ends = [high for _, high in there]
    found = []
    for low, high in ranges:
        start = low
        for first, last in islice(there, bisect_right(ends, low - 1), None):
            if first > high:
                break
            if start < first:
                found.append((start, first - 1))
            start = last + 1
        if start <= high:
            found.append((start, high))
    return merge(found)


def _matched(selected: Selected, resync: Resync) -> Uid:
    """Return up to which UID the client's numbers are still right (§3.2.5.2)."""
    known = selected.numbers
    pairs = zip(_each(resync.numbers), _each(resync.uids), strict=False)
    matched = 0
    for number, uid in islice(pairs, MATCHES_MAX):
        if number > known.count or known.uids[number - 1] != uid:
            break
        matched = uid
    return matched


def _each(numbers: SequenceSet | None) -> Sequence[int]:
    found: list[int] = []
    for low, high in numbers.ranges if numbers else ():
        found.extend(range(low, min(high, low + MATCHES_MAX) + 1))
        if len(found) > MATCHES_MAX:
            break
    return found
