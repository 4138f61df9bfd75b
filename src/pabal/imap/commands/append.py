"""APPEND of one message or several.

Source: RFC 9051 §6.3.12; RFC 3502 (MULTIAPPEND), RFC 4315 §3 (APPENDUID), RFC 4469
(CATENATE), RFC 9208 §4.3.1 (OVERQUOTA).
"""

from collections.abc import Sequence
from contextlib import ExitStack

from pabal.imap.commands.catenate import catenate
from pabal.imap.commands.context import Context
from pabal.imap.commands.incoming import Incoming
from pabal.imap.commands.places import Place, find
from pabal.imap.commands.quota import check_room, limits_of
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.session import MessageBegins
from pabal.imap.wire.mailboxes import Append, append_mailbox
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.sequence import format_set
from pabal.message.spool import MEMORY_MAX_OCTETS, Spool
from pabal.store.acl import scope
from pabal.store.flags import FlagScope
from pabal.store.ports import Appended, NewEmail, NoSuchMailboxError, Uid


async def check(context: Context, message: MessageBegins) -> None:
    """Check a message's mailbox and size before it is sent.

    Raises:
        RefusedError: The mailbox does not exist.
        OverQuotaError: The account has no room for it.
    """
    if message.name != b"APPEND":
        # A REPLACE gives room back as well: it is judged when it is whole.
        return
    name = append_mailbox(message.arguments)
    if name is not None:
        place = await find(context, name, "i", b"TRYCREATE")
        await check_room(context, place, message.size, 1)


async def run(context: Context, command: Append) -> Tagged:
    """Add messages to a mailbox, all or none; durable when it says so."""
    return Tagged(b"Appended", await add(context, command))


async def add(
    context: Context,
    command: Append,
    *,
    replaced: Uid | None = None,
    messages: Incoming | None = None,
) -> bytes:
    """Add messages to a mailbox and return the code that says under which UIDs.

    Args:
        replaced: What of the selected mailbox goes, in the same change.
        messages: Their octets; by default those that came last.

    Raises:
        RefusedError: The mailbox does not exist, or a message cannot be.
        OverQuotaError: The account has no room for them.
    """
    # The transaction looks whether it is still there, under this name.
    place = await find(context, command.mailbox, "i", b"TRYCREATE", recheck=False)
    with ExitStack() as made:
        spools = list((messages or context.messages).take())
        emails = await _emails(context, command, spools, made, scope(place.rights))
        if replaced is None:
            limits = await limits_of(context, place.owner)
            where = [place.stored_name]
            try:
                added = await place.account.append(where, emails, None, limits)
            except NoSuchMailboxError as error:
                raise RefusedError("There is no such mailbox", b"TRYCREATE") from error
        else:
            added = await _replace(context, place, emails, replaced)
    uids = format_set([one.uid for one in added])
    return b"APPENDUID %d %b" % (added[0].uid_validity, uids)


async def _replace(
    context: Context, place: Place, emails: Sequence[NewEmail], replaced: Uid
) -> Sequence[Appended]:
    """Add messages and expunge another.

    RFC 8508 §3.4: in one change, and only what is more than before needs room. Unless
    they are of two accounts: then they are durable in one before it goes in the other.
    """
    selected = context.mailbox
    source = selected.view.mailbox.id
    limits = await limits_of(context, place.owner)
    if place.owner == selected.access.owner:
        where = (source, replaced)
        return await place.account.append(place.id, emails, where, limits)
    added = await place.account.append(place.id, emails, None, limits)
    await context.here.expunge(source, [replaced])
    return added


async def _emails(
    context: Context,
    command: Append,
    spools: list[Spool],
    made: ExitStack,
    allowed: FlagScope,
) -> Sequence[NewEmail]:
    """Return the messages; those put together from parts are closed by ``made``.

    RFC 4314 §4: flags out of ``allowed`` are left out without a word.
    """
    now = context.services.clock.now()
    emails = []
    for message in command.messages:
        if message.parts:
            spool = made.enter_context(context.services.spool(MEMORY_MAX_OCTETS))
            await catenate(context, message, spools, spool)
        else:
            spool = spools.pop(0)
        if not spool.size:
            # RFC 3502 §6.3.11: a message of no octets cancels the whole append.
            raise RefusedError("Cancelled: a message is empty")
        if spool.has(b"\0"):
            # RFC 3516 §4.4: what cannot be given back in a literal is not taken.
            raise RefusedError("A message has a NUL in it", b"UNKNOWN-CTE")
        received = message.received_at if message.received_at is not None else now
        emails.append(NewEmail(spool, received, allowed.among(message.flags)))
    return emails
