"""NAMESPACE: the own mailboxes, and those of other users.

Source: RFC 9051 §6.3.10; RFC 2342; RFC 5255 §3.4 (TRANSLATION).
"""

from pabal.imap.commands import places
from pabal.imap.commands.context import Context
from pabal.imap.wire import mailbox_name
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Tell the namespaces."""
    context.send(response(context))
    return Tagged(b"Namespace completed")


def response(context: Context) -> bytes:
    """Return the NAMESPACE response, with prefixes in the client's language."""
    others = b"NIL"
    if places.is_shared(context):
        prefix = places.OTHER_USERS.encode("ascii")
        others = b'(("%b" "/"%b))' % (prefix, _translation(context, prefix[:-1]))
    return b'* NAMESPACE (("" "/")) %b NIL\r\n' % others


def _translation(context: Context, name: bytes) -> bytes:
    """Return what ``name`` is shown as, empty if as it is (RFC 5255 §3.4)."""
    shown = context.word(name)
    if shown == name:
        return b""
    return b' "TRANSLATION" ("%b/")' % mailbox_name.encode(shown.decode("utf-8"))
