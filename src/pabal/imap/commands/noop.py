"""NOOP and CHECK: the client asks for news.

Source: RFC 9051 §6.1.2, RFC 3501 §6.4.1.
"""

from pabal.imap.commands.context import Context
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged
from pabal.store.ports import INBOX


async def run(context: Context, _: Bare) -> Tagged:
    """Take note of what other processes did; every command tells what is known."""
    if context.selected is not None:
        await context.here.mailbox(INBOX)
    return Tagged(b"Done")
