"""GETQUOTA, GETQUOTAROOT, SETQUOTA, and whether there is room.

Every account has one quota root, which it calls "". Limits are the operator's: an
administrator may set them, and calls the root of another account by its address.
Source: RFC 9208.

Security: what others use and may use is told to administrators alone (RFC 9208 §8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.places import OTHER_USERS, Place, find, shared
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.grammar import NUMBER64_MAX
from pabal.imap.wire.mailboxes import MailboxName
from pabal.imap.wire.quota import QuotaRoot, SetQuota
from pabal.imap.wire.response import Tagged, quoted
from pabal.store.limits import Limits
from pabal.store.ports import AccountId, AccountStore, Column, EmailId, OverQuotaError
from pabal.store.room import used

UNIT_OCTETS: Final = 1024
"""STORAGE counts in these (RFC 9208 §5.1)."""

STORAGE: Final = b"STORAGE"
MESSAGE: Final = b"MESSAGE"

SLICE: Final = 500
"""Messages whose sizes are read at once."""


@dataclass(frozen=True, slots=True)
class _Root:
    """A quota root: an account.

    Attributes:
        name: What the client calls it.
        owner: The account.
    """

    name: bytes
    owner: AccountId


async def get(context: Context, command: QuotaRoot) -> Tagged:
    """Tell what an account uses and may use."""
    await _tell(context, _root(context, command.root))
    return Tagged(b"Quota told")


async def get_root(context: Context, command: MailboxName) -> Tagged:
    """Tell which quota a mailbox is under: all of an account are under one."""
    name = context.name_of(command.mailbox)
    root = _Root(b"", context.account_id)
    if name.startswith(OTHER_USERS):
        owner = _other(context, places.split(name + "/")[0])
        if owner is None and await shared(context, name) is not None:
            # What others use and may use is theirs to know.
            place = await find(context, command.mailbox, "r")
            context.send(b"* QUOTAROOT %b\r\n" % context.written(place.info.name))
            return Tagged(b"Quota told")
        root = owner or root
    names = context.written(name), quoted(root.name)
    context.send(b"* QUOTAROOT %b %b\r\n" % names)
    await _tell(context, root)
    return Tagged(b"Quota told")


async def set_limits(context: Context, command: SetQuota) -> Tagged:
    """Change what an account may have; what is not named is not limited (§4.1.3)."""
    root, desk = _root(context, command.root), context.services.quotas
    if desk is None or not desk.may_set(context.account_id):
        raise RefusedError("Limits are the administrator's to set", b"NOPERM")
    limits = command.limits
    octets, messages = limits.get(STORAGE, 0) * UNIT_OCTETS, limits.get(MESSAGE, 0)
    known = limits.keys() <= {STORAGE, MESSAGE}
    if not known or 0 in limits.values() or octets > NUMBER64_MAX:
        # 0 would be no message at all (RFC 9208 §3.1.2): that is not to be had here.
        raise RefusedError("Such a limit cannot be set", b"CANNOT")
    await desk.set_limits(root.owner, Limits(octets, messages))
    await _tell(context, root)
    return Tagged(b"Quota set")


def _root(context: Context, name: bytes) -> _Root:
    """Return the quota root a client names.

    Raises:
        RefusedError: There is none, or it is not the client's to know.
    """
    if not name:
        return _Root(name, context.account_id)
    found = _other(context, name.decode("utf-8", "replace"))
    if found is None:
        raise RefusedError("There is no such quota root", b"NONEXISTENT")
    return found


def _other(context: Context, address: str) -> _Root | None:
    """Return the quota root of another account, ``None`` if the client has no say."""
    desk, people = context.services.quotas, context.services.people
    if desk is None or people is None or not desk.may_set(context.account_id):
        return None
    owner = people.account_of(address)
    return None if owner is None else _Root(address.encode("utf-8"), owner)


async def _tell(context: Context, root: _Root) -> None:
    limits = await limits_of(context, root.owner)
    account = await context.services.store.account(root.owner)
    usage = await used(account)
    parts = []
    if limits.octets:
        units = -(-usage.octets // UNIT_OCTETS)
        parts.append(b"STORAGE %d %d" % (units, limits.octets // UNIT_OCTETS))
    if limits.messages:
        parts.append(b"MESSAGE %d %d" % (usage.messages, limits.messages))
    context.send(b"* QUOTA %b (%b)\r\n" % (quoted(root.name), b" ".join(parts)))


async def limits_of(context: Context, account_id: AccountId) -> Limits:
    """Return the limits of an account; 0 is none."""
    ask = context.services.limits
    return Limits() if ask is None else await ask(account_id)


async def check_room(
    context: Context,
    place: Place,
    octets: int,
    messages: int,
) -> None:
    """Check that the owner of a mailbox may have so much more, as things are now.

    Args:
        place: The mailbox.
        octets: How much.
        messages: In how many messages.

    Raises:
        OverQuotaError: It may not.
    """
    limits = await limits_of(context, place.owner)
    if not limits.octets and not limits.messages:
        return
    after = (await used(place.account)).plus(octets, messages)
    if not after.within(octets=limits.octets, messages=limits.messages):
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
