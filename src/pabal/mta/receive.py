"""Mail from other servers, port 25: who may send what to whom.

Security: open to everybody. Nobody relays here; authentication is not on offer.
"""

from pabal.mta.transaction import NOTHING, Additions, Arrived, Desk, MailTransaction
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome, delivered, permanent
from pabal.smtp.ports import Client, Transaction
from pabal.trace.ports import Stage


class MailReceiver:
    """Implements ``pabal.smtp.ports.Receiver`` for port 25."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def connected(self, client: Client) -> Outcome:  # noqa: ARG002 (of the port)
        """Welcome everybody; verdicts come with what they send."""
        return delivered()

    async def mail(
        self,
        client: Client,
        envelope: Envelope,  # noqa: ARG002 (of the port)
        size: int,
    ) -> Transaction | Outcome:
        """Begin a transaction, or say why not."""
        too_large = refuse_size(
            size, self._desk.station.settings.message_size_max_octets
        )
        if too_large is not None:
            return too_large
        return MailTransaction(
            self._desk, client, self, stage=Stage.RECEIVED, may_relay=False, size=size
        )

    async def inspect(self, arrived: Arrived) -> Additions | Outcome:  # noqa: ARG002 (of the port)
        """Take everything as it is; what it is worth is a later issue's verdict."""
        return NOTHING


def refuse_size(announced: int, most: int) -> Outcome | None:
    """Return the refusal of an announced size (RFC 1870 §6.1), or ``None``."""
    if most and announced > most:
        return permanent(52, "3.4", f"messages may have {most} octets here")
    return None
