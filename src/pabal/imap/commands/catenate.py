"""CATENATE: a message put together from new text and parts of others.

Source: RFC 4469; RFC 5550 §3.1 (URL-PARTIAL).
"""

from bisect import bisect_left

from pabal.imap.commands.context import Context
from pabal.imap.commands.large import LargeMessage
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.mailboxes import AppendMessage
from pabal.imap.wire.url import MessageUrl, parse_url
from pabal.message.spool import Spool
from pabal.store.ports import Column, EmailId, NoSuchMailboxError, StoreError


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
    url = parse_url(octets)
    email = await _find(context, url) if url is not None else None
    if url is None or email is None:
        raise _bad_url(octets)
    (row,) = await context.mailboxes.read([email], [Column.SIZE, Column.HEADER])
    if row is None:
        raise _bad_url(octets)
    size, header = row
    head = header if isinstance(header, bytes) else b""
    length = size if isinstance(size, int) else 0
    message = LargeMessage(context, email, length, head, account=context.mailboxes)
    try:
        if not await message.write(url.body, target):
            raise _bad_url(octets)
    except StoreError as error:
        raise _bad_url(octets) from error
    finally:
        message.close()


async def _find(context: Context, url: MessageUrl) -> EmailId | None:
    """Return the email a URL names, ``None`` if there is none."""
    try:
        name = url.mailbox.decode("utf-8")
        info = await context.mailboxes.mailbox(name)
        view = await context.mailboxes.view(info.id)
    except (UnicodeDecodeError, NoSuchMailboxError):
        return None
    try:
        if url.uid_validity not in {0, info.uid_validity}:
            return None
        at = bisect_left(view.uids, url.uid)
        there = at < len(view.uids) and view.uids[at] == url.uid
        return view.emails[at] if there else None
    finally:
        view.close()


def _bad_url(octets: bytes) -> RefusedError:
    clean = bytes(one for one in octets[:200] if 0x20 < one < 0x7F and one != 0x5D)
    return RefusedError("The URL names nothing here", b"BADURL " + clean)
