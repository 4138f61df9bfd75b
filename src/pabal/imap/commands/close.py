"""CLOSE and UNSELECT.

Source: RFC 9051 §6.4.1, §6.4.2.
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.expunge import deleted_uids
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Expunge what is marked, without a word, and leave the mailbox."""
    selected = context.mailbox
    # RFC 4314 §4: without the right, the expunge is passed over and the rest done.
    if not selected.access.examined and "e" in selected.access.rights:
        uids = await deleted_uids(context, None)
        if uids:
            await context.here.expunge(selected.view.mailbox.id, uids)
    context.unselect()
    return Tagged(b"Closed")


async def unselect(context: Context, _: Bare) -> Tagged:
    """Leave the mailbox as it is."""
    context.unselect()
    return Tagged(b"Unselected")
