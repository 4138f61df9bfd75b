"""Taking responsibility: everything is durable somewhere before this says so.

Copies for mailboxes here are appended at once; everybody else becomes a row of one
queue item. Both are written at the same time, from the same spool, and what a mailbox
cannot take now becomes a queue row too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from pabal.base.errors import PabalError, StorageFullError, UnavailableError
from pabal.base.ids import new_id
from pabal.base.log import Log
from pabal.directory.ports import Resolution, Route, Target
from pabal.message.spool import Spool
from pabal.mta.ports import LocalDelivery
from pabal.mta.queue.item import QueuedRecipient, QueueItem, local_destination
from pabal.mta.queue.ports import QueueIntake
from pabal.mta.stamp import delivered_to_field, return_path_field
from pabal.mta.station import Station, Way
from pabal.net.ringer import Ringer
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome, Permanence, delivered, temporary
from pabal.trace.ports import Stage

log = Log("mta")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to take responsibility for.

    Attributes:
        way: Its trace.
        envelope: With every recipient.
        spool: Its octets, lent; fields are put in front of them.
        resolved: Every recipient and what its address is.
        stamp: Fields to put in front: Received and what was added.
        delivered: Filled with the recipients whose mailboxes have it.
    """

    way: Way
    envelope: Envelope
    spool: Spool
    resolved: Sequence[tuple[Recipient, Resolution]]
    stamp: bytes = b""
    delivered: list[Recipient] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A mailbox here that gets the message."""

    recipient: Recipient
    target: Target


@dataclass(slots=True)
class Plan:
    """Who gets the message, and how.

    Attributes:
        local: Mailboxes here, each once.
        remote: Recipients elsewhere by the alias that forwards to them, ``""``: none.
            Each alias has a queue item of its own: the field that stops a loop names
            it, and other recipients must not read of it.
    """

    local: list[LocalCopy] = field(default_factory=list)
    remote: dict[str, list[Recipient]] = field(default_factory=dict)


def plan(resolved: Sequence[tuple[Recipient, Resolution]]) -> Plan:
    """Return who gets the message; nobody twice."""
    made = Plan()
    seen: set[tuple[int, str]] = set()
    for recipient, resolution in resolved:
        alias = resolution.route is Route.LOCAL
        for target in resolution.targets:
            if target.route is Route.LOCAL:
                key = (target.account_id, target.detail)
            else:
                key = (0, str(target.address))
            if key in seen:
                continue
            seen.add(key)
            if target.route is Route.LOCAL:
                made.local.append(LocalCopy(recipient, target))
            else:
                via = recipient.address.canonical if alias else ""
                made.remote.setdefault(via, []).append(_remote(recipient, target))
    return made


def _remote(recipient: Recipient, target: Target) -> Recipient:
    if target.address == recipient.address:
        return recipient
    # RFC 3461 §5.2.1: the original recipient survives forwarding.
    original = recipient.original or f"rfc822;{recipient.address}"
    return replace(recipient, address=target.address, original=original)


class _RefusedError(PabalError):
    """A message for one mailbox, which will never take it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


