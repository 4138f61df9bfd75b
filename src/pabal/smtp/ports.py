"""What an SMTP server asks of whoever takes the mail: ``pabal.mta`` implements it.

Delivery is two-phase: a transaction gathers recipients, then commits the octets, and
only then is 250 said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pabal.message.spool import Spool
from pabal.net.endpoint import Endpoint
from pabal.net.ports import TlsInfo
from pabal.net.sasl import Identity
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Client:
    """The other side of a session, as far as it is known.

    Attributes:
        session_id: Appears in every log line and trace of the session.
        peer: Where it connects from.
        local: Where it connected to.
        helo: What it called itself; empty before EHLO.
        extended: Whether it said EHLO.
        tls: What protects the octets.
        identity: Who it authenticated as.
    """

    session_id: str
    peer: Endpoint
    local: Endpoint
    helo: str = ""
    extended: bool = False
    tls: TlsInfo | None = None
    identity: Identity | None = None

    def greeted(self, helo: str, *, extended: bool) -> "Client":
        """Return this client after EHLO; faster than ``replace``."""
        return Client(
            self.session_id,
            self.peer,
            self.local,
            helo,
            extended,
            self.tls,
            self.identity,
        )

    @property
    def protocol(self) -> str:
        """The ``with`` protocol type of a Received field (RFC 3848)."""
        if not self.extended:
            return "SMTP"
        return "ESMTP" + "S" * bool(self.tls) + "A" * bool(self.identity)


class Transaction(Protocol):
    """One message on its way in. Exactly one of ``commit`` and ``abort`` ends it."""

    async def rcpt(self, recipient: Recipient) -> Outcome:
        """Say whether mail for ``recipient`` is taken."""
        ...

    async def commit(self, envelope: Envelope, spool: Spool) -> Outcome:
        """Take responsibility for the message; durable when a 2xx is returned.

        Args:
            envelope: With the recipients that were accepted.
            spool: The octets as sent; the server closes it afterwards.
        """
        ...

    async def abort(self) -> None:
        """Forget the transaction: RSET, QUIT, a lost connection, too large."""
        ...


class Receiver(Protocol):
    """Takes mail; one for port 25, one for submission."""

    async def connected(self, client: Client) -> Outcome:
        """Say whether the client is welcome; before the greeting."""
        ...

    async def mail(
        self, client: Client, envelope: Envelope, size: int
    ) -> Transaction | Outcome:
        """Begin a transaction, or say why not.

        Args:
            client: Who is asking.
            envelope: Without recipients yet.
            size: SIZE= announced (RFC 1870), 0 if none.
        """
        ...


class Body(Protocol):
    """The octets of a message that is sent; a ``Spool`` is one."""

    @property
    def size(self) -> int:
        """How many octets."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets in order, every time from the start."""
        ...
