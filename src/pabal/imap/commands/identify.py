"""ID: who is there, for statistics and bug reports.

Nothing is decided by it (RFC 2971 §1) but this: what an operator knows a program to
mishandle is not told to it. A program that says it is another one harms itself alone.
"""

from typing import Final

from pabal.base.log import Log
from pabal.imap.commands.capability import capabilities
from pabal.imap.commands.context import Context
from pabal.imap.settings import ImapSettings
from pabal.imap.wire.login import Identify
from pabal.imap.wire.response import Tagged

LOGGED_MAX: Final = 200
"""Characters of a client's description that are logged."""

log = Log("imap")


async def run(context: Context, command: Identify) -> Tagged:
    """Log who the client says it is; say who we are."""
    described = " ".join(
        f"{name.decode('utf-8', 'replace')}={(value or b'').decode('utf-8', 'replace')}"
        for name, value in command.fields
    )
    log.debug("client", peer=str(context.stream.peer), id=described[:LOGGED_MAX])
    context.send(b'* ID ("name" "pabal")\r\n')
    hidden = _hidden(context.services.settings, command)
    if hidden != context.hidden:
        context.hidden = hidden
        # It may have asked before it said who it is.
        context.send(b"* CAPABILITY %b\r\n" % capabilities(context))
    return Tagged(b"Pleased to meet you")


def _hidden(settings: ImapSettings, command: Identify) -> frozenset[bytes]:
    """Return the capabilities not told to whom ``command`` describes."""
    called = ""
    for name, value in command.fields:
        if name.lower() == b"name":
            called = (value or b"").decode("utf-8", "replace").casefold()
    found: frozenset[bytes] = frozenset()
    for beginning, names in settings.hide:
        if called and called.startswith(beginning.casefold()):
            found |= names
    return found
