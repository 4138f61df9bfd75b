"""CAPABILITY, and the list itself: only what is whole is in it.

Source: RFC 9051 §6.1.1, §7.2.2.
"""

from collections.abc import Iterable
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.deflate import DeflateStream
from pabal.imap.session import State
from pabal.imap.settings import ImapSettings
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged

BASE: Final = (b"IMAP4rev1", b"IMAP4rev2", b"SASL-IR", b"ID", b"ENABLE", b"LANGUAGE")
"""What is there in every state."""

AFTER_LOGIN: Final = (
    b"LITERAL+",
    b"IDLE",
    b"COMPRESS=DEFLATE",
    b"UNAUTHENTICATE",
    b"NAMESPACE",
    b"UIDPLUS",
    b"MOVE",
    b"UNSELECT",
    b"UIDONLY",
    b"CHILDREN",
    b"LIST-EXTENDED",
    b"LIST-STATUS",
    b"SPECIAL-USE",
    b"CREATE-SPECIAL-USE",
    b"STATUS=SIZE",
    b"ESEARCH",
    b"SEARCHRES",
    b"SEARCH=FUZZY",
    b"PARTIAL",
    b"CONTEXT=SEARCH",
    b"CONTEXT=SORT",
    b"WITHIN",
    b"SORT",
    b"SORT=DISPLAY",
    b"ESORT",
    b"THREAD=ORDEREDSUBJECT",
    b"THREAD=REFERENCES",
    b"THREAD=REFS",
    b"I18NLEVEL=1",
    b"I18NLEVEL=2",
    b"CONDSTORE",
    b"QRESYNC",
    b"BINARY",
    b"MULTIAPPEND",
    b"OBJECTID",
    b"PREVIEW",
    b"REPLACE",
    b"CATENATE",
    b"URL-PARTIAL",
    b"NOTIFY",
    b"MULTISEARCH",
    b"FILTERS",
    b"INPROGRESS",
    b"METADATA",
    b"LIST-METADATA",
    b"SAVEDATE",
    b"UTF8=ACCEPT",
    b"UIDBATCHES",
)
"""What a logged-in client is told besides."""


QUOTA: Final = (
    *(b"QUOTA", b"QUOTASET"),
    *(b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE"),
)
"""What is told where accounts have limits."""


SHARING: Final = (b"ACL", b"RIGHTS=kxte", b"LIST-MYRIGHTS")
"""What is told where accounts can share mailboxes."""


def capabilities(context: Context) -> bytes:
    """Return the capabilities in the state the connection is in."""
    services = context.services
    names = list(BASE)
    if context.session.state is not State.NOT_AUTHENTICATED:
        names.extend(AFTER_LOGIN)
        if services.limits is not None:
            names.extend(QUOTA)
        if services.people is not None:
            names.extend(SHARING)
        if isinstance(context.stream, DeflateStream):
            names.remove(b"COMPRESS=DEFLATE")
        names.extend(_limits(services.settings))
        return _shown(context, names)
    # RFC 7888 §5: before log-in large literals must be announced.
    names.append(b"LITERAL-")
    if services.tls and not context.encrypted:
        names.append(b"STARTTLS")
    mechanisms = services.authenticator.mechanisms(
        encrypted=login_allowed(context), tls=context.stream.tls
    )
    names.extend(b"AUTH=" + name.encode("ascii") for name in mechanisms)
    if not login_allowed(context):
        names.append(b"LOGINDISABLED")
    return _shown(context, names)


def _limits(settings: ImapSettings) -> list[bytes]:
    """Return the limits that are told."""
    found = [b"APPENDLIMIT=%d" % settings.message_max_octets]
    if settings.messages_max:
        found.append(b"MESSAGELIMIT=%d" % settings.messages_max)
    if settings.saves_max:
        found.append(b"SAVELIMIT=%d" % settings.saves_max)
    return found


def _shown(context: Context, names: Iterable[bytes]) -> bytes:
    """Return ``names`` without those the client mishandles."""
    return b" ".join([name for name in names if name.upper() not in context.hidden])


def login_allowed(context: Context) -> bool:
    """Return whether a password may be sent over this connection."""
    return context.services.authenticator.cleartext_allowed(
        peer_address=context.stream.peer.address, encrypted=context.encrypted
    )


async def run(context: Context, _: Bare) -> Tagged:
    """Tell the capabilities."""
    context.send(b"* CAPABILITY %b\r\n" % capabilities(context))
    return Tagged(b"Capability completed")
