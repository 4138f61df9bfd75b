"""ESEARCH: one search over several mailboxes.

Source: RFC 7377.
"""

from dataclasses import replace

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.criteria import find
from pabal.imap.commands.refusal import RefusedError, bad
from pabal.imap.commands.search import Response, chosen
from pabal.imap.commands.selected import Access, Selected
from pabal.imap.notices import Watch
from pabal.imap.wire.multisearch import MultiSearch
from pabal.imap.wire.notify import OF_SELECTED
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.search import Return, Search
from pabal.store.ports import MailboxInfo, NoSuchMailboxError

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
    with_selected = any(watch.watched in OF_SELECTED for watch in watches)
    if with_selected and context.selected is None:
        raise bad("No mailbox is selected")
    infos = [
        info
        for info in await context.mailboxes.mailboxes()
        if (with_selected and _is_selected(context, info))
        or any(one.matches(info.name, subscribed=info.subscribed) for one in watches)
    ]
    if len(infos) > MAILBOXES_MAX:
        raise RefusedError("Too many mailboxes at once", b"LIMIT")
    with context.dialogue.in_progress() as progress:
        progress.goal = len(infos)
        if with_selected and context.mailbox.access.owner != context.account_id:
            # What others share is not among the own mailboxes.
            selected = context.mailbox
            info = replace(selected.view.mailbox, name=selected.access.name)
            await _search(context, command.search, selected, info)
        for info in infos:
            if _is_selected(context, info):
                await _search(context, command.search, context.mailbox, info)
            else:
                await _search_other(context, command.search, info)
            progress.done += 1
            await context.breathe()
    return Tagged(b"Search completed")


def _is_selected(context: Context, info: MailboxInfo) -> bool:
    return places.is_selected(context, places.own(context, info))


async def _search_other(context: Context, command: Search, info: MailboxInfo) -> None:
    try:
        view = await context.mailboxes.view(info.id)
    except NoSuchMailboxError:
        return
    access = Access(context.mailboxes, context.account_id, examined=True)
    selected = Selected(access, view, _nothing)
    try:
        await _search(context, command, selected, info)
    finally:
        selected.close()


async def _search(
    context: Context, command: Search, selected: Selected, info: MailboxInfo
) -> None:
    found = await find(context, command, selected, lenient=True)
    returns = command.returns or frozenset()
    if Return.SAVE in returns:
        selected.saved = sorted(chosen(found.uids, returns, command.partial))
    if not found.uids or returns == {Return.SAVE}:
        return
    where = b" MAILBOX %b UIDVALIDITY %d" % (
        context.written(info.name),
        info.uid_validity,
    )
    response = Response(command, returns, is_sorted=False, where=where)
    scores = [found.score(uid) for uid in found.uids]
    context.send(response.octets(context.tag, found.uids, 0, scores))


def _nothing() -> None:
    """Change nothing: nobody watches a mailbox that is only searched."""
