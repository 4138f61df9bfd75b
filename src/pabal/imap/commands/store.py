"""STORE and UID STORE.

Source: RFC 9051 §6.4.6; RFC 7162 §3.1.3 (UNCHANGEDSINCE, MODIFIED).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.limits import code_of, newest
from pabal.imap.commands.refusal import RefusedError, bad
from pabal.imap.commands.selected import Batch, Selected
from pabal.imap.numbers import join
from pabal.imap.wire.grammar import RECENT
from pabal.imap.wire.messages import Store
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.rows import Cells, Rows
from pabal.imap.wire.sequence import format_set, index_ranges, ranges_of
from pabal.store.flags import EVERY_FLAG, FlagAction
from pabal.store.ports import FlagsSet, Uid

SLICE: Final = 5_000
"""Messages changed in one transaction: what others may have to wait for."""

KEYWORDS_MAX: Final = 200
"""Flags in one STORE; a mailbox has some dozens in all."""


async def run(context: Context, command: Store) -> Tagged:
    """Change flags and tell the new ones."""
    selected = context.mailbox
    _check(selected, command)
    change = replace(command.change, scope=selected.access.scope)
    if command.unchanged_since is not None:
        context.enable_condstore()
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    ranges, limited = newest(context, ranges)
    refused: list[Uid] = []
    there = 0
    asked = sum(end - start for start, end in ranges)
    with context.dialogue.in_progress() as progress:
        progress.goal = asked
        for batch in selected.batches(ranges, SLICE):
            there += len(batch.uids)
            done = await context.here.set_flags(
                selected.view.mailbox.id,
                batch.uids,
                change,
                command.unchanged_since,
            )
            selected.numbers.own_change(done.modseq, done.changed)
            refused.extend(done.refused)
            # Whole responses, so that one of progress may come between them.
            context.send(_responses(context, command, batch, done))
            progress.done += len(batch.uids)
            await context.breathe()
    code = _modified(selected, command, refused)
    if there < asked and not command.by_uid and not code:
        # RFC 5530 §3 (EXPUNGEISSUED): others removed some meanwhile.
        code = b"EXPUNGEISSUED"
    return Tagged(b"Stored", code_of(context, limited, code))


def _check(selected: Selected, command: Store) -> None:
    if selected.read_only:
        raise RefusedError("The mailbox is open for reading only", b"READ-ONLY")
    if len(command.change.flags) > KEYWORDS_MAX:
        raise RefusedError("Too many flags at once", b"LIMIT")
    if RECENT in command.change.flags:
        # RFC 3501 §2.3.2: this one no client can alter.
        raise bad("\\Recent is not for clients to set")
    change, scope = command.change, selected.access.scope
    replaces = change.action is FlagAction.REPLACE and bool(scope)
    if not replaces and not scope.among(change.flags) and scope != EVERY_FLAG:
        # RFC 4314 §4: one flag that may be changed is enough.
        raise RefusedError("You may not do that here", b"NOPERM")


def _responses(context: Context, command: Store, batch: Batch, done: FlagsSet) -> bytes:
    """Return what to tell of a slice: all flags, or only what the modseqs are now."""
    selected = context.mailbox
    if not command.silent:
        batch = _without(selected, batch, done.refused)
        return selected.flag_responses(batch, uid=command.by_uid or context.rev2)
    if not selected.manner.condstore or not done.changed:
        return b""
    # RFC 7162 §3.1.3: even .SILENT tells the new mod-sequences.
    changed = _batch_of(selected, done.changed)
    columns: list[Cells] = [selected.names_of(changed)]
    template = selected.fetch_template
    if not selected.manner.uid_only:
        template += b"UID %i "
        columns.append(changed.uids)
    rows = Rows(template + b"MODSEQ (%d))\r\n")
    return rows.octets(len(changed.uids), [*columns, changed.modseqs])


def _without(selected: Selected, batch: Batch, refused: Sequence[Uid]) -> Batch:
    """Return the messages of ``batch`` as they are now, those ``refused`` left out."""
    left = batch.uids
    if refused:
        out = set(refused)
        left = [uid for uid in batch.uids if uid not in out]
    return _batch_of(selected, left)


def _batch_of(selected: Selected, uids: Sequence[Uid]) -> Batch:
    known = selected.numbers
    return selected.batch(join(index_ranges(known.uids, known.count, ranges_of(uids))))


def _modified(selected: Selected, command: Store, refused: Sequence[Uid]) -> bytes:
    """Return the MODIFIED code: what was refused, by UID or number as asked."""
    if not refused:
        return b""
    numbers: Sequence[int] = sorted(refused)
    if not command.by_uid:
        numbers = [selected.numbers.index(uid) + 1 for uid in numbers]
    return b"MODIFIED " + format_set(numbers)
