"""Mailboxes a client can name: its own, and those other accounts share with it.

Sans-IO. ``Other Users/ADDRESS/NAME`` is the mailbox NAME of ADDRESS. An own mailbox of
that very name comes first: nobody can hide it by sharing.
Source: RFC 4314 §4 (which right each command needs), §6; RFC 2342 §5 (Other Users).

Security: what somebody may not look up is answered as if it did not exist.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from pabal.base.errors import PabalError
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.store import acl
from pabal.store.acl import ALL_RIGHTS, NO_RIGHTS, Rights
from pabal.store.names import normalise, parents
from pabal.store.ports import (
    SEPARATOR,
    AccountId,
    AccountStore,
    MailboxInfo,
    MailboxNameError,
    NoSuchMailboxError,
)

OTHER_USERS: Final = "Other Users/"
"""What names of others' mailboxes begin with; an address follows."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox as one client sees it.

    Attributes:
        account: Whose mailboxes it is among.
        owner: Their id.
        info: The mailbox, under the name the client calls it by.
        rights: What the client may do with it.
        stored_name: What its owner calls it.
    """

    account: AccountStore
    owner: AccountId
    info: MailboxInfo
    rights: Rights
    stored_name: str

    @property
    def id(self) -> int:
        """The mailbox's id in its account."""
        return self.info.id

    def need(self, rights: str) -> None:
        """Check that the client has each of ``rights``.

        Raises:
            RefusedError: It has not.
        """
        need(self.rights, rights)


def need(have: Rights, rights: str) -> None:
    """Check that each of ``rights`` is there.

    Raises:
        RefusedError: One is not.
    """
    if not have.issuperset(rights):
        raise RefusedError("You may not do that here", b"NOPERM")


def is_shared(context: Context) -> bool:
    """Whether accounts can share mailboxes on this server."""
    return context.services.people is not None


def own(context: Context, info: MailboxInfo) -> Place:
    """Return a mailbox of the client's own account."""
    return Place(context.mailboxes, context.account_id, info, ALL_RIGHTS, info.name)


def is_selected(context: Context, place: Place) -> bool:
    """Return whether the client has ``place`` selected."""
    selected = context.selected
    return (
        selected is not None
        and selected.access.owner == place.owner
        and selected.view.mailbox.id == place.id
    )


async def find(
    context: Context,
    octets: bytes,
    rights: str = "",
    code: bytes = b"NONEXISTENT",
    *,
    recheck: bool = True,
) -> Place:
    """Return the mailbox a client names.

    Args:
        rights: What it must be allowed to do with it.
        code: Why not, where there is none.
        recheck: Whether one of its own is looked for where other processes write.

    Raises:
        RefusedError: There is none, or it may not.
        NameEncodingError: The name cannot be read.
    """
    place = await named(context, context.name_of(octets), recheck=recheck)
    if place is not None and place.rights.issuperset(rights):
        return place
    if place is not None and "l" in place.rights:
        raise RefusedError("You may not do that here", b"NOPERM")
    raise RefusedError("There is no such mailbox", code)


async def named(context: Context, name: str, *, recheck: bool = True) -> Place | None:
    """Return the mailbox called ``name``, ``None`` without one or any right to it."""
    try:
        return own(context, await context.mailboxes.mailbox(name, recheck=recheck))
    except NoSuchMailboxError:
        return await shared(context, name)


async def shared(context: Context, name: str) -> Place | None:
    """Return the mailbox of another account called ``name``.

    ``None`` without one, or if the client has no right at all.
    """
    address, rest = split(name)
    owner = await _owner(context, address) if rest else None
    if owner is None:
        return None
    account = await context.services.store.account(owner)
    try:
        info = await account.mailbox(rest)
        lists = acl.read(await account.annotations.read(info.id))
    except (NoSuchMailboxError, MailboxNameError):
        return None
    rights = acl.rights_of(lists, context.account_id)
    return _shared(account, owner, address, info, rights) if rights else None


def _shared(
    account: AccountStore,
    owner: AccountId,
    address: str,
    info: MailboxInfo,
    rights: Rights,
) -> Place:
    name = f"{OTHER_USERS}{address}{SEPARATOR}{info.name}"
    # What a mailbox is for, its owner's programs know: others have their own \Sent.
    seen = replace(info, name=name, special_use="", subscribed=False)
    return Place(account, owner, seen, rights, info.name)


def split(name: str) -> tuple[str, str]:
    """Return the address and the rest of a name in Other Users; empty if it is none."""
    if not name.startswith(OTHER_USERS):
        return "", ""
    address, _, rest = name.removeprefix(OTHER_USERS).partition(SEPARATOR)
    return address, rest


async def _owner(context: Context, address: str) -> AccountId | None:
    """Return the account at ``address``, if it shares anything with the client."""
    people = context.services.people
    owner = people.account_of(address) if people is not None else None
    if owner is None or owner not in await sharing(context):
        return None
    return owner


