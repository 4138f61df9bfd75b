"""Annotations of mailboxes and of the account, in memory."""

from collections.abc import Callable, Mapping

from pabal.store.annotation import changed, check
from pabal.store.memory.mailboxes import Mailboxes
from pabal.store.ports import ACCOUNT, Annotated, MailboxId


class MemoryAnnotations:
    """``pabal.store.ports.Annotations`` without a disk."""

    def __init__(self, boxes: Mailboxes, publish: Callable[[Annotated], None]) -> None:
        self._boxes = boxes
        self._publish = publish
        self._of: dict[MailboxId, dict[str, bytes]] = {}

    async def read(self, mailbox_id: MailboxId) -> Mapping[str, bytes]:
        """Return every annotation of a mailbox, or of ``ACCOUNT``."""
        if mailbox_id != ACCOUNT:
            self._boxes.box(mailbox_id)
        return dict(self._of.get(mailbox_id, {}))

    async def named(self, prefix: str) -> Mapping[MailboxId, Mapping[str, bytes]]:
        """Return the annotations whose names begin with ``prefix``, by mailbox."""
        there = {box.id for box in self._boxes.infos()} | {ACCOUNT}
        found = {}
        for mailbox_id in there.intersection(self._of):
            entries = self._of[mailbox_id].items()
            named = {name: value for name, value in entries if name.startswith(prefix)}
            if named:
                found[mailbox_id] = named
        return found

    async def write(
        self, mailbox_id: MailboxId, entries: Mapping[str, bytes | None]
    ) -> None:
        """Set annotations, all or none; ``None`` removes one."""
        check(entries)
        self._of[mailbox_id] = changed(dict(await self.read(mailbox_id)), entries)
        self._boxes.modseq += 1
        self._publish(Annotated(self._boxes.modseq, mailbox_id, tuple(entries)))
