"""Mailboxes of others that NOTIFY and ESEARCH mean: a subtree, names, subscriptions.

Sans-IO.
Source: RFC 5465 §3.1 (rights), §6; RFC 7377 §2.2.

Security: who shares nothing with the client is not looked at, so nobody learns which
accounts there are.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.places import OTHER_USERS, Place
from pabal.imap.notices import Watch
from pabal.imap.wire.notify import Watched
from pabal.store.ports import SEPARATOR, AccountId, MailboxId

OWNERS_MAX: Final = 100
"""Accounts besides the own one that a client listens to; each is open meanwhile."""


async def owners(context: Context, watches: Sequence[Watch]) -> Sequence[AccountId]:
    """Return the other accounts whose mailboxes ``watches`` mean.

    Only those that share something with the client now.
    """
    people = context.services.people
    if people is None:
        return ()
    names: set[str] = set()
    for watch in watches:
        names |= watch.names
        if watch.watched is Watched.SUBSCRIBED:
            names.update(await context.mailboxes.lost_subscriptions())
    top = OTHER_USERS.removesuffix(SEPARATOR)
    if not any((name + SEPARATOR).startswith(OTHER_USERS) for name in names):
        return ()
    addresses = {places.split(name + SEPARATOR)[0] for name in names}
    named = {people.account_of(one) for one in addresses if one}
    sharing = await places.sharing(context)
    return [one for one in sharing if top in names or one in named][:OWNERS_MAX]


async def of(context: Context, owner: AccountId) -> Mapping[MailboxId, Place]:
    """Return the mailboxes of another account the client may look up."""
    people = context.services.people
    address = people.address_of(owner) if people is not None else None
    if address is None or SEPARATOR in address:
        return {}
    found = await places.of_owner(context, owner, address)
    return {place.id: place for place in found}
