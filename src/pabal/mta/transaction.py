"""One message on its way in: what port 25 and submission have in common.

Security: the gate for relaying. Mail for other hosts is taken only when the receiver
said ``may_relay``, which submission does for those who authenticated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.base.log import Log
from pabal.directory.ports import Directory, Resolution, Route
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.accept import Acceptor, Incoming
from pabal.mta.bounce import Bouncer, wants_success
from pabal.mta.ports import LocalDelivery
from pabal.mta.stamp import (
    delivered_to,
    hops_of,
    message_id_of,
    read_header,
    received_field,
)
from pabal.mta.station import Station, Way
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome, delivered, permanent, temporary
from pabal.smtp.ports import Client
from pabal.trace.ports import Stage

log = Log("mta")

REFUSALS_NOTED_MAX: Final = 10
"""Refused recipients noted in the trace, a transaction: guessers must not fill it."""

RCPT_OK: Final = delivered(status="1.5")
LOOP: Final = permanent(54, "4.6", "the message goes round in circles")


@dataclass(frozen=True, slots=True)
class Additions:
    """What a receiver adds to a message.

    Attributes:
        fields: Header fields, put below Received.
        message_id: Replaces the one found, when the message had none.
    """

    fields: bytes = b""
    message_id: str = ""


NOTHING: Final = Additions()


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as its client sent it.

    Attributes:
        client: Who.
        envelope: For whom.
        header: Its header section.
        spool: Its octets.
        way: Its trace.
    """

    client: Client
    envelope: Envelope
    header: bytes
    spool: Spool
    way: Way


class Inspector(Protocol):
    """What a receiver does with a message before it is accepted."""

    async def inspect(self, arrived: Arrived) -> Additions | Outcome:
        """Return what to add, or why the message is refused."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What transactions need.

    Attributes:
        station: Where we are.
        directory: Who is here.
        acceptor: Takes responsibility.
        bouncer: Tells senders what they asked to hear.
        mailboxes: Know whether there is room for a message.
    """

    station: Station
    directory: Directory
    acceptor: Acceptor
    bouncer: Bouncer
    mailboxes: LocalDelivery


