"""The queue's driver: claims what is due, has it delivered, notes what became of it.

One task a delivery; nothing here waits for one destination while another could be
served. Stopping lets deliveries under way end.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pabal.base.errors import PabalError, UnavailableError
from pabal.base.ids import new_id
from pabal.base.log import Log
from pabal.base.tasks import Tasks, sleep_until_set
from pabal.directory.ports import Route, Target
from pabal.message.spool import Spool
from pabal.mta.bounce import Bouncer
from pabal.mta.judgement import judge, postponed, untried
from pabal.mta.notification import Report
from pabal.mta.ports import LocalDelivery
from pabal.mta.queue.item import (
    BEFORE_ALL,
    RETURN_NOW,
    AttemptRecord,
    QueuedRecipient,
    QueueItem,
    RecipientState,
)
from pabal.mta.queue.ports import Queue, Take
from pabal.mta.queue.schedule import Assignment, Schedule
from pabal.mta.stamp import return_path_field
from pabal.mta.station import Station, Way
from pabal.mta.transport.delivery import Delivered, Delivery, SmtpTransport
from pabal.smtp.outcome import Outcome, permanent, temporary
from pabal.trace.ports import Stage

log = Log("queue")

IDLE_LEAST_SECONDS: Final = 0.05
"""Shortest wait between two looks at the queue when nothing woke us."""

BACKLOG_APART: Final = 4.0
BACKLOG_APART_MAX_SECONDS: Final = 0.05
"""Pause between two looks while more is due than may wait here, in lengths of a look:
each goes over the same rows, and takes a portion for every destination."""

EXPIRES_SOON_SECONDS: Final = 60.0
"""What expires within this may go back: longer than noting an outcome takes."""

STOP_SECONDS: Final = 10.0
"""How long deliveries under way may take when we stop."""

RETURNED: Final = permanent(54, "7.1", "returned to its sender by the administrator")


@dataclass(frozen=True, slots=True)
class Exits:
    """Where queued mail can go.

    Attributes:
        transport: To other servers.
        mailboxes: To mailboxes here.
        bouncer: Back.
    """

    transport: SmtpTransport
    mailboxes: LocalDelivery
    bouncer: Bouncer


class QueueRunner:
    """Runs one queue; one process a store does.

    Args (of the constructor):
        station: Where we are.
        queue: What waits.
        schedule: Decides.
        exits: Where it goes.
    """

    def __init__(
        self, station: Station, queue: Queue, schedule: Schedule, exits: Exits
    ) -> None:
        self._station = station
        self._queue = queue
        self._schedule = schedule
        self._exits = exits
        self._owner = new_id(station.clock.now())
        self._tasks = Tasks()
        self._wakened = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._renewed_at = 0.0
        self._behind = False

    def wake(self) -> None:
        """Look at the queue now: something was added or changed."""
        self._wakened.set()

    async def run(self) -> None:
        """Serve the queue until ``stop``."""
        self._ended.clear()
        try:
            while not self._stopping.is_set():
                began = self._station.clock.monotonic()
                wait_s = await self._guarded_turn()
                if self._behind:
                    pause_s = BACKLOG_APART * (self._station.clock.monotonic() - began)
                    pause_s = min(pause_s, BACKLOG_APART_MAX_SECONDS)
                    await sleep_until_set(self._stopping, pause_s)
                await sleep_until_set(self._wakened, wait_s)
                self._wakened.clear()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Start nothing more; let deliveries under way end; give back the rest."""
        self._stopping.set()
        self.wake()
        await self._ended.wait()
        await self._tasks.wait(STOP_SECONDS)
        waiting = self._schedule.waiting()
        await self._tasks.stop()
        try:
            # Due again at once: a restart waits for no lease.
            now = self._station.clock.now()
            await self._queue.renew(self._owner, now, waiting)
        except UnavailableError as error:
            log.warning("claims not given back", error=str(error))

    async def settled(self, seconds: float) -> bool:
        """Wait until nothing is under way; return whether that came in time."""
        return await self._tasks.wait(seconds)

    async def turn(self) -> float:
        """Claim and start what is due; return how long to wait for more, seconds.

        Raises:
            UnavailableError: The queue cannot be read now.
        """
        settings = self._station.settings.queue
        now = self._station.clock.now()
        if now - self._renewed_at >= settings.lease_s / 3:
            self._renewed_at = now
            held = self._schedule.held()
            if held:
                await self._queue.renew(self._owner, now + settings.lease_s, held)
        claimed = 0
        if self._schedule.room and not self._stopping.is_set():
            claims = await self._queue.take(
                Take(
                    owner=self._owner,
                    now=now,
                    until=now + settings.lease_s,
                    limit=self._schedule.room,
                    a_destination=settings.schedule.waiting_max,
                    skip=self._schedule.full(),
                )
            )
            self._schedule.add(claims)
            claimed = len(claims)
        self._start()
        return await self._patience(now, claimed)

    async def _guarded_turn(self) -> float:
        try:
            return await self.turn()
        except UnavailableError as error:
            log.warning("the queue cannot be read", error=str(error))
        except Exception:
            # The queue goes on: a bug costs one look at it.
            log.exception("bug in the queue")
        return self._station.settings.queue.poll_s

    def _start(self) -> None:
        if self._stopping.is_set():
            return
        for assignment in self._schedule.start(self._station.clock.monotonic()):
            self._tasks.start(
                self._serve(assignment), f"delivery to {assignment.destination}"
            )

    async def _patience(self, now: float, claimed: int) -> float:
        """Return how long to wait for more; take note of whether more is due."""
        settings = self._station.settings.queue
        longest = settings.poll_s
        if self._schedule.busy:
            longest = min(longest, settings.lease_s / 3)
        first_at = await self._queue.next_due_at(BEFORE_ALL)
        self._behind = first_at is not None and first_at <= now
        if self._behind and claimed:
            return 0.0
        # When nothing was to be had, the end of a delivery wakes us.
        due_at = await self._queue.next_due_at(now) if self._behind else first_at
        if due_at is None:
            return longest
        return min(longest, max(IDLE_LEAST_SECONDS, due_at - now))

    async def _serve(self, assignment: Assignment) -> None:
        """Do one assignment and look for the next: a free place is used at once."""
        reached, reason = True, ""
        try:
            reached, reason = await self._attempt(assignment)
        except PabalError as error:
            # The lease ends by itself; nothing is lost.
            log.warning(
                "delivery not recorded", item=assignment.item_id, error=str(error)
            )
        finally:
            now = self._station.clock.monotonic()
            self._schedule.finished(assignment, now, reached=reached, reason=reason)
            self._start()
            if self._behind and self._schedule.wants(assignment.destination):
                self.wake()

    async def _attempt(self, assignment: Assignment) -> tuple[bool, str]:
        """Deliver and note results; return whether anybody was reached, or why not.

        Raises:
            PabalError: The results could not be written.
        """
        item = await self._queue.item(assignment.item_id)
        if item is None:
            return True, ""
        numbers = {claim.number for claim in assignment.claims}
        mine = [
            one
            for one in item.recipients
            if one.number in numbers and one.owner == self._owner
        ]
        held = [one for one in mine if one.state is RecipientState.HOLD]
        if held:
            await self._record([untried(item, one) for one in held])
        recipients = [one for one in mine if one not in held]
        if not recipients:
            return True, ""
        with await self._body(item, assignment) as body:
            if item.expires_at == RETURN_NOW:
                count = len(recipients)
                result = Delivered([RETURNED] * count, [""] * count, reached=True)
            elif assignment.dead:
                count = len(recipients)
                skipped = temporary(51, "4.1", assignment.dead)
                result = Delivered([skipped] * count, [""] * count)
            else:
                result = await self._deliver(item, body, recipients)
            await self._conclude(item, body, recipients, result)
        return result.reached, "" if result.reached else result.outcomes[0].text

    async def _body(self, item: QueueItem, assignment: Assignment) -> Spool:
        """Return the octets; none for those spared an attempt: nobody looks at them."""
        soon = self._station.clock.now() + EXPIRES_SOON_SECONDS
        if assignment.dead and item.expires_at > soon:
            return Spool()
        return await self._queue.body(item.id)

    async def _deliver(
        self, item: QueueItem, body: Spool, recipients: Sequence[QueuedRecipient]
    ) -> Delivered:
        if recipients[0].account_id:
            outcomes = [await self._deliver_here(item, body, one) for one in recipients]
            return Delivered(outcomes, [""] * len(outcomes), reached=True)
        envelope = replace(
            item.envelope, recipients=[one.recipient for one in recipients]
        )
        return await self._exits.transport.deliver(
            Delivery(self._way(item), recipients[0].destination, envelope, body)
        )

    async def _deliver_here(
        self, item: QueueItem, body: Spool, recipient: QueuedRecipient
    ) -> Outcome:
        """Deliver to a mailbox that could not take the message at once."""
        target = Target(
            Route.LOCAL,
            recipient.recipient.address,
            recipient.account_id,
            recipient.detail,
        )
        with Spool(body.directory) as spool:
            spool.write(return_path_field(item.envelope.reverse_path))
            for chunk in body.chunks():
                spool.write(chunk)
            try:
                outcome = await self._exits.mailboxes.deliver(target, spool)
            except UnavailableError as error:
                return temporary(52, "3.1", "not enough storage", str(error))
        if outcome.ok:
            self._way(item).note(
                Stage.DELIVERED, str(target.address), detail=outcome.detail
            )
        return outcome

    async def _conclude(
        self,
        item: QueueItem,
        body: Spool,
        recipients: Sequence[QueuedRecipient],
        result: Delivered,
    ) -> None:
        """Tell the sender what is final, then note all results.

        In this order: a crash in between tells twice, never not at all.
        """
        now = self._station.clock.now()
        way = self._way(item)
        records: list[AttemptRecord] = []
        reports: list[Report] = []
        for place, (recipient, outcome, host) in enumerate(
            zip(recipients, result.outcomes, result.hosts, strict=True)
        ):
            relayed = place in result.relayed
            retry_at = now
            if not outcome.ok:
                retry_at = self._schedule.next_attempt_at(recipient.attempts + 1, now)
            record, final = judge(item, recipient, (outcome, host), now, retry_at)
            records.append(record)
            if record.state is RecipientState.BOUNCED:
                said = str(outcome) if host else ""
                reports.append(Report(recipient.recipient, final, host, said=said))
            elif outcome.ok and (relayed or recipient.account_id):
                # RFC 3461 §5.2.2: others who were sent it tell the sender themselves.
                reports.append(
                    Report(recipient.recipient, final, host, relayed=relayed)
                )
            if record.state is RecipientState.DEFERRED:
                way.note(
                    Stage.DEFERRED,
                    str(recipient.recipient.address),
                    detail=f"{outcome}; again in {record.next_attempt_at - now:.0f} s",
                    reply=str(outcome),
                    by=host,
                    attempts=recipient.attempts + 1,
                    retry_in_s=round(record.next_attempt_at - now, 1),
                )
        if reports and not await self._exits.bouncer.notify(item, body, reports):
            again = self._schedule.next_attempt_at(1, now)
            records = [postponed(record, again) for record in records]
        await self._record(records)
        if not all(record.state.final for record in records):
            self.wake()  # something is due at a time the loop does not know

    async def _record(self, records: Sequence[AttemptRecord]) -> None:
        """Note results, however long the disk takes to have room for them.

        Until then the claims are ours and their leases renewed: nobody sends again what
        was sent. Only a stop gives up.

        Raises:
            UnavailableError: We stop; the lease ends by itself.
        """
        while True:
            try:
                await self._queue.finish(self._owner, records)
                return
            except UnavailableError as error:
                log.warning("results cannot be written yet", error=str(error))
                poll_s = self._station.settings.queue.poll_s
                if await sleep_until_set(self._stopping, poll_s):
                    raise

    def _way(self, item: QueueItem) -> Way:
        return Way(self._station, item.trace_id, item.message_id)
