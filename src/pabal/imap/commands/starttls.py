"""STARTTLS.

Source: RFC 9051 §6.2.1.

Security: everything the client sent behind the command is dropped with the plaintext,
and what it learnt before counts for nothing.
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import bad
from pabal.imap.language import DEFAULT
from pabal.imap.wire.login import Bare
from pabal.imap.wire.response import Tagged


async def run(context: Context, _: Bare) -> Tagged:
    """Say that the handshake may begin; it does once this was sent."""
    if context.encrypted or not context.services.tls:
        raise bad("TLS is not on offer")
    return Tagged(b"Begin TLS now")


async def after(context: Context) -> None:
    """Shake hands; only what comes through TLS counts from here on."""
    context.session.forget()
    # RFC 5255 §3.1: who listened in may have chosen the language.
    context.language = DEFAULT
    await context.dialogue.start_tls()
