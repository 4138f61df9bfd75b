"""NOTIFY, and telling what happened: after a command, or at once.

Source: RFC 5465; RFC 9051 §7.5.1 (when EXPUNGE may be told).
"""

from collections.abc import Sequence
from typing import Final

from pabal.imap.commands import fetch, places
from pabal.imap.commands.context import Context
from pabal.imap.commands.contexts import tell_updates
from pabal.imap.commands.list import lines_of
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.commands.status import status_line
from pabal.imap.notices import Notices, Watch
from pabal.imap.wire.fetch import Fetch
from pabal.imap.wire.metadata import name_octets
from pabal.imap.wire.notify import OF_MESSAGES, Event, Group, Notify
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import SequenceSet
from pabal.store.names import is_below
from pabal.store.ports import (
    ACCOUNT,
    SEPARATOR,
    MailboxChanged,
    MailboxEvent,
    MailboxInfo,
)

_ALL_EVENTS: Final = b" ".join(event.value for event in Event)


async def run(context: Context, command: Notify) -> Tagged:
    """Change what the client is told of."""
    if any(group.unknown for group in command.groups):
        code = b"BADEVENT (%b)" % _ALL_EVENTS
        raise RefusedError("There is no such event here", code)
    if context.selected is not None:
        # RFC 5465 §3.1: it implies a NOOP.
        context.send(context.selected.updates(expunges=True))
    context.stop_notices()
    watches = [_watch(context, group) for group in command.groups]
    notices = Notices(context.mailboxes, watches, context.dialogue.changed)
    context.notices = notices
    if command.status:
        for info in await context.mailboxes.mailboxes():
            if not _is_selected(context, info):
                events = notices.events_of(info)
                context.send(await _status(context, info, events))
    return Tagged(b"Notified from now on")


def _watch(context: Context, group: Group) -> Watch:
    names = frozenset(map(context.name_of, group.names))
    return Watch(group.watched, names, group.events, group.items)


def _is_selected(context: Context, info: MailboxInfo) -> bool:
    return places.is_selected(context, places.own(context, info))


async def tell(
    context: Context, *, expunges: bool, own: bool = False, arrivals: bool = True
) -> None:
    """Tell what happened since the client was told last.

    Args:
        expunges: Whether message numbers may change now.
        own: Whether the command that ends now changed them itself.
        arrivals: Whether new messages are described: not those the client made.
    """
    notices, selected = context.notices, context.selected
    if notices is None:
        if selected is not None:
            await tell_updates(context, selected, expunges=expunges, flags=True)
        return
    if selected is not None and (own or notices.selected_events):
        flags = own or Event.FLAG_CHANGE in notices.selected_events
        last = selected.numbers.last_uid
        await tell_updates(context, selected, expunges=expunges, flags=flags)
        newest = selected.numbers.last_uid
        if arrivals and notices.items and newest > last:
            new = SequenceSet(((last + 1, newest),))
            await fetch.run(context, Fetch(new, notices.items, by_uid=True))
    if notices.waiting:
        await _tell_account(context, notices)


async def _tell_account(context: Context, notices: Notices) -> None:
    news = notices.take()
    if news.overflow:
        context.stop_notices()
        context.say(b"NOTIFICATIONOVERFLOW", b"Too much happened at once")
        context.notices = Notices(context.mailboxes, (), context.dialogue.changed)
        return
    if news.boxes:
        context.send(await _lists(context, news.boxes))
    infos = {info.id: info for info in await context.mailboxes.mailboxes()}
    for mailbox_id, events in news.messages.items():
        info = infos.get(mailbox_id)
        if info is not None and not _is_selected(context, info):
            wanted = events & notices.events_of(info)
            context.send(await _status(context, info, wanted))
    for mailbox_id, names in news.annotated.items():
        info = infos.get(mailbox_id)
        if mailbox_id == ACCOUNT:
            context.send(_metadata(b'""', names))
        elif info and Event.MAILBOX_METADATA in notices.events_of(info):
            context.send(_metadata(context.written(info.name), names))


def _metadata(mailbox: bytes, names: Sequence[str]) -> bytes:
    """Return the METADATA response without values (RFC 5464 §4.4.2)."""
    return b"* METADATA %b %b\r\n" % (mailbox, b" ".join(map(name_octets, names)))


async def _status(
    context: Context, info: MailboxInfo, events: frozenset[Event]
) -> bytes:
    """Return the STATUS response that tells of ``events``, empty if none does."""
    items: list[bytes] = []
    if events & {Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE}:
        items += (b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY")
    if Event.FLAG_CHANGE in events:
        # RFC 5465 §5.1: without CONDSTORE this is all that says something.
        items += (b"UIDVALIDITY", b"UNSEEN")
    if events & OF_MESSAGES and context.condstore:
        items.append(b"HIGHESTMODSEQ")
    if not items:
        return b""
    place = places.own(context, info)
    return await status_line(context, place, tuple(dict.fromkeys(items)))


async def _lists(context: Context, changes: Sequence[MailboxChanged]) -> bytes:
    """Return LIST responses for names that came, went or changed (§5.4, §5.5)."""
    names: dict[str, None] = {}
    renamed: dict[str, str] = {}
    tops = [one for one in changes if one.event is MailboxEvent.RENAMED]
    for change in changes:
        name, old = change.name, change.old_name
        if change.event is MailboxEvent.RENAMED:
            # RFC 5465 §5.4: the mailboxes below go with it without a word.
            if not any(is_below(old, top.old_name) for top in tops):
                renamed[name] = old
                names[name] = None
            continue
        names[name] = None
        if change.event in {MailboxEvent.CREATED, MailboxEvent.REMOVED}:
            above = name.rpartition(SEPARATOR)[0]
            if above:
                names[above] = None
    return await lines_of(context, list(names), renamed)
