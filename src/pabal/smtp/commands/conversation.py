"""What the commands of one connection share.

Sans-IO.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from pabal.message.spool import Spool
from pabal.net.sasl import Authenticator, Identity, SaslExchange
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome
from pabal.smtp.ports import Client, Receiver, Transaction
from pabal.smtp.session import Session
from pabal.smtp.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Service:
    """One SMTP service: what all its connections share.

    Attributes:
        hostname: What it calls itself.
        receiver: Takes the mail.
        settings: Limits.
        authenticator: ``None``: AUTH is not offered.
        new_spool: Makes the place for a message's octets.
    """

    hostname: str
    receiver: Receiver
    settings: ServerSettings = field(default_factory=ServerSettings)
    authenticator: Authenticator | None = None
    new_spool: Callable[[], Spool] = Spool


@dataclass(slots=True)
class MailTransaction:
    """MAIL to the end of the message (RFC 5321 §3.3).

    Attributes:
        envelope: As MAIL said; recipients are in ``recipients``.
        taker: Where the receiver keeps its side.
        recipients: Those accepted.
        refused: How many were not, for want of room.
        spool: The octets; ``None`` before the first.
        failure: Why the octets could not be kept.
    """

    envelope: Envelope
    taker: Transaction
    recipients: list[Recipient] = field(default_factory=list)
    refused: int = 0
    spool: Spool | None = None
    failure: Outcome | None = None


@dataclass(slots=True)
class Conversation:
    """One connection.

    Attributes:
        transaction: The mail transaction, if one is open.
        exchange: The AUTH exchange, if one is open.
        granted: Who succeeded in it, while the server's last word is unanswered.
        auth_failures: AUTH commands that failed.
        closing: Close once the replies are sent.
        said_goodbye: The client said QUIT.
    """

    service: Service
    session: Session
    client: Client
    transaction: MailTransaction | None = None
    exchange: SaslExchange | None = None
    granted: Identity | None = None
    auth_failures: int = 0
    closing: bool = False
    said_goodbye: bool = False

    @property
    def encrypted(self) -> bool:
        """Whether a password may travel: TLS, or the operator allows it without."""
        authenticator = self.service.authenticator
        return authenticator is not None and authenticator.cleartext_allowed(
            peer_address=self.client.peer.address,
            encrypted=self.client.tls is not None,
        )

    def mechanisms(self) -> tuple[str, ...]:
        """Return the SASL mechanisms on offer here and now."""
        authenticator = self.service.authenticator
        if authenticator is None:
            return ()
        return authenticator.mechanisms(encrypted=self.encrypted, tls=self.client.tls)

    async def abort(self) -> None:
        """Forget the open mail transaction, if there is one."""
        transaction, self.transaction = self.transaction, None
        if transaction is None:
            return
        if transaction.spool is not None:
            transaction.spool.close()
        await transaction.taker.abort()
