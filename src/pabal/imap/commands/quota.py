"""GETQUOTA, GETQUOTAROOT, SETQUOTA, and whether there is room.

One quota root an account, named "". The limits are the operator's, so a client cannot
set them (QUOTASET is not told).
Source: RFC 9208.
"""

from collections.abc import Sequence
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.places import OTHER_USERS, Place, find, shared
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.ports import Limits
from pabal.imap.wire.mailboxes import MailboxName
from pabal.imap.wire.quota import QuotaRoot
from pabal.imap.wire.response import Tagged
from pabal.store.ports import AccountId, AccountStore, Column, EmailId, OverQuotaError

ROOT: Final = b'""'
"""The quota root as it is told."""

UNIT_OCTETS: Final = 1024
"""STORAGE counts in these (RFC 9208 §5.1)."""

SLICE: Final = 500
"""Messages whose sizes are read at once."""


async def get(context: Context, command: QuotaRoot) -> Tagged:
    """Tell what the account uses and may use."""
    _check(command)
    context.send(await _quota(context))
    return Tagged(b"Quota told")


async def get_root(context: Context, command: MailboxName) -> Tagged:
    """Tell which quota a mailbox is under: all are under one."""
    name = context.name_of(command.mailbox)
    if name.startswith(OTHER_USERS) and await shared(context, name) is not None:
        # What others use and may use is theirs to know.
        place = await find(context, command.mailbox, "r")
        context.send(b"* QUOTAROOT %b\r\n" % context.written(place.info.name))
        return Tagged(b"Quota told")
    context.send(b"* QUOTAROOT %b %b\r\n" % (context.written(name), ROOT))
    context.send(await _quota(context))
    return Tagged(b"Quota told")


async def refuse_set(_context: Context, command: QuotaRoot) -> Tagged:
    """Refuse to change limits."""
    _check(command)
    raise RefusedError("Limits are not for clients to set", b"NOPERM")


def _check(command: QuotaRoot) -> None:
    if command.root:
        raise RefusedError("There is no such quota root", b"NONEXISTENT")


async def _quota(context: Context) -> bytes:
    limits = await limits_of(context, context.account_id)
    octets, messages = await _used(context.mailboxes)
    parts = []
    if limits.octets:
        used = -(-octets // UNIT_OCTETS)
        parts.append(b"STORAGE %d %d" % (used, limits.octets // UNIT_OCTETS))
    if limits.messages:
        parts.append(b"MESSAGE %d %d" % (messages, limits.messages))
    return b"* QUOTA %b (%b)\r\n" % (ROOT, b" ".join(parts))


async def limits_of(context: Context, account_id: AccountId) -> Limits:
    """Return the limits of an account; 0 is none."""
    ask = context.services.limits
    return Limits() if ask is None else await ask(account_id)


async def _used(account: AccountStore) -> tuple[int, int]:
    infos = await account.mailboxes()
    return (
        sum(info.size_octets for info in infos),
        sum(info.message_count for info in infos),
    )


async def check_room(
    context: Context,
    place: Place,
    octets: int,
    messages: int,
    *,
    freed_octets: int = 0,
) -> None:
    """Check that the owner of a mailbox may have so much more.

    Args:
        place: The mailbox.
        octets: How much.
        messages: In how many messages.
        freed_octets: What the same command takes away, with one message.

    Raises:
        OverQuotaError: It may not.
    """
    limits = await limits_of(context, place.owner)
    if not limits.octets and not limits.messages:
        return
    used_octets, used_messages = await _used(place.account)
    freed_messages = 1 if freed_octets else 0
    after_octets = used_octets + octets - freed_octets
    after_messages = used_messages + messages - freed_messages
    if (limits.octets and after_octets > limits.octets) or (
        limits.messages and after_messages > limits.messages
    ):
        raise OverQuotaError("the account is full")


async def check_copies(
    context: Context, place: Place, emails: Sequence[EmailId]
) -> None:
    """Check that ``place`` has room for copies of ``emails`` of the selected mailbox.

    Raises:
        OverQuotaError: It has not.
    """
    limits = await limits_of(context, place.owner)
    if limits.octets or limits.messages:
        octets = await octets_of(context, context.here, emails)
        await check_room(context, place, octets, len(emails))


async def octets_of(
    context: Context, account: AccountStore, emails: Sequence[EmailId]
) -> int:
    """Return how many octets ``emails`` of ``account`` have together."""
    total = 0
    for start in range(0, len(emails), SLICE):
        part = emails[start : start + SLICE]
        for row in await account.read(part, [Column.SIZE]):
            size = row[0] if row else 0
            total += size if isinstance(size, int) else 0
        await context.services.pause()
    return total
