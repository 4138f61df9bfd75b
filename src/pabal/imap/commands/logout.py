"""LOGOUT.

Source: RFC 9051 §6.1.3.
"""

from pabal.imap.commands.context import Context
from pabal.imap.session import State
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Say goodbye."""
    context.unselect()
    context.send(b"* BYE %b\r\n" % context.language.say(b"Logging out"))
    context.session.state = State.LOGOUT
    return Tagged(b"Logged out")
