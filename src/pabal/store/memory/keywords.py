"""What mailboxes in memory remember: ``pabal.store.keywords.Keywords``."""

from collections.abc import Sequence

from pabal.store.memory.mailboxes import Mailboxes
from pabal.store.ports import MailboxId, NoSuchMailboxError


class MemoryKeywords:
    """Keywords that messages of one account lost."""

    def __init__(self, boxes: Mailboxes) -> None:
        self._boxes = boxes

    async def lost(self, mailbox_id: MailboxId) -> Sequence[str]:
        """Return what a mailbox remembers, none if it is gone; last used come first."""
        try:
            return self._boxes.box(mailbox_id).lost.latest_first()
        except NoSuchMailboxError:
            return ()
