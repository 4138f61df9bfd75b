"""NOOP and CHECK: the client asks for news, which every command brings.

Source: RFC 9051 §6.1.2, RFC 3501 §6.4.1.
"""

from pabal.imap.commands.context import Context
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(_context: Context, _: Bare) -> Tagged:
    """Do nothing."""
    return Tagged(b"Done")
