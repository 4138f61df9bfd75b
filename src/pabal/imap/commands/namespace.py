"""NAMESPACE: one personal namespace, nothing shared yet.

Source: RFC 9051 §6.3.10; RFC 2342.
"""

from pabal.imap.commands.context import Context
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Tell the namespaces."""
    context.send(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return Tagged(b"Namespace completed")
