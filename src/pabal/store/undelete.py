"""Messages that were expunged and are still kept: shown, counted, brought back.

Only those count that are in no mailbox any more: one that was moved is where it went.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.store.flags import Flags
from pabal.store.ports import (
    AccountStore,
    EmailId,
    MailboxId,
    Uid,
)

SLICE: Final = 1_000
"""Messages listed, and brought back, at once."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A message that was expunged.

    Attributes:
        email_id: Its octets.
        mailbox: What the mailbox it was in last is called, or was.
        uid: Its UID there.
        flags: What it had.
        size: Octets.
        expunged_at: Seconds since 1970.
    """

    email_id: EmailId
    mailbox: str
    uid: Uid
    flags: Flags
    size: int
    expunged_at: float


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is kept for being brought back."""

    messages: int
    octets: int


class Undeletion(Protocol):
    """What of one account can be brought back.

    Raises anywhere what ``pabal.store.ports.AccountStore`` does.
    """

    async def gone(self, *, since: float = 0.0, after: EmailId = 0) -> Sequence[Gone]:
        """Return messages expunged since then, by email id, from behind ``after`` on.

        At most ``SLICE``.
        """
        ...

    async def restore(
        self, emails: Sequence[EmailId], target: MailboxId
    ) -> Sequence[EmailId]:
        r"""Put expunged messages into ``target``, under new UIDs; return which.

        Their flags come back, but for ``\\Deleted``. Those that are gone for good, or
        in a mailbox, are passed over.
        """
        ...

    async def kept(self) -> Kept:
        """Return how much there is."""
        ...

    async def discard(self, before: float) -> int:
        """Throw away what was expunged before; return how many messages.

        In small steps, other writes come between.
        """
        ...


class UndeleteAccount(AccountStore, Protocol):
    """An account that keeps what was expunged for a while."""

    @property
    def undeletion(self) -> Undeletion:
        """What can be brought back."""
        ...
