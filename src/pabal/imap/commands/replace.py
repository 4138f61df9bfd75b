"""REPLACE and UID REPLACE.

Source: RFC 8508.
"""

from pabal.imap.commands import append
from pabal.imap.commands.context import Context
from pabal.imap.commands.places import need
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.messages import Replace
from pabal.imap.wire.response import Tagged


async def run(context: Context, command: Replace) -> Tagged:
    """Put a message in another's place."""
    selected = context.mailbox
    if selected.read_only:
        raise RefusedError("The mailbox is open for reading only", b"READ-ONLY")
    need(selected.access.rights, "et")
    batch = selected.batch(selected.indexes(command.message, by_uid=command.by_uid))
    if len(batch.uids) != 1:
        raise RefusedError("There is no such message", b"NONEXISTENT")
    code = await append.add(context, command.append, replaced=batch.uids[0])
    # RFC 8508 §4.3: the code goes before the EXPUNGE response, which the driver sends.
    context.say(code, b"The replacement is there")
    code = b""
    if selected.manner.condstore:
        code = b"HIGHESTMODSEQ %d" % selected.view.mailbox.highest_modseq
    return Tagged(b"Replaced", code)