async def sharing(context: Context) -> Sequence[AccountId]:
    """Return the other accounts that share something with the client."""
    ours = context.account_id
    owners = await context.services.store.shares.owners(acl.identifiers(ours))
    return [owner for owner in owners if owner != ours]


async def visible(context: Context) -> dict[str, Place]:
    """Return every mailbox the client may look up, by its name."""
    infos = await context.mailboxes.mailboxes()
    found = {info.name: own(context, info) for info in infos}
    people = context.services.people
    if people is None:
        return found
    for owner in await sharing(context):
        address = people.address_of(owner)
        if address is None or SEPARATOR in address:
            continue  # gone, or no level of a name can be called that
        for place in await of_owner(context, owner, address):
            found.setdefault(place.info.name, place)
    return found


async def of_owner(context: Context, owner: AccountId, address: str) -> Sequence[Place]:
    """Return what the account at ``address`` lets the client look up."""
    account = await context.services.store.account(owner)
    entries = await account.annotations.named(acl.PREFIX)
    found = []
    for info in await account.mailboxes():
        lists = acl.read(entries.get(info.id, {}))
        rights = acl.rights_of(lists, context.account_id)
        if "l" in rights:
            found.append(_shared(account, owner, address, info, rights))
    return found


@dataclass(frozen=True, slots=True)
class Plot:
    """Where a mailbox can be made.

    Attributes:
        account: Whose it will be.
        owner: Their id.
        name: What its owner will call it.
        entries: What of the nearest mailbox above it is inherited (RFC 4314 §4).
    """

    account: AccountStore
    owner: AccountId
    name: str
    entries: dict[str, bytes | None]

    async def inherit(self, before: frozenset[str]) -> None:
        """Give the mailboxes made since ``before`` the rights of that above them."""
        if not self.entries:
            return
        for name in (*parents(self.name), self.name):
            if name not in before:
                info = await self.account.mailbox(name)
                await self.account.annotations.write(info.id, self.entries)


async def plot(context: Context, octets: bytes) -> Plot:
    """Return where the new mailbox a client names will be.

    Raises:
        RefusedError: The client may not make one there.
        MailboxNameError: No mailbox can be called that.
        NameEncodingError: The name cannot be read.
    """
    # RFC 9051 §6.3.4: a trailing separator only says that there will be more below.
    name = context.name_of(octets).removesuffix(SEPARATOR)
    address, rest = split(name + SEPARATOR)
    if not address or not is_shared(context):
        entries = await _inherited(context.mailboxes, normalise(name))
        return Plot(context.mailboxes, context.account_id, name, entries)
    owner, stored = await _owner(context, address), rest.removesuffix(SEPARATOR)
    for above in reversed(parents(name)):
        place = await shared(context, above)
        if place is not None and owner is not None:
            place.need("k")
            entries = await _inherited(place.account, normalise(stored))
            return Plot(place.account, owner, normalise(stored), entries)
    raise RefusedError("You may not do that here", b"NOPERM")


async def _inherited(account: AccountStore, name: str) -> dict[str, bytes | None]:
    """Return the entries of the nearest mailbox above ``name``."""
    for above in reversed(parents(name)):
        try:
            info = await account.mailbox(above)
        except NoSuchMailboxError:
            continue
        there = await account.annotations.read(info.id)
        return {key: there[key] for key in there if key.startswith(acl.PREFIX)}
    return {}


async def claim(context: Context) -> None:
    """Be the first session that is told of what arrived, if no other was."""
    selected = context.selected
    if selected is None or selected.read_only or not selected.recency.told:
        return
    uids, known = selected.view.uids, selected.numbers.last_uid
    if uids and uids[-1] > known:
        # No error of it keeps anybody from hearing of messages.
        with suppress(PabalError):
            mailbox_id = selected.view.mailbox.id
            last = uids[-1]
            # What arrives while that is noted has to be claimed anew.
            first = await context.here.claim_recent(mailbox_id)
            selected.recency.claim(first, last)


async def refresh(context: Context) -> None:
    """Take note of changed rights to the selected mailbox (RFC 4314 §5.1.1)."""
    selected = context.selected
    if selected is None or not selected.access.stale:
        return
    access = selected.access
    access.stale = False
    if access.owner == context.account_id:
        return
    try:
        there = await access.account.annotations.read(selected.view.mailbox.id)
    except NoSuchMailboxError:
        return
    rights = acl.rights_of(acl.read(there), context.account_id)
    if rights == access.rights:
        return
    selected.change_rights(rights)
    if "r" not in rights:
        # Nobody understands a mailbox that cannot be read any more: BYE follows.
        access.rights = NO_RIGHTS
        selected.removed = True
        return
    context.send(selected.names.shown())
