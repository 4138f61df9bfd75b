"""Messages from another server, in memory: ``pabal.store.imports.Imports``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pabal.store.delta import Delta
from pabal.store.flags import Flags
from pabal.store.imports import (
    UID_MAX,
    UID_VALIDITY_MAX,
    UIDL_MAX_OCTETS,
    Imported,
    Key,
    Origin,
    SourceId,
)
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.memory.mailboxes import Mailboxes, check_room
from pabal.store.ports import Appended, MailboxChanged, MailboxEvent, MailboxId, Uid


class MemoryImports:
    """Imports into one account without a disk."""

    def __init__(
        self, boxes: Mailboxes, publish: Callable[[Sequence[Delta]], None]
    ) -> None:
        self._boxes = boxes
        self._publish = publish
        self._origins: dict[tuple[SourceId, Key], Origin] = {}
        self._uidls: dict[tuple[MailboxId, Uid], str] = {}

    async def adopt(self, mailbox_id: MailboxId, uid_validity: int) -> bool:
        """Give a mailbox another UIDVALIDITY; return whether it has it now."""
        box = self._boxes.box(mailbox_id)
        info = box.info
        if info.uid_validity == uid_validity:
            return True
        if not 0 < uid_validity <= UID_VALIDITY_MAX or info.uid_next != 1:
            return False
        self._boxes.modseq += 1
        info = replace(
            info, highest_modseq=self._boxes.modseq, uid_validity=uid_validity
        )
        box.arrays.info = info
        self._boxes.last_validity = max(self._boxes.last_validity, uid_validity)
        event = (
            MailboxEvent.SUBSCRIBED if info.subscribed else MailboxEvent.UNSUBSCRIBED
        )
        change = MailboxChanged(self._boxes.modseq, mailbox_id, event, info.name)
        self._publish([Delta(change, info)])
        return True

    async def put(
        self,
        mailbox_id: MailboxId,
        source: SourceId,
        emails: Sequence[Imported],
        limits: Limits = NO_LIMITS,
    ) -> Sequence[Appended | None]:
        """Add messages, all or none, and note where they came from."""
        box = self._boxes.box(mailbox_id)
        self._forget_removed()
        new = {one.key: one.spool.size for one in emails}
        sizes = [new[key] for key in new if (source, key) not in self._origins]
        check_room(self._boxes, limits, sizes)
        put: list[Appended | None] = []
        for email in emails:
            if (source, email.key) in self._origins:
                put.append(None)
                continue
            if box.info.uid_next < email.uid <= UID_MAX:
                box.arrays.info = replace(box.info, uid_next=email.uid)
            (appended,), deltas = self._boxes.append(mailbox_id, [email.new_email()])
            self._publish(deltas)
            origin = Origin(mailbox_id, appended.uid, self._spelled(email.flags))
            self._origins[source, email.key] = origin
            if email.uidl and len(email.uidl.encode()) <= UIDL_MAX_OCTETS:
                self._uidls[mailbox_id, appended.uid] = email.uidl
            put.append(appended)
        return put

    async def known(
        self, source: SourceId, keys: Sequence[Key]
    ) -> Mapping[Key, Origin]:
        """Return what became of those of ``keys`` that were put."""
        self._forget_removed()
        pairs = [(key, self._origins.get((source, key))) for key in keys]
        return {key: origin for key, origin in pairs if origin is not None}

    async def count(self, source: SourceId) -> int:
        """Return how many messages of ``source`` were put."""
        self._forget_removed()
        return sum(one == source for one, _ in self._origins)

    async def note_flags(self, source: SourceId, flags: Mapping[Key, Flags]) -> None:
        """Note the flags messages have at their source now."""
        for key, names in flags.items():
            origin = self._origins.get((source, key))
            if origin is not None:
                noted = replace(origin, flags=self._spelled(names))
                self._origins[source, key] = noted

    async def forget(self) -> int:
        """Forget where messages came from; return how many that were."""
        count = len(self._origins)
        self._origins.clear()
        return count

    async def uidls(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Mapping[Uid, str]:
        """Return the POP3 unique-ids of those of ``uids`` that came with one."""
        self._forget_removed()
        pairs = [(uid, self._uidls.get((mailbox_id, uid), "")) for uid in uids]
        return {uid: uidl for uid, uidl in pairs if uidl}

    def _spelled(self, flags: Flags) -> Flags:
        return self._boxes.flags[self._boxes.flags.intern(flags)]

    def _forget_removed(self) -> None:
        there = {info.id for info in self._boxes.infos()}
        self._origins = {
            key: origin
            for key, origin in self._origins.items()
            if origin.mailbox_id in there
        }
        self._uidls = {at: uidl for at, uidl in self._uidls.items() if at[0] in there}