class Acceptor:
    """Takes responsibility for messages; one a process.

    Args (of the constructor):
        station: Where we are.
        mailboxes: Final delivery.
        queue: For everything that is not delivered at once.
        wake: Tells whoever runs the queue that there is work.
    """

    def __init__(
        self,
        station: Station,
        mailboxes: LocalDelivery,
        queue: QueueIntake,
        wake: Callable[[], None],
    ) -> None:
        self._station = station
        self._mailboxes = mailboxes
        self._queue = queue
        self._ringer = Ringer(wake)

    async def accept(self, incoming: Incoming) -> Outcome:
        """Return 250 once every copy is on disk, else 4xx: then nobody must rely on it.

        Some copies may have been made when a 4xx is returned: the sender tries again
        and they come twice, which is better than never.
        """
        made = plan(incoming.resolved)
        spool = incoming.spool
        if incoming.stamp:
            spool.prepend(incoming.stamp)
        start = 0
        if made.local:
            return_path = return_path_field(incoming.envelope.reverse_path)
            spool.prepend(return_path)
            start = len(return_path)
        try:
            if not spool.in_memory:
                # Fields go in front of a file by writing it anew: once, off the loop,
                # and before several threads read it.
                await asyncio.to_thread(_settle, spool)
            await self._store(incoming, made, start)
        except _RefusedError as error:
            return error.outcome
        except StorageFullError as error:
            return temporary(52, "3.1", "not enough storage, try later", str(error))
        except UnavailableError as error:
            return temporary(51, "3.0", "not now, try later", str(error))
        return delivered(f"accepted, id {incoming.way.trace_id}")

    async def _store(self, incoming: Incoming, made: Plan, start: int) -> None:
        """Write every copy; what a mailbox refuses for now goes to the queue.

        Raises:
            UnavailableError: Something could not be written.
        """
        if len(made.local) == 1 and not made.remote:
            late = [await self._deliver(incoming, made.local[0], alone=True)]
        else:
            late = await self._store_all(incoming, made, start)
        waiting = [one for one in late if one is not None]
        if waiting:
            item = self._item(incoming, waiting)
            await self._queue.add(item, incoming.spool, start)
            self._ringer.ring()

    async def _store_all(
        self, incoming: Incoming, made: Plan, start: int
    ) -> list[QueuedRecipient | None]:
        """Write every copy at the same time; return what mailboxes refused for now."""
        jobs: list[Awaitable[QueuedRecipient | None]] = [
            self._deliver(incoming, copy) for copy in made.local
        ]
        jobs += [
            self._enqueue(incoming, via, recipients, start)
            for via, recipients in made.remote.items()
        ]
        # Wait for all of them: the spool is closed when this returns.
        results = await asyncio.gather(*jobs, return_exceptions=True)
        late: list[QueuedRecipient | None] = []
        failed: list[BaseException] = []
        for result in results:
            if isinstance(result, BaseException):
                failed.append(result)
            else:
                late.append(result)
        if failed:
            raise failed[0]
        if made.remote:
            self._ringer.ring()
        return late

    async def _deliver(
        self, incoming: Incoming, copy: LocalCopy, *, alone: bool = False
    ) -> QueuedRecipient | None:
        """Deliver one copy; return the recipient to queue if that must wait.

        Args:
            alone: Nobody else gets the message, so its sender can be told now.

        Raises:
            _RefusedError: It is alone, and will never be delivered.
        """
        clock = self._station.clock
        began = clock.monotonic()
        outcome = await self._mailboxes.deliver(copy.target, incoming.spool)
        elapsed_ms = (clock.monotonic() - began) * 1000
        address = str(copy.target.address)
        if outcome.ok:
            incoming.delivered.append(copy.recipient)
            incoming.way.note(
                Stage.DELIVERED, address, elapsed_ms, detail=outcome.detail
            )
            return None
        if alone and outcome.permanence is Permanence.PERMANENT:
            # Whoever sends it can say so better than a bounce to who knows whom.
            raise _RefusedError(outcome)
        incoming.way.note(Stage.DEFERRED, address, elapsed_ms, reply=str(outcome))
        return QueuedRecipient(
            number=0,
            recipient=copy.recipient,
            destination=local_destination(copy.target.account_id),
            detail=copy.target.detail,
            next_attempt_at=clock.now()
            + self._station.settings.queue.schedule.retry_first_s,
            reply=str(outcome),
        )

    async def _enqueue(
        self, incoming: Incoming, via: str, recipients: Sequence[Recipient], start: int
    ) -> None:
        now = self._station.clock.now()
        queued = [
            QueuedRecipient(
                number=0,
                recipient=recipient,
                destination=recipient.address.ascii_domain,
                next_attempt_at=now,
            )
            for recipient in recipients
        ]
        item = self._item(incoming, queued)
        if via:
            # A spool of its own: the field is for these recipients only.
            with Spool(incoming.spool.directory) as spool:
                spool.write(delivered_to_field(via))
                for offset in range(start, incoming.spool.size, 256 * 1024):
                    spool.write(incoming.spool.read(offset, 256 * 1024))
                await self._queue.add(item, spool)
        else:
            await self._queue.add(item, incoming.spool, start)
        for recipient in recipients:
            incoming.way.note(
                Stage.QUEUED,
                str(recipient.address),
                detail=f"item {item.id}, {item.size_octets} octets"
                + (f", forwarded by {via}" if via else ""),
                item=item.id,
                size=item.size_octets,
                via=via,
            )

    def _item(
        self, incoming: Incoming, recipients: Sequence[QueuedRecipient]
    ) -> QueueItem:
        now = self._station.clock.now()
        return QueueItem(
            id=new_id(now),
            trace_id=incoming.way.trace_id,
            message_id=incoming.way.message_id,
            created_at=now,
            expires_at=now + self._station.settings.queue.expiry_s,
            envelope=replace(incoming.envelope, recipients=()),
            recipients=[
                replace(one, number=number) for number, one in enumerate(recipients)
            ],
            size_octets=incoming.spool.size,
        )


def _settle(spool: Spool) -> None:
    with spool.buffer():
        pass
