"""What is in the queue: a message, and for each recipient where it stands.

Sans-IO: values only.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.smtp.envelope import Envelope, Recipient

LOCAL_PREFIX: Final = "local/"
"""Begins the destination of a mailbox here; no domain has a slash."""

RETURN_NOW: Final = 0.0
"""``expires_at`` of a message an operator sends back: no further attempt is made."""


TRY_NOW: Final = 0.0
"""``next_attempt_at`` an operator asked for: due before all else, and tried even where
the destination is thought dead."""


BEFORE_ALL: Final = -1.0
"""Earlier than any ``next_attempt_at``."""


class RecipientState(enum.Enum):
    """Where a recipient stands."""

    ACTIVE = "active"
    """Not tried yet."""
    DEFERRED = "deferred"
    """Tried, and to be tried again."""
    HOLD = "hold"
    """Waits for an operator."""
    DONE = "done"
    """Delivered."""
    BOUNCED = "bounced"
    """Failed for good; the sender was told."""

    @property
    def final(self) -> bool:
        """Whether nothing is left to do."""
        return self in {RecipientState.DONE, RecipientState.BOUNCED}


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """One recipient of a queued message.

    Attributes:
        number: Its place in the item, from 0.
        recipient: The forward-path with what the sender asked for it.
        destination: What is tried together and fails together: the domain in A-labels,
            or ``local/`` and the account.
        detail: Subaddress of a local recipient.
        state: Where it stands.
        attempts: Deliveries tried.
        next_attempt_at: Seconds since 1970; while claimed, when the claim ends.
        owner: Who has claimed it; empty: nobody.
        reply: The last reply or failure, whole, one line.
        host: Who gave it.
    """

    number: int
    recipient: Recipient
    destination: str
    detail: str = ""
    state: RecipientState = RecipientState.ACTIVE
    attempts: int = 0
    next_attempt_at: float = 0.0
    owner: str = ""
    reply: str = ""
    host: str = ""

    @property
    def account_id(self) -> int:
        """The account of a local recipient, 0 for a remote one."""
        local = self.destination.removeprefix(LOCAL_PREFIX)
        return int(local) if local != self.destination else 0


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A message in the queue; its octets are kept beside it.

    Attributes:
        id: Sorts by age.
        trace_id: Joins its trace events.
        message_id: Message-ID without brackets, may be empty.
        created_at: When it was accepted, seconds since 1970.
        expires_at: From when on a failure is final, seconds since 1970.
        envelope: Without recipients.
        recipients: Everybody it is for.
        size_octets: Size of the message.
    """

    id: str
    trace_id: str
    message_id: str
    created_at: float
    expires_at: float
    envelope: Envelope
    recipients: Sequence[QueuedRecipient]
    size_octets: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A recipient somebody may try now, until the lease ends; perhaps by request."""

    item_id: str
    number: int
    destination: str
    attempts: int = 0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What an attempt at one recipient came to; ends the claim.

    Attributes:
        item_id: The item.
        number: The recipient's place in it.
        state: Where it stands now; ``HOLD`` set meanwhile by an operator wins over
            ``DEFERRED``.
        next_attempt_at: When it is tried again, seconds since 1970.
        reply: The reply or failure, one line.
        host: Who gave it.
        tried: Whether this counts as an attempt.
    """

    item_id: str
    number: int
    state: RecipientState
    next_attempt_at: float = 0.0
    reply: str = ""
    host: str = ""
    tried: bool = True


def local_destination(account_id: int) -> str:
    """Return the destination of mail for an account here."""
    return f"{LOCAL_PREFIX}{account_id}"
