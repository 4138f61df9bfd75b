"""Mail from our own users, ports 587 and 465: complete it, sign it, send it on.

Security: whoever authenticated may send anywhere, but only as themselves, in the
envelope and in the From field.
Source: RFC 6409 §4.3 (authentication), §6.1 (sender), §8 (what may be added).
"""

from collections.abc import Sequence
from typing import Final, Protocol

from pabal.base.ids import new_id
from pabal.directory.ports import Directory
from pabal.message.address import (
    HeaderAddress,
    HeaderGroup,
    Mailbox,
    parse_address_list,
)
from pabal.message.date import format_date
from pabal.message.header import Header
from pabal.message.spool import Spool
from pabal.mta.receive import refuse_size
from pabal.mta.transaction import Additions, Arrived, Desk, MailTransaction
from pabal.net.sasl import Identity
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome, delivered, permanent
from pabal.smtp.ports import Client, Transaction
from pabal.trace.ports import Stage

NEEDS_AUTH: Final = permanent(30, "7.0", "authentication required")
"""RFC 4954 §6."""


class Signer(Protocol):
    """Signs messages of hosted domains."""

    async def sign(
        self, domain: str, header: bytes, spool: Spool, body_start: int
    ) -> bytes:
        """Return the signature fields for a message, empty if there is no key.

        Args:
            domain: Of the From field, A-labels.
            header: The header section as it will be, its empty line included.
            spool: Has the body from ``body_start`` on.
            body_start: Offset of the body.
        """
        ...


class SubmissionReceiver:
    """Implements ``pabal.smtp.ports.Receiver`` for submission."""

    def __init__(self, desk: Desk, signer: Signer) -> None:
        self._desk = desk
        self._signer = signer

    async def connected(self, client: Client) -> Outcome:  # noqa: ARG002 (of the port)
        """Welcome everybody: nobody sends without authentication."""
        return delivered()

    async def mail(
        self, client: Client, envelope: Envelope, size: int
    ) -> Transaction | Outcome:
        """Begin a transaction of somebody who authenticated, as themselves."""
        identity = client.identity
        if identity is None:
            return NEEDS_AUTH
        too_large = refuse_size(
            size, self._desk.station.settings.message_size_max_octets
        )
        if too_large is not None:
            return too_large
        # <> stays allowed: read receipts are sent from it (RFC 8098 §3).
        sender = envelope.reverse_path
        if sender is not None and not self._may_use(identity, sender):
            return permanent(53, "7.1", f"not your address: {sender}")
        return MailTransaction(
            self._desk, client, self, stage=Stage.SUBMITTED, may_relay=True, size=size
        )

    async def inspect(self, arrived: Arrived) -> Additions | Outcome:
        """Check the From field, add what is missing, sign."""
        identity = arrived.client.identity
        if identity is None:
            return NEEDS_AUTH
        header = Header(arrived.header)
        author = self._author(header, identity)
        if isinstance(author, Outcome):
            return author
        fields, message_id = self._missing(header, author)
        signature = await self._signer.sign(
            author.ascii_domain,
            fields + arrived.header,
            arrived.spool,
            len(arrived.header),
        )
        if signature:
            arrived.way.note(
                Stage.SIGNED,
                detail=f"DKIM for {author.ascii_domain}",
                domain=author.ascii_domain,
            )
        return Additions(signature + fields, message_id)

    def _author(self, header: Header, identity: Identity) -> Mailbox | Outcome:
        """Return the first author, once all of them may be used."""
        if len(header.all(b"from")) > 1:
            return permanent(54, "6.0", "more than one From field")
        written = header.get(b"from")
        if written is None:
            return Mailbox.parse(identity.address)
        authors = _mailboxes(parse_address_list(written))
        if not authors:
            return permanent(54, "6.0", "the From field has no address")
        for author in authors:
            if author is None or not self._may_use(identity, author):
                who = author or "the address in From"
                return permanent(50, "7.1", f"not your address: {who}")
        return authors[0] or Mailbox.parse(identity.address)

    def _missing(self, header: Header, author: Mailbox) -> tuple[bytes, str]:
        """Return the fields RFC 6409 §8 lets us add, and the Message-ID if added."""
        now = self._desk.station.clock.now()
        fields: list[str] = []
        message_id = ""
        if b"from" not in header:
            fields.append(f"From: {author}")
        if b"date" not in header:
            fields.append(f"Date: {format_date(now)}")
        if b"message-id" not in header:
            message_id = f"{new_id(now)}@{self._desk.station.settings.hostname}"
            fields.append(f"Message-ID: <{message_id}>")
        return "".join(f"{one}\r\n" for one in fields).encode(), message_id

    def _may_use(self, identity: Identity, address: Mailbox) -> bool:
        directory: Directory = self._desk.directory
        return directory.may_send_as(identity.account_id, address)


def _mailboxes(
    found: Sequence[HeaderAddress | HeaderGroup],
) -> list[Mailbox | None]:
    """Return the addresses of a list, those in groups too; ``None``: not one."""
    flat: list[Mailbox | None] = []
    for one in found:
        if isinstance(one, HeaderGroup):
            flat += [member.mailbox for member in one.members]
        else:
            flat.append(one.mailbox)
    return flat
