"""The queue in memory: complete, for tests and for trying things out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pabal.message.spool import Spool
from pabal.mta.queue.item import (
    RETURN_NOW,
    TRY_NOW,
    AttemptRecord,
    Claim,
    QueuedRecipient,
    QueueItem,
    RecipientState,
)
from pabal.mta.queue.ports import Take, Verb

_WAITING = frozenset({RecipientState.ACTIVE, RecipientState.DEFERRED})


class MemoryQueue:
    """Implements ``pabal.mta.queue.ports.Queue``."""

    def __init__(self) -> None:
        self._items: dict[str, QueueItem] = {}
        self._bodies: dict[str, bytes] = {}

    async def add(self, item: QueueItem, spool: Spool, start: int = 0) -> None:
        """Keep ``item`` and the octets of ``spool`` from ``start`` on."""
        self._items[item.id] = replace(item, size_octets=spool.size - start)
        self._bodies[item.id] = spool.read(start, spool.size)

    async def item(self, item_id: str) -> QueueItem | None:
        """Return the item, if it is there."""
        return self._items.get(item_id)

    async def items(self, limit: int, after: str = "") -> Sequence[QueueItem]:
        """Return at most ``limit`` items with ids above ``after``, oldest first."""
        ids = sorted(item_id for item_id in self._items if item_id > after)
        return [self._items[item_id] for item_id in ids[:limit]]

    async def body(self, item_id: str) -> Spool:
        """Return the octets of an item, empty if it is gone; the caller closes it."""
        spool = Spool()
        spool.write(self._bodies.get(item_id, b""))
        return spool

    async def apply(self, item_id: str, verb: Verb) -> bool:
        """Do ``verb`` to an item; return whether it is there."""
        item = self._items.get(item_id)
        if item is None:
            return False
        changed = [_changed(recipient, verb) for recipient in item.recipients]
        expires_at = RETURN_NOW if verb is Verb.RETURN else item.expires_at
        self._items[item_id] = replace(item, recipients=changed, expires_at=expires_at)
        return True

    async def remove(self, item_id: str) -> bool:
        """Forget an item and tell nobody; return whether it was there."""
        self._bodies.pop(item_id, None)
        return self._items.pop(item_id, None) is not None

    async def take(self, take: Take) -> Sequence[Claim]:
        """Claim what is due; in turns over the destinations, oldest due first."""
        due = sorted(
            (recipient.next_attempt_at, item.id, recipient.number)
            for item, recipient in self._waiting()
            if recipient.next_attempt_at <= take.now
            and recipient.destination not in take.skip
        )
        counts: dict[str, int] = {}
        claims: list[Claim] = []
        for _, item_id, number in due:
            recipient = self._recipient(item_id, number)
            count = counts.get(recipient.destination, 0)
            if len(claims) >= take.limit or count >= take.a_destination:
                continue
            counts[recipient.destination] = count + 1
            self._put(
                item_id,
                replace(recipient, owner=take.owner, next_attempt_at=take.until),
            )
            claims.append(
                Claim(
                    item_id,
                    number,
                    recipient.destination,
                    recipient.attempts,
                    asked=recipient.next_attempt_at == TRY_NOW,
                )
            )
        return claims

    async def renew(self, owner: str, until: float, claims: Sequence[Claim]) -> None:
        """Move the end of ``claims`` where ``owner`` still has them."""
        for claim in claims:
            if claim.item_id in self._items:
                recipient = self._recipient(claim.item_id, claim.number)
                if recipient.owner == owner:
                    self._put(claim.item_id, replace(recipient, next_attempt_at=until))

    async def finish(self, owner: str, records: Sequence[AttemptRecord]) -> None:
        """Note results and end the claims."""
        for record in records:
            item = self._items.get(record.item_id)
            if item is None:
                continue
            recipient = self._recipient(record.item_id, record.number)
            if not record.state.final and recipient.owner != owner:
                continue
            held = recipient.state is RecipientState.HOLD and not record.state.final
            self._put(
                item.id,
                replace(
                    recipient,
                    state=recipient.state if held else record.state,
                    owner="",
                    attempts=recipient.attempts + record.tried,
                    next_attempt_at=record.next_attempt_at,
                    reply=record.reply,
                    host=record.host,
                ),
            )
            if all(one.state.final for one in self._items[item.id].recipients):
                await self.remove(item.id)

    async def next_due_at(self, now: float) -> float | None:
        """Return when something after ``now`` becomes due, ``None``: nothing waits."""
        times = (recipient.next_attempt_at for _, recipient in self._waiting())
        return min((at for at in times if at > now), default=None)

    async def close(self) -> None:
        """Nothing is open."""

    def _waiting(self) -> Iterator[tuple[QueueItem, QueuedRecipient]]:
        for item in self._items.values():
            for recipient in item.recipients:
                if recipient.state in _WAITING:
                    yield item, recipient

    def _recipient(self, item_id: str, number: int) -> QueuedRecipient:
        return self._items[item_id].recipients[number]

    def _put(self, item_id: str, recipient: QueuedRecipient) -> None:
        item = self._items[item_id]
        recipients = list(item.recipients)
        recipients[recipient.number] = recipient
        self._items[item_id] = replace(item, recipients=recipients)


def _changed(recipient: QueuedRecipient, verb: Verb) -> QueuedRecipient:
    state = recipient.state
    if state.final or (verb is Verb.RETRY and state is RecipientState.HOLD):
        return recipient
    if verb is Verb.HOLD:
        return replace(recipient, state=RecipientState.HOLD)
    if verb is Verb.RELEASE and state is not RecipientState.HOLD:
        return recipient
    if state is RecipientState.HOLD:
        # Who has claimed it goes on with it; it is not tried twice at once.
        tried = RecipientState.DEFERRED if recipient.attempts else RecipientState.ACTIVE
        at = recipient.next_attempt_at if recipient.owner else TRY_NOW
        return replace(recipient, state=tried, next_attempt_at=at)
    return recipient if recipient.owner else replace(recipient, next_attempt_at=TRY_NOW)
