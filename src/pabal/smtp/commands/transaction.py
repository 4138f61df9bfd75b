"""MAIL, RCPT, DATA, BDAT, RSET, and the end of a message.

Each returns the octets of its reply; the receiver decides, the session is told.

Source: RFC 5321 §3.3 (mail transactions), RFC 1870 §6 (SIZE), RFC 3030 §2 (BDAT).
"""

from typing import Final

from pabal.base.errors import LocalProtocolError, StorageFullError, UnavailableError
from pabal.base.log import Log
from pabal.smtp.commands.conversation import Conversation, MailTransaction
from pabal.smtp.outcome import Outcome, delivered, permanent, temporary
from pabal.smtp.session import Chunk, ChunkEnd, MessageEnd
from pabal.smtp.wire.command import Mail, Rcpt
from pabal.smtp.wire.reply import format_outcome, format_reply

log = Log("smtp")

GO_AHEAD: Final = format_reply(354, ("Go ahead, end with <CRLF>.<CRLF>",))
RESET: Final = format_outcome(delivered("OK"))
TOO_LARGE: Final = permanent(52, "3.4", "Message too large")
FULL: Final = temporary(52, "3.1", "No room for mail now")
TOO_MANY: Final = temporary(52, "5.3", "Too many recipients")
AUTH_FIRST: Final = permanent(30, "7.0", "Authentication required")
TLS_FIRST: Final = permanent(30, "7.0", "STARTTLS and authentication required")
UNAVAILABLE: Final = temporary(51, "3.0", "Try again later")


async def mail(talk: Conversation, command: Mail) -> bytes:
    """Begin a transaction."""
    settings, session = talk.service.settings, talk.session
    utf8 = command.envelope.smtputf8
    if settings.auth_required and talk.client.identity is None:
        session.refuse()
        return format_outcome(AUTH_FIRST if talk.mechanisms() else TLS_FIRST)
    if command.size > settings.message_size_max:
        # RFC 1870 §6.1: before a single octet of it travels.
        session.refuse()
        return format_outcome(TOO_LARGE)
    try:
        answer = await talk.service.receiver.mail(
            talk.client, command.envelope, command.size
        )
    except UnavailableError as error:
        answer = unavailable(talk, error)
    if isinstance(answer, Outcome):
        session.refuse()
        return format_outcome(answer, utf8=utf8)
    talk.transaction = MailTransaction(command.envelope, answer)
    session.accept()
    return b"250 2.1.0 OK\r\n"


async def rcpt(talk: Conversation, command: Rcpt) -> bytes:
    """Add a recipient."""
    settings, session, transaction = talk.service.settings, talk.session, _open(talk)
    if len(transaction.recipients) >= settings.recipients_max:
        # RFC 5321 §4.5.3.1.10: 452; those accepted before are kept.
        transaction.refused += 1
        if transaction.refused > settings.recipients_overshoot_max:
            session.refuse()
        else:
            session.tolerate()
        return format_outcome(TOO_MANY)
    try:
        outcome = await transaction.taker.rcpt(command.recipient)
    except UnavailableError as error:
        outcome = unavailable(talk, error)
    if not outcome.ok:
        session.refuse()
        return format_outcome(outcome, utf8=transaction.envelope.smtputf8)
    transaction.recipients.append(command.recipient)
    session.accept()
    return b"250 2.1.5 OK\r\n"


def data(talk: Conversation) -> bytes:
    """Ask for the message."""
    talk.session.accept()
    return GO_AHEAD


async def rset(talk: Conversation) -> bytes:
    """Forget the transaction."""
    await talk.abort()
    talk.session.accept()
    return RESET


def chunk(talk: Conversation, event: Chunk) -> None:
    """Write octets of the message to its spool."""
    transaction = _open(talk)
    if transaction.failure is not None:
        return
    try:
        if transaction.spool is None:
            transaction.spool = talk.service.new_spool()
        transaction.spool.write(event.octets)
    except (UnavailableError, OSError) as error:
        transaction.failure = unavailable(talk, error)


def chunk_end(event: ChunkEnd) -> bytes:
    """Confirm the octets of a BDAT that is not the last."""
    return b"250 2.0.0 %d octets\r\n" % event.size


async def message_end(talk: Conversation, event: MessageEnd) -> bytes:
    """Hand the message over; 250 is said once that is durable."""
    transaction = _open(talk)
    outcome = await _handed_over(talk, transaction, event)
    if outcome.ok:
        talk.session.message_taken()
    else:
        talk.session.count_error()
    return format_outcome(outcome, utf8=transaction.envelope.smtputf8)


async def _handed_over(
    talk: Conversation, transaction: MailTransaction, event: MessageEnd
) -> Outcome:
    failure = TOO_LARGE if event.too_large else transaction.failure
    if failure is not None:
        await talk.abort()
        return failure
    spool = transaction.spool
    if spool is None:
        spool = talk.service.new_spool()
    # From here on the transaction has ended, whatever ``commit`` does.
    talk.transaction = None
    envelope = transaction.envelope.with_recipients(tuple(transaction.recipients))
    try:
        return await transaction.taker.commit(envelope, spool)
    except UnavailableError as error:
        return unavailable(talk, error)
    finally:
        spool.close()


def unavailable(talk: Conversation, error: UnavailableError | OSError) -> Outcome:
    """Return the reply for something of ours that does not work now."""
    log.error("cannot take mail", session=talk.client.session_id, why=str(error))
    return FULL if isinstance(error, StorageFullError) else UNAVAILABLE


def _open(talk: Conversation) -> MailTransaction:
    """Return the open transaction: the session lets nobody come here without one."""
    transaction = talk.transaction
    if transaction is None:
        raise LocalProtocolError("no mail transaction is open")
    return transaction
