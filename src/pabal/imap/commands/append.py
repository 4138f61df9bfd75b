"""APPEND of one message or several.

Source: RFC 9051 §6.3.12; RFC 3502 (MULTIAPPEND), RFC 4315 §3 (APPENDUID), RFC 9208
§4.3.1 (OVERQUOTA).
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.quota import check_room
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.session import MessageBegins
from pabal.imap.wire.mailboxes import Append, append_mailbox
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import format_set
from pabal.store.ports import NewEmail


async def check(context: Context, message: MessageBegins) -> None:
    """Check a message's mailbox and size before it is sent.

    Raises:
        RefusedError: The mailbox does not exist.
        OverQuotaError: The account has no room for it.
    """
    if message.name != b"APPEND":
        # A REPLACE gives room back as well: it is judged when it is whole.
        return
    name = append_mailbox(message.arguments)
    if name is not None:
        await context.find(name, b"TRYCREATE")
        await check_room(context, message.size, 1)


async def run(context: Context, command: Append) -> Tagged:
    """Add messages to a mailbox, all or none; durable when it says so."""
    return Tagged(b"Appended", await add(context, command))


async def add(context: Context, command: Append, *, freed_octets: int = 0) -> bytes:
    """Add messages to a mailbox and return the code that says under which UIDs.

    Args:
        freed_octets: What the same command takes away.

    Raises:
        RefusedError: The mailbox does not exist, or a message cannot be.
        OverQuotaError: The account has no room for them.
    """
    info = await context.find(command.mailbox, b"TRYCREATE")
    spools = context.messages.take()
    now = context.services.clock.now()
    emails = []
    for message, spool in zip(command.messages, spools, strict=True):
        if not message.size:
            # RFC 3502 §6.3.11: a message of no octets cancels the whole append.
            raise RefusedError("Cancelled: a message is empty")
        if any(b"\0" in chunk for chunk in spool.chunks()):
            # RFC 3516 §4.4: what cannot be given back in a literal is not taken.
            raise RefusedError("A message has a NUL in it", b"UNKNOWN-CTE")
        received = message.received_at if message.received_at is not None else now
        emails.append(NewEmail(spool, received, message.flags))
    octets = sum(spool.size for spool in spools)
    await check_room(context, octets, len(emails), freed_octets=freed_octets)
    added = await context.mailboxes.append(info.id, emails)
    uids = format_set([one.uid for one in added])
    return b"APPENDUID %d %b" % (added[0].uid_validity, uids)
