"""Telling a sender that a message did not arrive (RFC 3464), or that it did (RFC 3461).

A notification goes the way of every message: into a mailbox here or into the queue,
from the null reverse-path. There is none about a message that came from there.
"""

from collections.abc import Sequence
from typing import Final

from pabal.base.ids import new_id
from pabal.base.log import Log
from pabal.directory.ports import Directory, Route
from pabal.message.header import split
from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.mta.accept import Acceptor, Incoming
from pabal.mta.notification import (
    Identification,
    Report,
    Subject,
    build_notification,
)
from pabal.mta.queue.item import QueueItem
from pabal.mta.stamp import local_received_field
from pabal.mta.station import Station, Way
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.outcome import Outcome, delivered, permanent
from pabal.trace.ports import Stage

log = Log("bounce")

FAILURE: Final = "FAILURE"
SUCCESS: Final = "SUCCESS"
NEVER: Final = "NEVER"

_NOBODY: Final = permanent(50, "1.1", "the sender does not exist here")


class Bouncer:
    """Writes notifications and sends them on their way."""

    def __init__(
        self, station: Station, directory: Directory, acceptor: Acceptor
    ) -> None:
        self._station = station
        self._directory = directory
        self._acceptor = acceptor

    async def notify(
        self, item: QueueItem, body: Spool, reports: Sequence[Report]
    ) -> bool:
        """Tell the sender of ``item``; return ``False`` if that must be tried again.

        Reports nobody asked for are left out; so is everything when the message itself
        came from the null reverse-path (RFC 5321 §4.5.5) or its sender is unknown here.
        """
        way = Way(self._station, item.trace_id, item.message_id)
        # Failures first: the subject says what the first one says.
        wanted = sorted(filter(_is_wanted, reports), key=lambda one: one.outcome.ok)
        sender = item.envelope.reverse_path
        if sender is None or not wanted:
            for report in reports:
                why = "sender <>" if sender is None else "not wanted"
                _note(way, report, f"nobody told: {why}")
            return True
        notice = new_id(self._station.clock.now())
        outcome = await self._send(item, body, wanted, notice)
        if not outcome.ok and outcome is not _NOBODY:
            log.warning("notification postponed", item=item.id, reply=str(outcome))
            return False
        for report in reports:
            told = f"<{sender}> told" if report in wanted else "nobody told: not wanted"
            _note(way, report, told if outcome.ok else "nobody told: unknown sender")
        return True

    async def confirm(
        self,
        way: Way,
        envelope: Envelope,
        octets: Spool,
        recipients: Sequence[Recipient],
    ) -> None:
        """Tell the sender of a message just accepted who has it (RFC 3461 §6.1).

        Args:
            way: Of the message.
            envelope: Of the message.
            octets: The message.
            recipients: Whose mailboxes here it is in.
        """
        now = self._station.clock.now()
        item = QueueItem(
            id=way.trace_id,
            trace_id=way.trace_id,
            message_id=way.message_id,
            created_at=now,
            expires_at=now,
            envelope=envelope,
            recipients=(),
        )
        reports = [
            Report(recipient, delivered("delivered to the mailbox"))
            for recipient in recipients
            if wants_success(recipient)
        ]
        if reports:
            await self.notify(item, octets, reports)

    async def _send(
        self, item: QueueItem, body: Spool, reports: Sequence[Report], notice: str
    ) -> Outcome:
        sender = item.envelope.reverse_path
        if sender is None:
            return _NOBODY
        resolution = self._directory.resolve(sender)
        if resolution.route is Route.UNKNOWN:
            return _NOBODY
        with Spool(body.directory) as spool:
            now = self._station.clock.now()
            self._write(item, body, reports, notice, spool)
            # RFC 3461 §6.2: a notification asks for none.
            recipient = Recipient(sender, frozenset({NEVER}))
            hostname = self._station.settings.hostname
            envelope = Envelope(
                None,
                (recipient,),
                BodyType.EIGHT_BIT,
                smtputf8=item.envelope.smtputf8,
            )
            way = self._station.new_way().named(f"{notice}@{hostname}")
            stamp = local_received_field(hostname, way.trace_id, now)
            way.note(
                Stage.SUBMITTED,
                str(sender),
                detail=f"notification about <{item.message_id}>",
                about=item.message_id,
                size=spool.size,
            )
            return await self._acceptor.accept(
                Incoming(way, envelope, spool, ((recipient, resolution),), stamp)
            )

    def _write(
        self,
        item: QueueItem,
        body: Spool,
        reports: Sequence[Report],
        notice: str,
        spool: Spool,
    ) -> None:
        """Write the notification with what goes back of the original."""
        settings = self._station.settings
        small = body.size <= settings.bounce_full_max_octets
        # RFC 3461 §4.3: RET= of the sender; ours to choose without one.
        whole = item.envelope.ret != "HDRS" and (small or item.envelope.ret == "FULL")
        if not any(report.action == "failed" for report in reports):
            whole = False
        mine = Identification(settings.hostname, notice, self._station.clock.now())
        about = Subject(
            item.envelope.reverse_path or reports[0].recipient.address,
            item.created_at,
            item.envelope.envelope_id,
            item.envelope.smtputf8,
            whole,
        )
        before, after = build_notification(mine, about, reports)
        spool.write(before)
        if whole:
            for chunk in body.chunks(CHUNK_OCTETS):
                spool.write(chunk)
        else:
            octets = body.read(0, settings.bounce_full_max_octets)
            spool.write(octets[: split(octets)])
        spool.write(after)


def wants_success(recipient: Recipient) -> bool:
    """Whether the sender asked to hear of a delivery (RFC 3461 §4.1)."""
    return SUCCESS in recipient.notify


def _is_wanted(report: Report) -> bool:
    """Whether the sender asked for it (RFC 3461 §4.1); by default failures only."""
    notify = report.recipient.notify
    if report.action == "failed":
        return not notify or FAILURE in notify
    return report.outcome.ok and SUCCESS in notify


def _note(way: Way, report: Report, told: str) -> None:
    if report.action == "failed":
        way.note(
            Stage.BOUNCED,
            str(report.recipient.address),
            detail=f"{report.outcome}; {told}",
            reply=str(report.outcome),
            by=report.host,
            notification=told,
        )
