"""Messages carried from one account to another, and flags left behind on the way.

Source: RFC 4314 §4 (which flags are kept), RFC 9051 §6.4.7 (all or none).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from pabal.imap.commands.context import Context, Progress
from pabal.imap.commands.places import Place
from pabal.imap.commands.quota import check_copies, limits_of
from pabal.imap.commands.selected import Batch, Selected
from pabal.store import acl
from pabal.store.flags import EVERY_FLAG, NO_FLAGS, FlagAction, FlagChange
from pabal.store.ports import Column, Copied, ModSeq, NewEmail, StoreError, Uid

SLICE: Final = 100
"""Messages added to the other account at once."""

MEMORY_OCTETS: Final = 4 * 1024 * 1024
"""Memory they may take meanwhile; larger ones wait in files."""


async def carry(
    context: Context,
    selected: Selected,
    ranges: Sequence[tuple[int, int]],
    to: Place,
    progress: Progress,
) -> Copied:
    """Add the messages of index ``ranges`` to a mailbox of another account.

    Either all or none are there afterwards, unless both the copy and taking it back
    fail; those that are gone meanwhile are passed over.

    Raises:
        OverQuotaError: The other account has no room.
    """
    # Before a message is read, and once more in each transaction: others write, too.
    await check_copies(context, to, selected.batch(ranges).emails)
    limits = await limits_of(context, to.owner)
    sources: list[Uid] = []
    targets: list[Uid] = []
    modseq: ModSeq = 0
    progress.goal = sum(end - start for start, end in ranges)
    try:
        for batch in selected.batches(ranges, SLICE):
            with ExitStack() as made:
                progress.done += len(batch.uids)
                uids, emails = await _read(context, selected, batch, to, made)
                if not emails:
                    continue
                added = await to.account.append(to.id, emails, None, limits)
            sources += uids
            targets += [one.uid for one in added]
            modseq = added[-1].modseq
            await context.breathe()
    except BaseException:
        if targets:
            await to.account.expunge(to.id, targets)
        raise
    return Copied(to.info.uid_validity, sources, targets, modseq)


async def _read(
    context: Context, selected: Selected, batch: Batch, to: Place, made: ExitStack
) -> tuple[Sequence[Uid], Sequence[NewEmail]]:
    """Return messages as they will be there; their spools are closed by ``made``."""
    account, scope = selected.access.account, acl.scope(to.rights)
    rows = await account.read(batch.emails, [Column.RECEIVED])
    uids, emails, room = [], [], MEMORY_OCTETS
    for uid, email, flag_set, row in zip(
        *(batch.uids, batch.emails, batch.flags, rows), strict=True
    ):
        if row is None or not isinstance(row[0], float):
            continue
        spool = made.enter_context(context.services.spool(room // 2))
        try:
            async for chunk in account.octets(email):
                spool.write(chunk)
        except StoreError:
            continue  # gone a moment ago
        room -= spool.size if spool.in_memory else 0
        flags = scope.among(account.flags_of(flag_set))
        uids.append(uid)
        emails.append(NewEmail(spool, row[0], flags))
    return uids, emails


async def leave_flags(place: Place, uids: Sequence[Uid]) -> None:
    """Take off copied messages the flags their copier may not set."""
    scope = acl.scope(place.rights)
    if scope != EVERY_FLAG and uids:
        change = FlagChange(FlagAction.REPLACE, NO_FLAGS, ~scope)
        await place.account.set_flags(place.id, uids, change)
