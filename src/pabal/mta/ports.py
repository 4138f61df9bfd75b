"""What mail transfer needs from others: names, mailboxes, sessions with other servers.

The consumer owns the interface: ``names``, ``mda`` and ``transport`` implement these
over ``pabal.dns``, ``pabal.store`` and ``pabal.smtp``; tests do in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pabal.directory.ports import Target
from pabal.dns.ports import Steps
from pabal.message.spool import Spool
from pabal.mta.routing import Exchangers
from pabal.net.endpoint import Endpoint
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome


class Names(Protocol):
    """Names as mail asks for them.

    Raises ``UnavailableError`` anywhere: no answer can be had right now.
    """

    async def mx(self, domain: str, steps: Steps | None = None) -> Exchangers:
        """Return who takes mail for ``domain`` (A-labels)."""
        ...

    async def addresses(self, host: str, steps: Steps | None = None) -> Sequence[str]:
        """Return the addresses of ``host``, IPv6 first; none: it has none."""
        ...


class LocalDelivery(Protocol):
    """Puts mail into mailboxes here."""

    async def deliver(self, target: Target, spool: Spool) -> Outcome:
        """Append the message for ``target`` (LOCAL); durable when it is DELIVERED.

        The spool is lent. TEMPORARY means a later attempt may work.

        Raises:
            StorageFullError: There is no room; nothing was written.
        """
        ...

    async def room(self, targets: Sequence[Target], octets: int) -> Outcome:
        """Say whether one of ``targets`` has room for a message.

        Args:
            targets: Where mail for one address goes; none that is elsewhere is full.
            octets: Its size; 0: not known yet.

        Returns:
            DELIVERED, or why everybody it would be for is over quota.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What a session made of one message.

    Attributes:
        outcomes: One a recipient of the envelope, in order.
        dialogue: The lines of both sides, ``C: `` and ``S: ``, without the content.
        usable: Whether the session can carry another message.
        notifies: Whether the server promises notifications (RFC 3461 §4).
        broken: Whether it fell silent or closed: no outcome is of its own words.
    """

    outcomes: Sequence[Outcome]
    dialogue: Sequence[str] = ()
    usable: bool = True
    notifies: bool = True
    broken: bool = False


class MailSession(Protocol):
    """A session with another server, greeted and encrypted as far as that went."""

    @property
    def tls(self) -> str:
        """TLS version and cipher; empty: none."""
        ...

    @property
    def dialogue(self) -> Sequence[str]:
        """The lines up to here: greeting, EHLO, STARTTLS."""
        ...

    @property
    def takes_eight_bits(self) -> bool:
        """Whether a message may have octets above 127 (RFC 6152)."""
        ...

    async def send(self, envelope: Envelope, spool: Spool) -> Sent:
        """Send one message.

        Raises:
            PabalError: The session broke before anything was known of the message.
        """
        ...

    async def close(self) -> None:
        """Say QUIT where that is still possible, and close."""
        ...


class Sessions(Protocol):
    """Opens sessions."""

    async def open(self, host: str, endpoint: Endpoint) -> MailSession | Outcome:
        """Connect, read the greeting, say EHLO, start TLS where it is offered.

        Returns the outcome where the host answered but wants no mail from us now.

        Raises:
            UnavailableError: Nobody answered; says why.
            ProtocolError: What answered does not speak SMTP.
        """
        ...
