"""NAMESPACE: the own mailboxes, and those of other users.

Source: RFC 9051 §6.3.10; RFC 2342.
"""

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Tell the namespaces."""
    others = b"NIL"
    if places.is_shared(context):
        others = b'(("%b" "/"))' % places.OTHER_USERS.encode("ascii")
    context.send(b'* NAMESPACE (("" "/")) %b NIL\r\n' % others)
    return Tagged(b"Namespace completed")
