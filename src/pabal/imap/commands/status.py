"""STATUS, and its response for LIST as well.

Source: RFC 9051 §6.3.11, §7.3.4; RFC 7162 §3.1.7 (HIGHESTMODSEQ), RFC 8438 (SIZE),
RFC 7889 (APPENDLIMIT), RFC 8474 §4.3 (MAILBOXID).
"""

from collections.abc import Sequence

from pabal.imap.commands.context import Context
from pabal.imap.wire.mailboxes import Status
from pabal.imap.wire.response import Tagged
from pabal.store.ports import MailboxInfo


async def run(context: Context, command: Status) -> Tagged:
    """Tell the counters of a mailbox."""
    info = await context.find(command.mailbox)
    if b"HIGHESTMODSEQ" in command.items:
        context.enable_condstore()
    context.send(status_line(context, info, command.items))
    return Tagged(b"Status completed")


def status_line(context: Context, info: MailboxInfo, items: Sequence[bytes]) -> bytes:
    """Return the STATUS response with ``items`` of a mailbox."""
    values = {
        b"MESSAGES": b"%d" % info.message_count,
        # Nobody but a session that selects a mailbox can say what is recent in it.
        b"RECENT": b"0",
        b"UIDNEXT": b"%d" % info.uid_next,
        b"UIDVALIDITY": b"%d" % info.uid_validity,
        b"UNSEEN": b"%d" % info.unseen_count,
        b"DELETED": b"%d" % info.deleted_count,
        b"SIZE": b"%d" % info.size_octets,
        b"HIGHESTMODSEQ": b"%d" % info.highest_modseq,
        b"APPENDLIMIT": b"%d" % context.services.settings.message_max_octets,
        b"MAILBOXID": b"(F%d)" % info.id,
    }
    pairs = b" ".join(b"%b %b" % (item, values[item]) for item in items)
    return b"* STATUS %b (%b)\r\n" % (context.written(info.name), pairs)
