"""NOTIFY, and telling what happened: after a command, or at once.

Source: RFC 5465; RFC 9051 §7.5.1 (when EXPUNGE may be told).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pabal.imap.commands import fetch, places
from pabal.imap.commands.context import Context
from pabal.imap.commands.contexts import tell_updates
from pabal.imap.commands.list import lines_of
from pabal.imap.commands.places import Place
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.commands.status import status_line
from pabal.imap.commands.watched import of, owners
from pabal.imap.notices import Notices, Seen, Watch
from pabal.imap.wire.fetch import Attribute, Fetch, Item
from pabal.imap.wire.metadata import name_octets
from pabal.imap.wire.notify import OF_MESSAGES, Event, Group, Notify
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import SequenceSet
from pabal.store.acl import NO_RIGHTS
from pabal.store.names import is_below
from pabal.store.ports import (
    ACCOUNT,
    SEPARATOR,
    AccountId,
    MailboxChanged,
    MailboxEvent,
    MailboxId,
)

_ALL_EVENTS: Final = b" ".join(event.value for event in Event)


async def run(context: Context, command: Notify) -> Tagged:
    """Change what the client is told of."""
    if any(group.unknown for group in command.groups):
        code = b"BADEVENT (%b)" % _ALL_EVENTS
        raise RefusedError("There is no such event here", code)
    watches = [_watch(context, group) for group in command.groups]
    if context.selected is not None:
        # RFC 5465 §3.1: it implies a NOOP.
        await tell_updates(context, context.selected, expunges=True, flags=True)
    context.stop_notices()
    notices = context.notices = _listening(context, watches)
    for owner in await owners(context, watches):
        notices.listen(owner, await context.services.store.account(owner))
        await _look(context, notices, owner)
    if command.status:
        for info in await context.mailboxes.mailboxes():
            events = notices.events_of(info)
            await _tell_status(context, places.own(context, info), events, first=True)
        for owner in notices.known:
            for place in (await of(context, owner)).values():
                events = await _events(context, notices, place.info.name)
                await _tell_status(context, place, events, first=True)
    return Tagged(b"Notified from now on")


def _listening(context: Context, watches: Sequence[Watch]) -> Notices:
    changed = context.dialogue.changed
    return Notices(context.account_id, context.mailboxes, watches, changed)


def _watch(context: Context, group: Group) -> Watch:
    names = frozenset(map(context.name_of, group.names))
    return Watch(group.watched, names, group.events, group.items)


async def _events(context: Context, notices: Notices, name: str) -> frozenset[Event]:
    """Return the events a client wants to hear of a mailbox of another account."""
    subscribed = name in await context.mailboxes.lost_subscriptions()
    return notices.events(name, subscribed=subscribed, personal=False)


async def _look(context: Context, notices: Notices, owner: AccountId) -> None:
    """Look which mailboxes another account shares; tell those that cannot be read.

    Only once a client asks for them: later it hears of what changes.
    """
    seen = {key: _seen(place) for key, place in (await of(context, owner)).items()}
    notices.known[owner] = seen
    hidden = [
        name
        for name, rights in seen.values()
        if "r" not in rights and await _events(context, notices, name)
    ]
    context.send(await lines_of(context, hidden, {}, frozenset(hidden)))


def _seen(place: Place) -> Seen:
    return Seen(place.info.name, place.rights)


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
    await places.claim(context)
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
            await fetch.run(context, _described(new, notices.items))
    if notices.waiting:
        await _tell_account(context, notices)


def _described(messages: SequenceSet, items: tuple[Item, ...]) -> Fetch:
    """Return what describes new messages: by their UIDs, asked for or not."""
    named = Attribute.UID in items
    items = items if named else (Attribute.UID, *items)
    return Fetch(messages, items, by_uid=True, names_uid=named)


async def _tell_account(context: Context, notices: Notices) -> None:
    news = notices.take()
    if news.overflow:
        context.stop_notices()
        context.say(b"NOTIFICATIONOVERFLOW", b"Too much happened at once")
        context.notices = _listening(context, ())
        return
    if news.boxes:
        context.send(await _lists(context, notices, news.boxes))
    for owner in news.owners:
        context.send(await _changes(context, notices, owner))
    told = {owner for owner, _ in (*news.messages, *news.annotated)}
    found = {owner: await _places(context, owner) for owner in told}
    for (owner, mailbox_id), events in news.messages.items():
        place = found[owner].get(mailbox_id)
        if place is not None:
            wanted = events & await _wanted(context, notices, place)
            await _tell_status(context, place, wanted)
    for (owner, mailbox_id), names in news.annotated.items():
        place = found[owner].get(mailbox_id)
        if mailbox_id == ACCOUNT and owner == context.account_id:
            context.send(_metadata(b'""', names))
        elif (
            place is not None
            and "r" in place.rights
            and Event.MAILBOX_METADATA in await _wanted(context, notices, place)
        ):
            context.send(_metadata(context.written(place.info.name), names))


async def _places(context: Context, owner: AccountId) -> Mapping[MailboxId, Place]:
    """Return the mailboxes of an account the client may look up."""
    if owner != context.account_id:
        return await of(context, owner)
    infos = await context.mailboxes.mailboxes()
    return {info.id: places.own(context, info) for info in infos}


async def _wanted(context: Context, notices: Notices, place: Place) -> frozenset[Event]:
    if place.owner != context.account_id:
        return await _events(context, notices, place.info.name)
    return notices.events_of(place.info)


def _metadata(mailbox: bytes, names: Sequence[str]) -> bytes:
    """Return the METADATA response without values (RFC 5464 §4.4.2)."""
    return b"* METADATA %b %b\r\n" % (mailbox, b" ".join(map(name_octets, names)))


async def _tell_status(
    context: Context, place: Place, events: frozenset[Event], *, first: bool = False
) -> None:
    """Tell the counters of a mailbox that is not selected because of ``events``.

    Args:
        first: Whether they are what is possible, not what happened.
    """
    if places.is_selected(context, place) or "r" not in place.rights:
        return
    items: list[bytes] = []
    if events & {Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE}:
        items += (b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY")
    if Event.FLAG_CHANGE in events:
        # RFC 5465 §5.1: without CONDSTORE this is all that says something.
        items += (b"UIDVALIDITY", b"UNSEEN")
    if events & OF_MESSAGES and context.condstore:
        items.append(b"HIGHESTMODSEQ")
    elif Event.FLAG_CHANGE in events and first:
        # RFC 5465 §3.1: to every client, where the server has CONDSTORE.
        items.append(b"HIGHESTMODSEQ")
    if items:
        context.send(await status_line(context, place, tuple(dict.fromkeys(items))))


async def _lists(
    context: Context, notices: Notices, changes: Sequence[MailboxChanged]
) -> bytes:
    """Return LIST responses for names that came, went or changed (§5.4, §5.5)."""
    infos = await context.mailboxes.mailboxes()
    subscribed = {info.name for info in infos if info.subscribed}
    subscribed.update(await context.mailboxes.lost_subscriptions())

    def wants(name: str, event: Event, *, was: bool = False) -> bool:
        return event in notices.events(name, subscribed=was or name in subscribed)

    names: dict[str, None] = {}
    renamed: dict[str, str] = {}
    tops = [one for one in changes if one.event is MailboxEvent.RENAMED]
    for change in changes:
        name, old = change.name, change.old_name
        if change.event is MailboxEvent.RENAMED:
            # RFC 5465 §5.4: the mailboxes below go with it without a word.
            below = any(is_below(old, top.old_name) for top in tops)
            if not below and any(wants(x, Event.MAILBOX_NAME) for x in (name, old)):
                renamed[name] = old
                names[name] = None
        elif change.event in {MailboxEvent.CREATED, MailboxEvent.REMOVED}:
            # RFC 5465 §5.4: that above it is affected, too.
            for affected in (name, name.rpartition(SEPARATOR)[0]):
                if affected and wants(affected, Event.MAILBOX_NAME):
                    names[affected] = None
        elif wants(name, Event.SUBSCRIPTION, was=True):
            # What is not subscribed any more was, which counts (RFC 5465 §6.4).
            names[name] = None
    return await lines_of(context, list(names), renamed)


async def _changes(context: Context, notices: Notices, owner: AccountId) -> bytes:
    """Return LIST responses for mailboxes of another account (§5.4, §5.9).

    Rights that come and go are told as mailboxes that do.
    """
    before = notices.known.get(owner, {})
    after = {key: _seen(place) for key, place in (await of(context, owner)).items()}
    account = await context.services.store.account(owner)
    for info in await account.mailboxes():
        if info.id in before and info.id not in after:
            after[info.id] = Seen(before[info.id].name, NO_RIGHTS)
    notices.known[owner] = after
    names: set[str] = set()
    renamed: dict[str, str] = {}
    for key in before.keys() | after.keys():
        was, now = before.get(key), after.get(key)
        some = now or was
        name, old = (some.name if some else ""), (was.name if was else "")
        events = await _events(context, notices, name)
        is_renamed = bool(_may(was, "l") and _may(now, "l") and old != name)
        if is_renamed:
            events |= await _events(context, notices, old)
        if events and was and _may(was, "r") != _may(now, "r") and now:
            names.add(name)
        if Event.MAILBOX_NAME in events and (
            is_renamed or _may(was, "l") != _may(now, "l")
        ):
            names.add(name)
            if is_renamed:
                renamed[name] = old
    hidden = frozenset(one.name for one in after.values() if not _may(one, "r"))
    return await lines_of(context, sorted(names), renamed, hidden)


def _may(seen: Seen | None, right: str) -> bool:
    return seen is not None and right in seen.rights
