"""ENABLE.

Source: RFC 9051 §6.3.1; RFC 7162 §3.1 (CONDSTORE), §3.2.3 (QRESYNC); RFC 6855
§3 (UTF8=ACCEPT), RFC 9586 §3 (UIDONLY).
"""

from types import MappingProxyType
from typing import Final

from pabal.imap.commands.context import (
    CONDSTORE,
    QRESYNC,
    REV2,
    UIDONLY,
    UTF8,
    Context,
)
from pabal.imap.wire.login import Enable
from pabal.imap.wire.response import Tagged

_SPELLING: Final = MappingProxyType(
    {
        REV2: b"IMAP4rev2",
        UTF8: b"UTF8=ACCEPT",
        CONDSTORE: b"CONDSTORE",
        QRESYNC: b"QRESYNC",
        UIDONLY: b"UIDONLY",
    }
)
"""What can be enabled, by its name in upper case."""


async def run(context: Context, command: Enable) -> Tagged:
    """Turn on what is known; what is not is passed over in silence."""
    new = [
        name
        for name in dict.fromkeys(command.capabilities)
        if name in _SPELLING and name not in context.enabled
    ]
    for name in new:
        if name in {CONDSTORE, QRESYNC}:
            # RFC 7162 §3.2.3: QRESYNC comes with CONDSTORE.
            context.enable_condstore()
        context.enabled |= {name}
    names = b"".join(b" " + _SPELLING[name] for name in new)
    context.send(b"* ENABLED%b\r\n" % names)
    return Tagged(b"Enabled")
