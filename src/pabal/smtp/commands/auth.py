"""AUTH: one SASL exchange after the other.

Source: RFC 4954 §4 (AUTH), §6 (codes), RFC 4422 §3.
Security: the peer learns that it failed, never why.
"""

import base64
from dataclasses import replace
from typing import Final

from pabal.base.log import Log
from pabal.net.sasl import Challenge, Denied, Granted
from pabal.smtp.commands.conversation import Conversation
from pabal.smtp.outcome import Outcome, Permanence, permanent, temporary
from pabal.smtp.session import SaslLine
from pabal.smtp.wire.command import Auth, CommandError, decode_base64
from pabal.smtp.wire.reply import format_outcome

log = Log("smtp")

_NOT_OFFERED: Final = permanent(2, "5.1", "AUTH is not offered here")
_AGAIN: Final = permanent(3, "5.1", "Already authenticated")
_NEEDS_TLS: Final = permanent(38, "7.11", "Encryption required, say STARTTLS")
_UNKNOWN: Final = permanent(4, "5.4", "Mechanism not offered")
_CANCELLED: Final = permanent(1, "7.0", "Cancelled")
_FAILED: Final = permanent(35, "7.8", "Authentication failed")
_LATER: Final = temporary(54, "7.0", "Cannot check that now, try later")
_ENOUGH: Final = temporary(21, "7.0", "Too many failures")
_WELCOME: Final = format_outcome(Outcome(Permanence.DELIVERED, 35, "7.0", "Welcome"))


async def auth(talk: Conversation, command: Auth) -> bytes:
    """Begin an exchange."""
    authenticator = talk.service.authenticator
    refusal = None
    if authenticator is None:
        refusal = _NOT_OFFERED
    elif talk.client.identity is not None:
        refusal = _AGAIN  # RFC 4954 §4
    else:
        talk.exchange = authenticator.start(
            command.mechanism,
            peer_address=talk.client.peer.address,
            encrypted=talk.encrypted,
            tls=talk.client.tls,
        )
        if talk.exchange is None:
            known = authenticator.mechanisms(encrypted=True)
            refusal = _NEEDS_TLS if command.mechanism in known else _UNKNOWN
    if refusal is not None:
        talk.session.refuse()
        return format_outcome(refusal)
    talk.session.accept()
    return await _step(talk, command.initial)


async def sasl_line(talk: Conversation, event: SaslLine) -> bytes:
    """Go on with what the client answered to the challenge."""
    if event.octets == b"*":
        return _over(talk, _CANCELLED)
    try:
        # RFC 4954 §4: here, unlike in an initial response, an empty line is empty.
        response = decode_base64(event.octets)
    except CommandError as error:
        return _over(talk, error.outcome)
    return await _step(talk, response)


async def _step(talk: Conversation, response: bytes | None) -> bytes:
    exchange = talk.exchange
    if exchange is None:
        # The server's last word went as a challenge; its answer must be empty.
        if response:
            return _over(talk, _FAILED)
        return _granted(talk)
    match await exchange.step(response):
        case Challenge(octets):
            talk.session.expect_sasl()
            return _challenge(octets)
        case Granted() as granted:
            talk.exchange = None
            talk.granted = granted.identity
            if granted.final:
                # RFC 4422 §5 item 2b: additional data goes as one more challenge.
                talk.session.expect_sasl()
                return _challenge(granted.final)
            return _granted(talk)
        case Denied() as denied:
            return _denied(talk, denied)


def _challenge(octets: bytes) -> bytes:
    return b"334 %b\r\n" % base64.b64encode(octets)


def _granted(talk: Conversation) -> bytes:
    talk.session.end_sasl()
    identity, talk.granted = talk.granted, None
    talk.client = replace(talk.client, identity=identity)
    if identity is not None:
        log.info(
            "authenticated", session=talk.client.session_id, account=identity.address
        )
    return _WELCOME


def _denied(talk: Conversation, denied: Denied) -> bytes:
    log.info(
        "authentication failed",
        session=talk.client.session_id,
        client=talk.client.peer.address,
        why=denied.reason,
    )
    if denied.temporary:
        return _over(talk, _LATER)
    talk.auth_failures += 1
    if talk.auth_failures >= talk.service.settings.auth_failures_max:
        talk.closing = True
        return format_outcome(_FAILED) + format_outcome(_ENOUGH)
    return _over(talk, _FAILED)


def _over(talk: Conversation, outcome: Outcome) -> bytes:
    talk.exchange = None
    talk.granted = None
    talk.session.end_sasl()
    talk.session.count_error()
    return format_outcome(outcome)
