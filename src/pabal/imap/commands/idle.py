"""IDLE: changes are told when they happen, until the client says DONE.

Source: RFC 9051 §6.3.13; RFC 2177.
"""

from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.notify import tell
from pabal.imap.commands.refusal import bad
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged

DONE: Final = b"DONE"
"""What ends it, in any case."""


async def run(context: Context, _: Bare) -> Tagged:
    """Tell changes at once until the client ends it."""
    await tell(context, expunges=True)
    if context.selected is not None:
        context.selected.contexts.last = None  # who waits shall cost little
    context.send(b"+ idling\r\n")
    context.idling = True
    try:
        line = await context.dialogue.line()
    finally:
        context.idling = False
    if line.upper() != DONE:
        raise bad("DONE expected")
    return Tagged(b"Idle completed")