class MailTransaction:
    """Implements ``pabal.smtp.ports.Transaction``.

    Args (of the constructor):
        desk: What it needs.
        client: Who sends.
        inspector: Looks at the message, before it is accepted.
        stage: SUBMITTED or RECEIVED.
        may_relay: Whether mail for other hosts is taken.
        size: Of the message as announced, octets; 0: it was not.
    """

    def __init__(
        self,
        desk: Desk,
        client: Client,
        inspector: Inspector,
        *,
        stage: Stage,
        may_relay: bool,
        size: int = 0,
    ) -> None:
        self._desk = desk
        self._client = client
        self._inspector = inspector
        self._stage = stage
        self._may_relay = may_relay
        self._size = size
        self._resolved: dict[Mailbox, Resolution] = {}
        self._taken = 0
        self._refused = 0
        self._way = desk.station.new_way()

    async def rcpt(self, recipient: Recipient) -> Outcome:
        """Say whether mail for ``recipient`` is taken."""
        address = recipient.address
        if self._taken >= self._desk.station.settings.recipients_max:
            # RFC 5321 §4.5.3.1.10: 452, and the client sends the rest by itself.
            return temporary(52, "5.3", "too many recipients")
        resolution = self._desk.directory.resolve(address)
        outcome = self._decide(resolution)
        if outcome.ok and resolution.route is Route.LOCAL:
            outcome = await self._desk.mailboxes.room(resolution.targets, self._size)
        if outcome.ok:
            self._taken += 1
            self._resolved[address] = resolution
        else:
            self._note_refusal(str(address), outcome)
        return outcome

    async def commit(self, envelope: Envelope, spool: Spool) -> Outcome:
        """Take responsibility for the message; durable when a 2xx is returned."""
        settings = self._desk.station.settings
        most = settings.message_size_max_octets
        if most and spool.size > most:
            return self._refuse(permanent(52, "3.4", f"larger than {most} octets"))
        header = read_header(spool, settings.header_max_octets)
        if header is None:
            return self._refuse(permanent(52, "3.4", "the header is too large"))
        way = self._way = self._way.named(message_id_of(header))
        if self._loops(header):
            return self._refuse(LOOP)
        self._note_arrival(envelope, spool)
        arrived = Arrived(self._client, envelope, header, spool, way)
        added = await self._inspector.inspect(arrived)
        if isinstance(added, Outcome):
            return self._refuse(added)
        if added.message_id:
            way = self._way = way.named(added.message_id)
        resolved = [(one, self._resolved[one.address]) for one in envelope.recipients]
        stamp = self._received(envelope.recipients) + added.fields
        incoming = Incoming(way, envelope, spool, resolved, stamp)
        outcome = await self._desk.acceptor.accept(incoming)
        if not outcome.ok:
            return self._refuse(outcome)
        if any(map(wants_success, envelope.recipients)):
            recipients = incoming.delivered
            await self._desk.bouncer.confirm(way, envelope, spool, recipients)
        return outcome

    async def abort(self) -> None:
        """Forget the transaction; nothing was written yet."""
        self._resolved.clear()

    def _decide(self, resolution: Resolution) -> Outcome:
        if resolution.route is Route.REMOTE:
            if self._may_relay:
                return RCPT_OK
            return permanent(50, "7.1", "relaying denied")
        if resolution.route is Route.UNKNOWN or not resolution.targets:
            return permanent(50, "1.1", "no such mailbox here")
        return RCPT_OK

    def _loops(self, header: bytes) -> bool:
        if hops_of(header) > self._desk.station.settings.hops_max:
            return True
        # Written by accept when an alias forwards: the message was here before.
        before = delivered_to(header)
        return bool(before) and any(
            address.canonical in before
            and any(target.route is Route.REMOTE for target in resolution.targets)
            for address, resolution in self._resolved.items()
            if resolution.route is Route.LOCAL
        )

    def _received(self, recipients: Sequence[Recipient]) -> bytes:
        only = str(recipients[0].address) if len(recipients) == 1 else ""
        station = self._desk.station
        return received_field(
            self._client,
            station.settings.hostname,
            self._way.trace_id,
            only,
            station.clock.now(),
        )

    def _note_arrival(self, envelope: Envelope, spool: Spool) -> None:
        client, recipients = self._client, envelope.recipients
        user = f" by {client.identity.address}" if client.identity else ""
        tls = f", {client.tls.version}" if client.tls else ""
        self._way.note(
            self._stage,
            str(recipients[0].address) if len(recipients) == 1 else "",
            detail=f"from {client.helo} [{client.peer.address}]{user},"
            f" {client.protocol}{tls}, {spool.size} octets",
            peer=str(client.peer),
            helo=client.helo,
            protocol=client.protocol,
            tls=f"{client.tls.version} {client.tls.cipher}" if client.tls else "",
            user=client.identity.address if client.identity else "",
            from_=str(envelope.reverse_path or ""),
            recipients=len(recipients),
            size=spool.size,
            session=client.session_id,
        )

    def _refuse(self, outcome: Outcome) -> Outcome:
        self._way.note(
            Stage.REFUSED,
            detail=f"{outcome} (to {self._client.peer.address})",
            reply=str(outcome),
            reason=outcome.detail,
            peer=str(self._client.peer),
        )
        return outcome

    def _note_refusal(self, address: str, outcome: Outcome) -> None:
        self._refused += 1
        if self._refused <= REFUSALS_NOTED_MAX:
            self._way.note(
                Stage.REFUSED,
                address,
                detail=f"{outcome} (to {self._client.peer.address})",
                reply=str(outcome),
                peer=str(self._client.peer),
            )
