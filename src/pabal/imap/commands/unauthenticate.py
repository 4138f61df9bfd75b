"""UNAUTHENTICATE: the connection as it was after TLS.

Source: RFC 8437 §3, §4.1.
"""

from pabal.imap.commands.context import Context
from pabal.imap.deflate import DeflateStream
from pabal.imap.language import DEFAULT
from pabal.imap.session import State
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Forget who is logged in and whatever that brought."""
    context.unselect()
    context.stop_notices()
    context.enabled = frozenset()
    context.language = DEFAULT
    context.account = None
    context.identity = None
    context.session.state = State.NOT_AUTHENTICATED
    services = context.services
    context.log_in_by = services.clock.monotonic() + services.settings.login_timeout_s
    return Tagged(b"Nobody is logged in")


async def after(context: Context) -> None:
    """Let compression end behind the tagged response (RFC 8437 §4.1)."""
    stream = context.stream
    if isinstance(stream, DeflateStream):
        stream.stop()
        context.stream = stream.inner
