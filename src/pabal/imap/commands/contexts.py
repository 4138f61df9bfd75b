"""Searches whose results are kept current: RETURN (UPDATE), and CANCELUPDATE.

Those of a SEARCH are told as a set (context position 0), those of a SORT one by one
with their places: what is sorted by never changes, so results only come and go.
Source: RFC 5267 §4; RFC 5465 §7 (items of new messages).
"""

from collections.abc import Sequence
from typing import Final

from pabal.imap.commands import fetch
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import bad
from pabal.imap.commands.selected import SearchContext, Selected
from pabal.imap.wire.fetch import Fetch
from pabal.imap.wire.response import Tagged, quoted
from pabal.imap.wire.search import CancelUpdate
from pabal.imap.wire.sequence import SequenceSet, format_set, index_ranges, ranges_of
from pabal.store.ports import Uid
from pabal.store.predicate import All, UidsIn

CONTEXTS_MAX: Final = 16
"""Searches kept current at once: each costs one more with every change."""


def check_tag(context: Context) -> None:
    """Check that no search kept current has the tag already.

    Raises:
        RefusedError: One has (RFC 5267 §4.3).
    """
    if context.tag in context.mailbox.contexts.kept:
        raise bad("The tag names another search")


def refuse(context: Context) -> None:
    """Say that a search is not kept current."""
    code = b"NOUPDATE %b" % quoted(context.tag)
    context.say(code, b"The results are not kept current", b"NO")


def keep(context: Context, kept: SearchContext) -> None:
    """Keep a search current, if there is room for one more."""
    contexts = context.mailbox.contexts.kept
    if len(contexts) >= CONTEXTS_MAX:
        refuse(context)
    else:
        contexts[context.tag] = kept


async def cancel(context: Context, command: CancelUpdate) -> Tagged:
    """Let go of searches (RFC 5267 §4.3.5)."""
    contexts = context.mailbox.contexts.kept
    if not contexts.keys() >= set(command.tags):
        raise bad("No search of that tag is kept current")
    for tag in command.tags:
        contexts.pop(tag, None)
    return Tagged(b"No further updates")


async def tell_updates(
    context: Context, selected: Selected, *, expunges: bool, flags: bool
) -> None:
    """Tell what happened to the mailbox, and to the results of searches."""
    if not selected.contexts.kept:
        await _tell(context, selected, expunges=expunges, flags=flags)
        return
    if expunges and selected.numbers.shrunk:
        # RFC 5267 §4.3.4: before the expunge, while the numbers are still right.
        for tag, kept in selected.contexts.kept.items():
            context.send(_removed(selected, tag, kept, _gone(selected, kept)))
    last = selected.numbers.last_uid
    await _tell(context, selected, expunges=expunges, flags=flags)
    if selected.numbers.shrunk:
        # Numbers are of the array before: what changed waits with the expunges.
        return
    touched = sorted(
        uid for uid in selected.contexts.touched if selected.numbers.index(uid) >= 0
    )
    for uid in touched:
        selected.contexts.touched.pop(uid, None)
    if touched:
        for tag, kept in list(selected.contexts.kept.items()):
            await _reconsider(context, tag, kept, touched, last)


async def _tell(
    context: Context, selected: Selected, *, expunges: bool, flags: bool
) -> None:
    """Tell what happened to the mailbox; others have their turns meanwhile."""
    context.send(selected.updates(expunges=expunges, flags=flags))
    while selected.numbers.reflagged:
        await context.breathe()
        context.send(selected.updates(expunges=False, flags=flags))


async def _reconsider(
    context: Context,
    tag: bytes,
    kept: SearchContext,
    touched: Sequence[Uid],
    last: Uid,
) -> None:
    """Look whether messages that changed are results still, or are now."""
    selected = context.mailbox
    wanted = All([UidsIn(ranges_of(touched)), kept.predicate])
    found = await context.here.search(selected.view.mailbox.id, wanted)
    matching = set(found)
    removed = [uid for uid in touched if uid in kept.results and uid not in matching]
    added = [uid for uid in found if uid not in kept.results]
    context.send(_removed(selected, tag, kept, removed))
    if not added:
        return
    kept.results.update(added)
    order: Sequence[Uid] = ()
    if kept.arrange is not None:
        order = await kept.arrange(sorted(kept.results))
        kept.order = list(order)
    new = [uid for uid in added if uid > last]
    if kept.items and new:
        messages = SequenceSet(tuple(ranges_of(new)))
        await fetch.run(context, Fetch(messages, kept.items, by_uid=True))
    pairs = [(0, added)] if kept.arrange is None else _places(order, set(added))
    context.send(_response(selected, tag, kept, b"ADDTO", pairs))


def _gone(selected: Selected, kept: SearchContext) -> list[Uid]:
    there = selected.view.uids
    results = sorted(kept.results)
    present = {
        uid
        for start, end in index_ranges(there, len(there), ranges_of(results))
        for uid in there[start:end]
    }
    return [uid for uid in results if uid not in present]


def _removed(
    selected: Selected, tag: bytes, kept: SearchContext, uids: Sequence[Uid]
) -> bytes:
    if not uids:
        return b""
    kept.results.difference_update(uids)
    pairs: list[tuple[int, Sequence[Uid]]] = [(0, uids)]
    if kept.arrange is not None:
        # From the end, so that the places before it stay what they are.
        pairs = _places(kept.order, set(uids))[::-1]
        kept.order = [uid for uid in kept.order if uid in kept.results]
    return _response(selected, tag, kept, b"REMOVEFROM", pairs)


def _places(order: Sequence[Uid], wanted: set[Uid]) -> list[tuple[int, Sequence[Uid]]]:
    """Return each of ``wanted`` with its place in ``order``, counted from 1."""
    return [(place, [uid]) for place, uid in enumerate(order, 1) if uid in wanted]


def _response(
    selected: Selected,
    tag: bytes,
    kept: SearchContext,
    item: bytes,
    pairs: Sequence[tuple[int, Sequence[Uid]]],
) -> bytes:
    told = []
    for place, uids in pairs:
        numbers = uids
        if not kept.by_uid:
            numbers = [selected.numbers.index(uid) + 1 for uid in uids]
        told.append(b"%d %b" % (place, format_set(numbers)))
    by_uid = b" UID" if kept.by_uid else b""
    return b"* ESEARCH (TAG %b)%b %b (%b)\r\n" % (
        *(quoted(tag), by_uid, item),
        b" ".join(told),
    )
