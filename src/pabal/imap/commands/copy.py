"""COPY, MOVE and their UID forms.

Source: RFC 9051 §6.4.7, §6.4.8; RFC 4315 §3 (COPYUID), RFC 6851 (MOVE).
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.quota import check_copies
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.messages import Transfer
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import format_set
from pabal.store.ports import Copied


async def run(context: Context, command: Transfer) -> Tagged:
    """Put the messages into another mailbox as well, all or none."""
    selected = context.mailbox
    target = await context.find(command.mailbox, b"TRYCREATE")
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    uids = selected.uids(ranges)
    if not uids:
        return Tagged(b"Nothing to copy")
    source = selected.view.mailbox.id
    await check_copies(context, selected.batch(ranges).emails)
    with context.dialogue.in_progress():
        copied = await context.mailboxes.copy(source, uids, target.id)
    if not copied.sources:
        return Tagged(b"Nothing to copy")
    return Tagged(b"Copied", _code(copied))


async def move(context: Context, command: Transfer) -> Tagged:
    """Put the messages into another mailbox instead, in one change."""
    selected = context.mailbox
    if selected.read_only:
        raise RefusedError("The mailbox is open for reading only", b"READ-ONLY")
    target = await context.find(command.mailbox, b"TRYCREATE")
    uids = selected.uids(selected.indexes(command.messages, by_uid=command.by_uid))
    if not uids:
        return Tagged(b"Nothing to move")
    source = selected.view.mailbox.id
    if source == target.id:
        # Moving a message to where it is would only change its UID for nothing.
        raise RefusedError("The messages are there already", b"CANNOT")
    with context.dialogue.in_progress():
        moved = await context.mailboxes.move(source, uids, target.id)
    if not moved.sources:
        return Tagged(b"Nothing to move")
    # RFC 6851 §4.3: the code goes before the EXPUNGE responses, which the driver sends.
    context.send(b"* OK [%b] Moved\r\n" % _code(moved))
    code = b""
    if selected.condstore:
        code = b"HIGHESTMODSEQ %d" % selected.view.mailbox.highest_modseq
    return Tagged(b"Moved", code)


def _code(copied: Copied) -> bytes:
    return b"COPYUID %d %b %b" % (
        copied.uid_validity,
        format_set(copied.sources),
        format_set(copied.targets),
    )
