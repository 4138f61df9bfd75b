"""CATENATE: a message put together from new text and parts of others.

Source: RFC 4469; RFC 5550 §3.1 (URL-PARTIAL).
"""

from bisect import bisect_left
from typing import Final

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.large import LargeMessage
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.mailboxes import AppendMessage
from pabal.imap.wire.url import MessageUrl, parse_url
from pabal.message.spool import Spool
from pabal.store.ports import (
    AccountStore,
    Column,
    EmailId,
    StoreError,
)

BAD_URL_MAX_OCTETS: Final = 4096
"""What is told of a URL that names nothing: longer ones are no mistake of typing."""


async def catenate(
    context: Context, message: AppendMessage, texts: list[Spool], target: Spool
) -> None:
    """Write a message's parts into ``target``, taking its texts off ``texts``.

    Raises:
        RefusedError: A URL names nothing here, or the message becomes too large.
    """
    limit = context.services.settings.message_max_octets
    for part in message.parts:
        if part is None:
            for chunk in texts.pop(0).chunks():
                target.write(chunk)
        else:
            await _write_url(context, part, target)
        if target.size > limit:
            # RFC 4469 §4.2: the parts are fine, together they are too much.
            raise RefusedError("the message is too large", b"TOOBIG")
        await context.services.pause()


async def _write_url(context: Context, octets: bytes, target: Spool) -> None:
    selected = context.selected
    url = parse_url(octets, selected.access.name if selected is not None else "")
    found = await _find(context, url) if url is not None else None
    if url is None or found is None:
        raise _bad_url(octets)
    account, email = found
    (row,) = await account.read([email], [Column.SIZE, Column.HEADER])
    if row is None:
        raise _bad_url(octets)
    size, header = row
    head = header if isinstance(header, bytes) else b""
    length = size if isinstance(size, int) else 0
    message = LargeMessage(context, email, length, head, account=account)
    try:
        if not await message.write(url.body, target):
            raise _bad_url(octets)
    except StoreError as error:
        raise _bad_url(octets) from error
    finally:
        message.close()


async def _find(
    context: Context, url: MessageUrl
) -> tuple[AccountStore, EmailId] | None:
    """Return the email a URL names, ``None`` if there is none to be read."""
    try:
        place = await places.named(context, url.mailbox.decode("utf-8"))
        if place is None or "r" not in place.rights:
            return None
        view = await place.account.view(place.id)
    except (UnicodeDecodeError, StoreError):
        return None
    try:
        if url.uid_validity not in {0, place.info.uid_validity}:
            return None
        at = bisect_left(view.uids, url.uid)
        there = at < len(view.uids) and view.uids[at] == url.uid
        return (place.account, view.emails[at]) if there else None
    finally:
        view.close()


def _bad_url(octets: bytes) -> RefusedError:
    told = octets[:BAD_URL_MAX_OCTETS]
    clean = bytes(one for one in told if 0x20 < one < 0x7F and one != 0x5D)
    return RefusedError("The URL names nothing here", b"BADURL " + clean)
