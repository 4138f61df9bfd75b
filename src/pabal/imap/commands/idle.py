"""IDLE: changes are told when they happen, until the client says DONE.

Source: RFC 9051 §6.3.13; RFC 2177.
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.notify import tell
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Tell changes at once from now on; return what is said when the client ends it.

    The connection waits for its next line, not this: thousands idle, and each coroutine
    that waits costs memory.
    """
    await tell(context, expunges=True)
    if context.selected is not None:
        context.selected.contexts.last = None  # who waits shall cost little
    context.send(b"+ idling\r\n")
    context.idling = True
    return Tagged(b"Idle completed")
