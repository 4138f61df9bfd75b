"""COPY, MOVE and their UID forms.

Source: RFC 9051 §6.4.7, §6.4.8; RFC 4315 §3 (COPYUID), RFC 6851 (MOVE).
"""

from collections.abc import Sequence

from pabal.imap.commands.carry import carry, leave_flags
from pabal.imap.commands.context import Context, Progress
from pabal.imap.commands.limits import check_count, code_of, newest
from pabal.imap.commands.places import Place, find, need
from pabal.imap.commands.quota import limits_of
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.messages import Transfer
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import format_set
from pabal.store.ports import Copied


async def run(context: Context, command: Transfer) -> Tagged:
    """Put the messages into another mailbox as well, all or none."""
    selected = context.mailbox
    target = await find(context, command.mailbox, "i", b"TRYCREATE")
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    uids = selected.uids(ranges)
    if not uids:
        return Tagged(b"Nothing to copy")
    check_count(context, ranges)
    source = selected.view.mailbox.id
    with context.dialogue.in_progress() as progress:
        if selected.access.owner != target.owner:
            copied = await carry(context, selected, ranges, target, progress)
        else:
            limits = await limits_of(context, target.owner)
            copied = await target.account.copy(source, uids, target.id, limits)
            await leave_flags(target, copied.targets)
    if not copied.sources:
        return Tagged(b"Nothing to copy")
    return Tagged(b"Copied", _code(copied))


async def move(context: Context, command: Transfer) -> Tagged:
    """Put the messages into another mailbox instead, in one change."""
    selected = context.mailbox
    if selected.read_only:
        raise RefusedError("The mailbox is open for reading only", b"READ-ONLY")
    need(selected.access.rights, "et")
    target = await find(context, command.mailbox, "i", b"TRYCREATE")
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    if not ranges:
        return Tagged(b"Nothing to move")
    ranges, limited = newest(context, ranges)
    with context.dialogue.in_progress() as progress:
        moved = await _moved(context, ranges, target, progress)
    # Ten thousand that went are one turn's work, and so is telling them.
    await context.services.pause()
    if not moved.sources:
        return Tagged(b"Nothing to move")
    # RFC 6851 §4.3: the code goes before the EXPUNGE responses, which the driver sends.
    context.say(_code(moved), b"Moved")
    code = b""
    if selected.manner.condstore:
        code = b"HIGHESTMODSEQ %d" % selected.view.mailbox.highest_modseq
    return Tagged(b"Moved", code_of(context, limited, code))


async def _moved(
    context: Context,
    ranges: Sequence[tuple[int, int]],
    target: Place,
    progress: Progress,
) -> Copied:
    selected = context.mailbox
    source = selected.view.mailbox.id
    if selected.access.owner == target.owner:
        moved = await target.account.move(source, selected.uids(ranges), target.id)
        await leave_flags(target, moved.targets)
        return moved
    moved = await carry(context, selected, ranges, target, progress)
    if moved.sources:
        # Durable there before they go here.
        await context.here.expunge(source, moved.sources)
    return moved


def _code(copied: Copied) -> bytes:
    return b"COPYUID %d %b %b" % (
        copied.uid_validity,
        format_set(copied.sources),
        format_set(copied.targets),
    )
