"""What the parts of the queue ask of each other, and others of the queue.

Two adapters implement ``Queue`` and pass one contract suite: ``memory``, ``sqlite``.
Every method may raise ``UnavailableError``; those that add, ``StorageFullError``.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pabal.message.spool import Spool
from pabal.mta.queue.item import AttemptRecord, Claim, QueueItem


class Verb(enum.Enum):
    """What an operator does to the recipients of an item that are not final."""

    RETRY = "retry"
    """Try now. What is on hold stays there."""
    HOLD = "hold"
    """Try no more until released."""
    RELEASE = "release"
    """End the hold; try now."""
    RETURN = "return"
    """Send back to the sender, now."""


@dataclass(frozen=True, slots=True)
class Take:
    """What a runner wants to claim.

    Attributes:
        owner: Who claims.
        now: Seconds since 1970; what is due by then is taken.
        until: When the claims end, seconds since 1970.
        limit: Most recipients in all.
        a_destination: Most recipients of one destination: nobody crowds others out.
        skip: Destinations not wanted now.
    """

    owner: str
    now: float
    until: float
    limit: int
    a_destination: int
    skip: frozenset[str] = frozenset()


class QueueIntake(Protocol):
    """What accepting mail needs."""

    async def add(self, item: QueueItem, spool: Spool, start: int = 0) -> None:
        """Keep ``item`` and the octets of ``spool`` from ``start`` on, durably."""
        ...


class QueueOffice(Protocol):
    """What an operator needs; works beside a running server."""

    async def item(self, item_id: str) -> QueueItem | None:
        """Return the item, if it is there."""
        ...

    async def items(self, limit: int, after: str = "") -> Sequence[QueueItem]:
        """Return at most ``limit`` items with ids above ``after``, oldest first.

        Fewer when they have many recipients; none: there are no more.
        """
        ...

    async def apply(self, item_id: str, verb: Verb) -> bool:
        """Do ``verb`` to an item; return whether it is there. Durable."""
        ...

    async def remove(self, item_id: str) -> bool:
        """Forget an item and tell nobody; return whether it was there. Durable."""
        ...

    async def body(self, item_id: str) -> Spool:
        """Return the octets of an item, empty if it is gone; the caller closes it."""
        ...


class Queue(QueueIntake, QueueOffice, Protocol):
    """The whole queue, as its runner sees it."""

    async def take(self, take: Take) -> Sequence[Claim]:
        """Claim what is due; in turns over the destinations, oldest due first."""
        ...

    async def renew(self, owner: str, until: float, claims: Sequence[Claim]) -> None:
        """Move the end of ``claims`` where ``owner`` still has them."""
        ...

    async def finish(self, owner: str, records: Sequence[AttemptRecord]) -> None:
        """Note results and end the claims, durably.

        A record whose claim ``owner`` lost meanwhile counts only if it is final. An
        item whose recipients are all final is forgotten.
        """
        ...

    async def next_due_at(self, now: float) -> float | None:
        """Return when something after ``now`` becomes due, ``None``: nothing waits."""
        ...

    async def close(self) -> None:
        """Finish what is being written and close."""
        ...
