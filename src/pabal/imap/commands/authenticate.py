"""AUTHENTICATE: any SASL mechanism the authenticator knows.

Source: RFC 9051 §6.2.2; RFC 4959 (initial response); RFC 4422 §3.
"""

import base64
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.login import settle
from pabal.imap.commands.refusal import RefusedError, bad
from pabal.imap.wire.login import Authenticate, decode_base64
from pabal.imap.wire.response import Tagged
from pabal.net.sasl import Challenge, Granted

STEPS_MAX: Final = 10
"""Challenges of one exchange; the longest mechanism here has three."""

CANCEL: Final = b"*"
"""The line that gives up (RFC 9051 §6.2.2)."""


async def run(context: Context, command: Authenticate) -> Tagged:
    """Log in with a SASL exchange."""
    exchange = context.services.authenticator.start(
        command.mechanism,
        peer_address=context.stream.peer.address,
        encrypted=context.encrypted,
        tls=context.stream.tls,
    )
    if exchange is None:
        raise RefusedError("The mechanism is not on offer", b"CANNOT")
    step = await exchange.step(command.initial)
    for _ in range(STEPS_MAX):
        if not isinstance(step, Challenge):
            break
        step = await exchange.step(await _answer(context, step.octets))
    if isinstance(step, Challenge):
        raise RefusedError("Log-in failed", b"AUTHENTICATIONFAILED")
    if isinstance(step, Granted) and step.final:
        # IMAP has no room for octets that come with success (RFC 4422 §4, 3b).
        await _answer(context, step.final)
    return await settle(context, step)


async def _answer(context: Context, challenge: bytes) -> bytes:
    """Send a challenge and return the client's answer.

    Raises:
        RefusedError: The client gave up, or its answer is not base64.
    """
    context.send(b"+ %b\r\n" % base64.b64encode(challenge))
    line = await context.dialogue.line()
    if line == CANCEL:
        raise bad("Log-in cancelled")
    answer = decode_base64(line)
    if answer is None:
        raise bad("base64 expected")
    return answer
