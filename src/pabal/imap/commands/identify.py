"""ID: who is there, for statistics and bug reports, never to decide anything.

Source: RFC 2971.
"""

from typing import Final

from pabal.base.log import Log
from pabal.imap.commands.context import Context
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
    return Tagged(b"Pleased to meet you")
