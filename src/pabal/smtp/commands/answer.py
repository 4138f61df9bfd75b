"""Who answers which event: those of a mail transaction first, for they are most.

Sans-IO.
"""

from typing import assert_never

from pabal.smtp.commands import auth, hello, transaction
from pabal.smtp.commands.conversation import Conversation
from pabal.smtp.session import ChunkEnd, MessageEnd, SaslLine
from pabal.smtp.wire.command import (
    Auth,
    Data,
    Ehlo,
    Expn,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    Vrfy,
)

_OtherEvent = Ehlo | Noop | Vrfy | Expn | Help | Quit | Auth | SaslLine
AnsweredEvent = Mail | Rcpt | Data | MessageEnd | ChunkEnd | Rset | _OtherEvent


async def answer(talk: Conversation, event: AnsweredEvent) -> bytes:
    """Return the reply to ``event`` once it was obeyed or refused."""
    match event:
        case Mail():
            reply = await transaction.mail(talk, event)
        case Rcpt():
            reply = await transaction.rcpt(talk, event)
        case Data():
            reply = transaction.data(talk)
        case MessageEnd():
            reply = await transaction.message_end(talk, event)
        case ChunkEnd():
            reply = transaction.chunk_end(event)
        case Rset():
            reply = await transaction.rset(talk)
        case _:
            reply = await _answer_other(talk, event)
    return reply


async def _answer_other(talk: Conversation, event: _OtherEvent) -> bytes:
    match event:
        case Ehlo():
            reply = await hello.ehlo(talk, event)
        case Auth():
            reply = await auth.auth(talk, event)
        case SaslLine():
            reply = await auth.sasl_line(talk, event)
        case Noop():
            reply = hello.noop(talk)
        case Vrfy():
            reply = hello.vrfy(talk)
        case Expn():
            reply = hello.expn(talk)
        case Help():
            reply = hello.help_(talk)
        case Quit():
            reply = hello.quit_(talk)
        case _:
            assert_never(event)
    return reply
