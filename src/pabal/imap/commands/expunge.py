r"""EXPUNGE and UID EXPUNGE.

Source: RFC 9051 §6.4.3, §6.4.9; RFC 4315 §2.1.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import compress
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.limits import code_of
from pabal.imap.commands.places import need
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.messages import Expunge
from pabal.imap.wire.response import Tagged
from pabal.store.flags import DELETED
from pabal.store.ports import Uid

SLICE: Final = 50_000
"""Messages whose flags are looked through at once: about 2 ms."""


async def run(context: Context, command: Expunge) -> Tagged:
    r"""Remove what is marked ``\\Deleted``; the driver tells the numbers."""
    selected = context.mailbox
    if selected.read_only:
        raise RefusedError("The mailbox is open for reading only", b"READ-ONLY")
    need(selected.access.rights, "e")
    ranges = None
    if command.messages is not None:
        ranges = selected.indexes(command.messages, by_uid=True)
    uids = await deleted_uids(context, ranges)
    limit, limited = context.services.settings.messages_max, b""
    if not uids:
        return Tagged(b"Nothing to expunge")
    if limit and len(uids) > limit and command.messages is not None:
        # RFC 9738 §3.1: an EXPUNGE without UIDs is not limited.
        uids = uids[-limit:]
        limited = b"MESSAGELIMIT %d %d" % (limit, uids[0])
    with context.dialogue.in_progress():
        await context.here.expunge(selected.view.mailbox.id, uids)
    # Ten thousand that went are one turn's work, and so is telling them.
    await context.services.pause()
    code = b""
    if selected.manner.condstore:
        code = b"HIGHESTMODSEQ %d" % selected.view.mailbox.highest_modseq
    return Tagged(b"Expunged", code_of(context, limited, code))


async def deleted_uids(
    context: Context, ranges: Sequence[tuple[int, int]] | None
) -> Sequence[Uid]:
    r"""Return the UIDs marked ``\\Deleted`` that the client knows of.

    Args:
        ranges: Indexes to look at, ``None`` for all.
    """
    selected = context.mailbox
    known = selected.numbers
    if ranges is None:
        ranges = [(0, known.count)] if known.count else []
    found: list[Uid] = []
    for first, end in ranges:
        for start in range(first, end, SLICE):
            if start > first:
                await context.services.pause()
            found += _deleted(context, start, min(start + SLICE, end))
    return found


def _deleted(context: Context, start: int, end: int) -> list[Uid]:
    """Return what is marked of a slice of the indexes the client knows."""
    view, known = context.mailbox.view, context.mailbox.numbers
    # In the mailbox as it is now, which may have lost messages meanwhile.
    first = bisect_left(view.uids, known.uids[start])
    last = bisect_right(view.uids, known.uids[end - 1])
    flags = view.flags[first:last]
    flags_of = context.here.flags_of
    marked = {flag_set for flag_set in set(flags) if DELETED in flags_of(flag_set)}
    if not marked:
        return []
    return list(compress(view.uids[first:last], map(marked.__contains__, flags)))
