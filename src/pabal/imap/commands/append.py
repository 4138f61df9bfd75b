"""APPEND of one message or several.

Source: RFC 9051 §6.3.12; RFC 3502 (MULTIAPPEND), RFC 4315 §3 (APPENDUID).
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.mailboxes import Append, append_mailbox
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import format_set
from pabal.store.ports import NewEmail


async def check(context: Context, arguments: bytes) -> None:
    """Check that the mailbox of an APPEND exists, before its message is sent.

    Raises:
        RefusedError: It does not.
    """
    name = append_mailbox(arguments)
    if name is not None:
        await context.find(name, b"TRYCREATE")


async def run(context: Context, command: Append) -> Tagged:
    """Add messages to a mailbox, all or none; durable when it says so."""
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
    added = await context.mailboxes.append(info.id, emails)
    uids = format_set([one.uid for one in added])
    code = b"APPENDUID %d %b" % (added[0].uid_validity, uids)
    return Tagged(b"Appended", code)
