"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: one call to the store each.

Source: RFC 9051 §6.3.4-§6.3.8; RFC 6154 §3 (USE); RFC 8474 §4.1 (MAILBOXID).
"""

from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.mailboxes import Create, MailboxName, Rename
from pabal.imap.wire.response import Tagged
from pabal.store.ports import INBOX, SEPARATOR

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
    # RFC 9051 §6.3.4: a trailing separator only says that there will be more below.
    name = context.name_of(command.mailbox).removesuffix(SEPARATOR)
    if len(command.special_uses) > 1 or not SPECIAL_USES.issuperset(
        command.special_uses
    ):
        raise RefusedError("A mailbox cannot have that use", b"USEATTR")
    use = command.special_uses[0] if command.special_uses else ""
    if use and any(
        info.special_use == use for info in await context.mailboxes.mailboxes()
    ):
        raise RefusedError("Another mailbox has that use", b"USEATTR")
    info = await context.mailboxes.create(name, use)
    return Tagged(b"Created", b"MAILBOXID (F%d)" % info.id)


async def delete(context: Context, command: MailboxName) -> Tagged:
    """Remove a mailbox; those below it stay."""
    info = await context.find(command.mailbox)
    if info.name == INBOX:
        raise RefusedError("INBOX stays", b"CANNOT")
    selected = context.selected
    if selected is not None and selected.view.mailbox.id == info.id:
        context.unselect()
        context.send(b"* OK [CLOSED] The mailbox is closed\r\n")
    await context.mailboxes.remove(info.id)
    return Tagged(b"Deleted")


async def rename(context: Context, command: Rename) -> Tagged:
    """Give a mailbox and those below it another name."""
    info = await context.find(command.old)
    name = context.name_of(command.new).removesuffix(SEPARATOR)
    if name == INBOX:
        raise RefusedError("There is an INBOX already", b"ALREADYEXISTS")
    if name.startswith(info.name + SEPARATOR) and info.name != INBOX:
        raise RefusedError("A mailbox cannot be below itself", b"CANNOT")
    annotations = context.mailboxes.annotations
    noted = await annotations.read(info.id) if info.name == INBOX else {}
    await context.mailboxes.rename(info.id, name)
    if noted:
        # RFC 5464 §4.1: INBOX stays, and so do its entries; the new one has them too.
        await annotations.write((await context.mailboxes.mailbox(name)).id, noted)
    return Tagged(b"Renamed")


async def subscribe(context: Context, command: MailboxName) -> Tagged:
    """Let clients show a mailbox, or a name that is none yet (RFC 9051 §6.3.7)."""
    name = context.name_of(command.mailbox)
    await context.mailboxes.subscribe(name, subscribed=True)
    return Tagged(b"Subscribed")


async def unsubscribe(context: Context, command: MailboxName) -> Tagged:
    """Let clients hide a mailbox."""
    name = context.name_of(command.mailbox)
    await context.mailboxes.subscribe(name, subscribed=False)
    return Tagged(b"Unsubscribed")
