"""ESEARCH: one search over several mailboxes.

Source: RFC 7377.
"""

from collections.abc import Sequence
from dataclasses import replace

from pabal.imap.commands import contexts, places
from pabal.imap.commands.context import Context
from pabal.imap.commands.criteria import find
from pabal.imap.commands.places import Place
from pabal.imap.commands.refusal import RefusedError, bad
from pabal.imap.commands.search import SILENT, Response, chosen, highest_modseq
from pabal.imap.commands.selected import Access, SearchContext, Selected
from pabal.imap.commands.watched import of, owners
from pabal.imap.notices import Watch
from pabal.imap.wire.multisearch import MultiSearch
from pabal.imap.wire.notify import OF_SELECTED, Watched
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.search import Return, Search
from pabal.store.ports import AccountId, MailboxId, NoSuchMailboxError

MAILBOXES_MAX = 1_000
"""Mailboxes one command searches (RFC 7377 §2.4)."""


async def run(context: Context, command: MultiSearch) -> Tagged:
    """Find messages in mailboxes, and tell those in which there are some."""
    watches = [
        Watch(
            source.watched, frozenset(map(context.name_of, source.names)), frozenset()
        )
        for source in command.sources
    ]
    keeps = Return.UPDATE in (command.search.returns or ())
    with_selected = any(watch.watched in OF_SELECTED for watch in watches)
    if (with_selected or keeps) and context.selected is None:
        raise bad("No mailbox is selected")
    if keeps:
        contexts.check_tag(context)
    found = await _places(context, watches, with_selected=with_selected)
    if len(found) > MAILBOXES_MAX:
        raise RefusedError("Too many mailboxes at once", b"LIMIT")
    with context.dialogue.in_progress() as progress:
        progress.goal = len(found)
        for place in found:
            if places.is_selected(context, place):
                await _search(context, command.search, context.mailbox, place)
            else:
                await _search_other(context, command.search, place)
            progress.done += 1
            await context.breathe()
    if keeps and not any(places.is_selected(context, place) for place in found):
        # RFC 7377 §2.2: nothing but the selected mailbox is kept current.
        contexts.refuse(context)
    return Tagged(b"Search completed")


async def _places(
    context: Context, watches: Sequence[Watch], *, with_selected: bool
) -> Sequence[Place]:
    """Return the mailboxes ``watches`` mean, each once.

    RFC 7377 §2.2: those the client may not read are passed over; one that is named
    need not be one the client may look up.
    """
    infos = await context.mailboxes.mailboxes()
    every = [places.own(context, info) for info in infos]
    for owner in await owners(context, watches):
        every += (await of(context, owner)).values()
    lost = frozenset(await context.mailboxes.lost_subscriptions())
    found: dict[tuple[AccountId, MailboxId], Place] = {}
    if with_selected:
        access, info = context.mailbox.access, context.mailbox.view.mailbox
        name = access.name or info.name
        found[access.owner, info.id] = Place(
            *(access.account, access.owner, replace(info, name=name)),
            *(access.rights, info.name),
        )
    for place in every:
        name, personal = place.info.name, place.owner == context.account_id
        subscribed = place.info.subscribed or name in lost
        if any(
            one.matches(name, subscribed=subscribed, personal=personal)
            for one in watches
        ):
            found.setdefault((place.owner, place.id), place)
    for watch in watches:
        for name in sorted(watch.names if watch.watched is Watched.MAILBOXES else ()):
            named = await places.named(context, name)
            if named is not None:
                found.setdefault((named.owner, named.id), named)
    return [place for place in found.values() if "r" in place.rights]


async def _search_other(context: Context, command: Search, place: Place) -> None:
    try:
        view = await place.account.view(place.id)
    except NoSuchMailboxError:
        return
    access = Access(place.account, place.owner, place.rights, examined=True)
    selected = Selected(access, view, _nothing)
    try:
        await _search(context, command, selected, place)
    finally:
        selected.close()


async def _search(
    context: Context, command: Search, selected: Selected, place: Place
) -> None:
    found = await find(context, command, selected, lenient=True)
    returns = command.returns or frozenset()
    if Return.SAVE in returns:
        selected.saved = sorted(chosen(found.uids, returns, command.partial))
    if Return.UPDATE in returns and selected is context.selected:
        kept = SearchContext(
            *(found.predicate, command.by_uid), set(found.uids), command.items
        )
        contexts.keep(context, kept)
    if not found.uids or returns <= SILENT:
        return
    where = b" MAILBOX %b UIDVALIDITY %d" % (
        context.written(place.info.name),
        place.info.uid_validity,
    )
    modseq = 0
    if found.by_modseq:
        modseq = highest_modseq(selected, chosen(found.uids, returns, command.partial))
    response = Response(command, returns, is_sorted=False, where=where)
    scores = [found.score(uid) for uid in found.uids]
    context.send(response.octets(context.tag, found.uids, modseq, scores))


def _nothing() -> None:
    """Change nothing: nobody watches a mailbox that is only searched."""
