"""GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS.

The owner of a mailbox can do everything with it, always.
Source: RFC 4314 §3, §6.
"""

from pabal.directory.saslprep import SaslPrepError, prepare
from pabal.imap import rights as letters
from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.places import Place
from pabal.imap.commands.refusal import RefusedError, bad
from pabal.imap.wire.acl import AclEntry
from pabal.imap.wire.mailboxes import MailboxName
from pabal.imap.wire.response import Tagged, quoted
from pabal.store import acl
from pabal.store.acl import ALL_RIGHTS, ANYONE, NEGATIVE, NO_RIGHTS, Rights


async def _find(context: Context, mailbox: bytes, rights: str = "") -> Place:
    if not places.is_shared(context):
        raise bad("there is no such command")
    return await places.find(context, mailbox, rights)


async def get(context: Context, command: MailboxName) -> Tagged:
    """Tell who may do what with a mailbox."""
    place = await _find(context, command.mailbox, "a")
    lists = acl.read(await place.account.annotations.read(place.id))
    pairs = [_pair(context, str(place.owner), ALL_RIGHTS)]
    pairs += (_pair(context, *entry) for entry in sorted(lists.items()))
    name = context.written(place.info.name)
    context.send(b"* ACL %b%b\r\n" % (name, b"".join(pairs)))
    return Tagged(b"List told")


def _pair(context: Context, identifier: str, rights: Rights) -> bytes:
    """Return an entry as it is told, empty if its account is gone."""
    name = _name_of(context, identifier)
    if not name:
        return b""
    return b" %b %b" % (_written(context, name), letters.written(rights) or b'""')


def _written(context: Context, name: str) -> bytes:
    return quoted(name.encode("utf-8"), utf8=context.utf8)


async def change(context: Context, command: AclEntry) -> Tagged:
    """Change what somebody may do with a mailbox (SETACL)."""
    wanted = letters.read_change(command.rights)
    if wanted is None:
        raise bad("There is no such right")
    place = await _find(context, command.mailbox, "a")
    await _change(context, place, command.identifier, wanted)
    return Tagged(b"Rights changed")


async def remove(context: Context, command: AclEntry) -> Tagged:
    """Take an entry off a mailbox's list (DELETEACL)."""
    place = await _find(context, command.mailbox, "a")
    nothing = letters.RightsChange("", NO_RIGHTS)
    await _change(context, place, command.identifier, nothing)
    return Tagged(b"Rights changed")


async def _change(
    context: Context, place: Place, octets: bytes, wanted: letters.RightsChange
) -> None:
    identifier = _identifier(context, octets)
    if identifier is None:
        raise RefusedError("Nobody here is called that", b"NONEXISTENT")
    if identifier.removeprefix(NEGATIVE) == str(place.owner):
        if identifier == str(place.owner) and wanted.apply(ALL_RIGHTS) == ALL_RIGHTS:
            return
        raise RefusedError("The owner keeps every right", b"CANNOT")
    annotations, shares = place.account.annotations, context.services.store.shares
    lists = acl.read(await annotations.read(place.id))
    after = wanted.apply(lists.get(identifier, NO_RIGHTS))
    noted = await _shared_with(place)
    if after and not identifier.startswith(NEGATIVE) and identifier not in noted:
        # Before the rights: what is noted too much does no harm, too little would.
        await shares.note(place.owner, noted | {identifier})
    await annotations.write(place.id, acl.written(identifier, after))
    if not after and identifier in noted:
        await shares.note(place.owner, await _shared_with(place))


async def _shared_with(place: Place) -> frozenset[str]:
    """Return everybody the owner shares anything with."""
    entries = await place.account.annotations.named(acl.PREFIX)
    found: frozenset[str] = frozenset()
    for of_mailbox in entries.values():
        found |= acl.shared_with(acl.read(of_mailbox))
    return found


async def list_rights(context: Context, command: AclEntry) -> Tagged:
    """Tell what somebody could be allowed to do with a mailbox."""
    place = await _find(context, command.mailbox, "a")
    identifier = _identifier(context, command.identifier)
    if identifier is None:
        raise RefusedError("Nobody here is called that", b"NONEXISTENT")
    required, optional = b'""', b" " + letters.OPTIONAL
    if identifier == str(place.owner):
        required, optional = letters.written(ALL_RIGHTS), b""
    context.send(
        b"* LISTRIGHTS %b %b %b%b\r\n"
        % (
            context.written(place.info.name),
            quoted(command.identifier, utf8=context.utf8),
            *(required, optional),
        )
    )
    return Tagged(b"Rights told")


async def mine(context: Context, command: MailboxName) -> Tagged:
    """Tell what the client may do with a mailbox."""
    place = await _find(context, command.mailbox)
    if not place.rights & frozenset("lrikxa"):
        raise RefusedError("There is no such mailbox", b"NONEXISTENT")
    context.send(my_rights(context, place))
    return Tagged(b"Rights told")


def my_rights(context: Context, place: Place) -> bytes:
    """Return the MYRIGHTS response for a mailbox."""
    name = context.written(place.info.name)
    return b"* MYRIGHTS %b %b\r\n" % (name, letters.written(place.rights))


def _identifier(context: Context, octets: bytes) -> str | None:
    """Return what is kept for an identifier, ``None`` if nobody is called that.

    Raises:
        RefusedError: It cannot be one (RFC 4314 §3).
    """
    try:
        name = prepare(octets.decode("utf-8"))
    except (UnicodeDecodeError, SaslPrepError) as error:
        raise bad("That is no identifier") from error
    sign = NEGATIVE if name.startswith(NEGATIVE) else ""
    name = name.removeprefix(sign)
    if not name:
        raise bad("That is no identifier")
    if name == ANYONE:
        return sign + name
    people = context.services.people
    account_id = people.account_of(name) if people is not None else None
    return None if account_id is None else f"{sign}{account_id}"


def _name_of(context: Context, identifier: str) -> str:
    """Return what an identifier is called, empty if its account is gone."""
    sign = NEGATIVE if identifier.startswith(NEGATIVE) else ""
    name = identifier.removeprefix(sign)
    if name == ANYONE:
        return identifier
    people = context.services.people
    address = people.address_of(int(name)) if people is not None else None
    return f"{sign}{address}" if address is not None else ""
