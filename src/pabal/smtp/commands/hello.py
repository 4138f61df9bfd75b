"""EHLO, HELO and the commands that change nothing.

Source: RFC 5321 §4.1.1.1 (EHLO), §3.5.3 and §7.3 (VRFY and EXPN tell strangers
nothing), RFC 3207 §4.
"""

from functools import lru_cache
from typing import Final

from pabal.smtp.commands.conversation import Conversation
from pabal.smtp.outcome import delivered, permanent
from pabal.smtp.wire.command import Ehlo
from pabal.smtp.wire.reply import format_outcome, format_reply

_NOOP: Final = format_outcome(delivered("OK"))
_WELCOMES_MAX: Final = 64
"""Replies to EHLO remembered: three services, with and without TLS, and room."""

_EXPN: Final = format_outcome(permanent(2, "5.1", "Lists are not shown"))


async def ehlo(talk: Conversation, command: Ehlo) -> bytes:
    """Greet the client back and say what is on offer."""
    await talk.abort()
    talk.session.accept()
    talk.client = talk.client.greeted(command.name, extended=command.extended)
    service = talk.service
    if not command.extended:
        return format_reply(250, (service.hostname,))
    starttls = service.settings.starttls and talk.client.tls is None
    mechanisms = () if talk.client.identity is not None else talk.mechanisms()
    return _welcome(
        service.hostname,
        service.settings.message_size_max,
        mechanisms,
        starttls=starttls,
    )


@lru_cache(maxsize=_WELCOMES_MAX)
def _welcome(
    hostname: str, size_max: int, mechanisms: tuple[str, ...], *, starttls: bool
) -> bytes:
    """Return the reply to EHLO: the same for nearly everybody."""
    offered = [
        "PIPELINING",
        f"SIZE {size_max}",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "DSN",
    ]
    if starttls:
        offered.append("STARTTLS")
    if mechanisms:
        offered.append(f"AUTH {' '.join(mechanisms)}")
    return format_reply(250, (hostname, *offered))


def noop(talk: Conversation) -> bytes:
    """Do nothing."""
    talk.session.accept()
    return _NOOP


def vrfy(talk: Conversation) -> bytes:
    """Neither confirm nor deny."""
    talk.session.accept()
    return b"252 2.5.1 Send some mail, it will be seen\r\n"


def expn(talk: Conversation) -> bytes:
    """Show no list."""
    talk.session.refuse()
    return _EXPN


def help_(talk: Conversation) -> bytes:
    """Say where the rules are."""
    talk.session.accept()
    return b"214 2.0.0 This is pabal; the rules are RFC 5321\r\n"


def quit_(talk: Conversation) -> bytes:
    """Say goodbye."""
    talk.session.accept()
    talk.closing = talk.said_goodbye = True
    return b"221 2.0.0 Bye\r\n"
