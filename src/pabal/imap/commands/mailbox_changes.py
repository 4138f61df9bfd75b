"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: one call to the store each.

Source: RFC 9051 §6.3.4-§6.3.8; RFC 6154 §3 (USE); RFC 8474 §4.1 (MAILBOXID).
"""

from typing import Final

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.mailboxes import Create, MailboxName, Rename
from pabal.imap.wire.response import Tagged
from pabal.store.names import normalise, parents
from pabal.store.ports import INBOX, SEPARATOR, MailboxEvent

SPECIAL_USES: Final = frozenset(
    (
        "\\Archive",
        "\\Drafts",
        "\\Flagged",
        "\\Junk",
        "\\Sent",
        "\\Trash",
        "\\Important",
    )
)
r"""Uses a mailbox can be created for (RFC 6154 §2, RFC 8457); ``\All`` is virtual."""


async def create(context: Context, command: Create) -> Tagged:
    """Create a mailbox and those above it."""
    if len(command.special_uses) > 1 or not SPECIAL_USES.issuperset(
        command.special_uses
    ):
        raise RefusedError("A mailbox cannot have that use", b"USEATTR")
    use = command.special_uses[0] if command.special_uses else ""
    if use and any(
        info.special_use == use for info in await context.mailboxes.mailboxes()
    ):
        raise RefusedError("Another mailbox has that use", b"USEATTR")
    plot = await places.plot(context, command.mailbox)
    if use and plot.owner != context.account_id:
        raise RefusedError("A mailbox cannot have that use", b"USEATTR")
    before = frozenset(info.name for info in await plot.account.mailboxes())
    info = await plot.account.create(plot.name, use)
    await plot.inherit(before)
    if plot.owner == context.account_id:
        _told(context, MailboxEvent.CREATED, info.name, *parents(info.name))
    return Tagged(b"Created", b"MAILBOXID (F%d)" % info.id)


def _told(context: Context, event: MailboxEvent, *names: str) -> None:
    """Take note that the client knows: it did it (RFC 5465 §5)."""
    if context.notices is not None:
        context.notices.forget(event, names)


async def delete(context: Context, command: MailboxName) -> Tagged:
    """Remove a mailbox; those below it stay."""
    place = await places.find(context, command.mailbox, "x")
    if place.stored_name == INBOX:
        raise RefusedError("INBOX stays", b"CANNOT")
    if places.is_selected(context, place):
        context.unselect()
        context.say(b"CLOSED", b"The mailbox is closed")
    await place.account.remove(place.id)
    if place.owner == context.account_id:
        _told(context, MailboxEvent.REMOVED, place.stored_name)
    return Tagged(b"Deleted")


async def rename(context: Context, command: Rename) -> Tagged:
    """Give a mailbox and those below it another name."""
    place = await places.find(context, command.old, "x")
    plot = await places.plot(context, command.new)
    name = plot.name
    if plot.owner != place.owner:
        raise RefusedError("A mailbox stays with its owner", b"CANNOT")
    if name == INBOX:
        raise RefusedError("There is an INBOX already", b"ALREADYEXISTS")
    is_inbox = place.stored_name == INBOX
    if name.startswith(place.stored_name + SEPARATOR) and not is_inbox:
        raise RefusedError("A mailbox cannot be below itself", b"CANNOT")
    if is_inbox and place.owner != context.account_id:
        raise RefusedError("INBOX stays", b"CANNOT")
    annotations = place.account.annotations
    noted = await annotations.read(place.id) if is_inbox else {}
    await place.account.rename(place.id, name)
    if noted:
        # RFC 5464 §4.1: INBOX stays, and so do its entries; the new one has them too.
        await annotations.write((await place.account.mailbox(name)).id, noted)
    if place.owner == context.account_id:
        _told(context, MailboxEvent.RENAMED, normalise(name))
        _told(context, MailboxEvent.CREATED, normalise(name), *parents(name))
    return Tagged(b"Renamed")


async def subscribe(context: Context, command: MailboxName) -> Tagged:
    """Let clients show a mailbox, or a name that is none yet (RFC 9051 §6.3.7)."""
    name = context.name_of(command.mailbox)
    await context.mailboxes.subscribe(name, subscribed=True)
    _told(context, MailboxEvent.SUBSCRIBED, normalise(name))
    return Tagged(b"Subscribed")


async def unsubscribe(context: Context, command: MailboxName) -> Tagged:
    """Let clients hide a mailbox."""
    name = context.name_of(command.mailbox)
    await context.mailboxes.subscribe(name, subscribed=False)
    _told(context, MailboxEvent.UNSUBSCRIBED, normalise(name))
    return Tagged(b"Unsubscribed")
