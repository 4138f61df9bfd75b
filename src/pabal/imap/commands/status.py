"""STATUS, and its response for LIST as well.

Source: RFC 9051 §6.3.11, §7.3.4; RFC 7162 §3.1.7 (HIGHESTMODSEQ), RFC 8438 (SIZE),
RFC 7889 (APPENDLIMIT), RFC 8474 §4.3 (MAILBOXID), RFC 9208 §4.1.4 (DELETED-STORAGE).
"""

from bisect import bisect_left
from collections.abc import Sequence

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.commands.places import Place
from pabal.imap.commands.quota import octets_of
from pabal.imap.wire.mailboxes import Status
from pabal.imap.wire.response import Tagged
from pabal.store.flags import DELETED
from pabal.store.predicate import HasFlag


async def run(context: Context, command: Status) -> Tagged:
    """Tell the counters of a mailbox."""
    place = await places.find(context, command.mailbox, "r")
    if b"HIGHESTMODSEQ" in command.items:
        context.enable_condstore()
    context.send(await status_line(context, place, command.items))
    return Tagged(b"Status completed")


async def status_line(context: Context, place: Place, items: Sequence[bytes]) -> bytes:
    """Return the STATUS response with ``items`` of a mailbox."""
    info, deleted_octets, recent = place.info, 0, 0
    if b"RECENT" in items:
        first = await place.account.claim_recent(place.id, claim=False)
        if places.is_selected(context, place) and context.mailbox.recency.told:
            first = context.mailbox.numbers.last_uid + 1
        # One too many where messages went that nobody was told of; none where another
        # process told of one that is not known here yet.
        recent = max(0, min(info.uid_next - first, info.message_count))
    if b"DELETED-STORAGE" in items and info.deleted_count:
        deleted_octets = await _deleted_octets(context, place)
    values = {
        b"MESSAGES": b"%d" % info.message_count,
        b"RECENT": b"%d" % recent,
        b"UIDNEXT": b"%d" % info.uid_next,
        b"UIDVALIDITY": b"%d" % info.uid_validity,
        b"UNSEEN": b"%d" % info.unseen_count,
        b"DELETED": b"%d" % info.deleted_count,
        b"DELETED-STORAGE": b"%d" % deleted_octets,
        b"SIZE": b"%d" % info.size_octets,
        b"HIGHESTMODSEQ": b"%d" % info.highest_modseq,
        b"APPENDLIMIT": b"%d" % context.services.settings.message_max_octets,
        b"MAILBOXID": b"(F%d)" % info.id,
    }
    pairs = b" ".join(b"%b %b" % (item, values[item]) for item in items)
    return b"* STATUS %b (%b)\r\n" % (context.written(info.name), pairs)


async def _deleted_octets(context: Context, place: Place) -> int:
    account = place.account
    uids = await account.search(place.id, HasFlag(DELETED))
    view = await account.view(place.id)
    try:
        places = [bisect_left(view.uids, uid) for uid in uids]
        emails = [
            view.emails[at]
            for at, uid in zip(places, uids, strict=True)
            if at < len(view.uids) and view.uids[at] == uid
        ]
    finally:
        view.close()
    return await octets_of(context, account, emails)
