"""The envelope of a message (RFC 5321 §2.3.1).

Sans-IO.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from pabal.message.address import Mailbox


class BodyType(enum.Enum):
    """BODY= of MAIL (RFC 6152 §2)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One forward-path with what the client asked for it.

    Attributes:
        address: The forward-path.
        notify: NOTIFY= of RFC 3461 §4.1; empty: the default (failure, delay).
        original: ORCPT= as given, empty if none.
    """

    address: Mailbox
    notify: frozenset[str] = frozenset()
    original: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who it is from and who it is for.

    Attributes:
        reverse_path: ``None`` is the null reverse-path ``<>``.
        recipients: At least one once the message is there.
        body: What the octets may be.
        smtputf8: Whether the client announced SMTPUTF8 (RFC 6531 §3.4).
        envelope_id: ENVID= of RFC 3461 §4.4, empty if none.
        ret: RET= of RFC 3461 §4.3: ``FULL``, ``HDRS`` or empty.
    """

    reverse_path: Mailbox | None
    recipients: Sequence[Recipient]
    body: BodyType = BodyType.SEVEN_BIT
    smtputf8: bool = False
    envelope_id: str = ""
    ret: str = ""

    def with_recipients(self, recipients: Sequence[Recipient]) -> "Envelope":
        """Return this envelope for ``recipients``; faster than ``replace``."""
        return Envelope(
            self.reverse_path,
            recipients,
            self.body,
            self.smtputf8,
            self.envelope_id,
            self.ret,
        )
