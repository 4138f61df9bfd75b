"""Expunged messages of one account, in memory: ``pabal.store.undelete.Undeletion``."""

from collections.abc import Callable, Sequence

from pabal.store.delta import Delta
from pabal.store.flags import DELETED
from pabal.store.memory.mailboxes import Mailboxes
from pabal.store.ports import EmailId, MailboxId
from pabal.store.undelete import SLICE, Gone, Kept


class MemoryUndeletion:
    """What of one account can be brought back."""

    def __init__(
        self, boxes: Mailboxes, publish: Callable[[Sequence[Delta]], None]
    ) -> None:
        self._boxes = boxes
        self._publish = publish

    async def gone(self, *, since: float = 0.0, after: EmailId = 0) -> Sequence[Gone]:
        """Return messages expunged since then, by email id."""
        return [
            one
            for one in self._all()
            if one.email_id > after and one.expunged_at >= since
        ][:SLICE]

    async def restore(
        self, emails: Sequence[EmailId], target: MailboxId
    ) -> Sequence[EmailId]:
        """Put expunged messages into ``target``; return which."""
        wanted = set(emails)
        back = [one for one in self._all() if one.email_id in wanted]
        if not back:
            return []
        numbers = [one.email_id for one in back]
        flags = [one.flags - {DELETED} for one in back]
        self._publish(self._boxes.restore(numbers, flags, target))
        return numbers

    async def kept(self) -> Kept:
        """Return how much there is."""
        there = self._all()
        return Kept(len(there), sum(one.size for one in there))

    async def discard(self, before: float) -> int:
        """Throw away what was expunged before; return how many messages."""
        return self._boxes.emails.discard(before)

    def _all(self) -> list[Gone]:
        orphans = self._boxes.emails.orphans()
        gone = self._boxes.gone
        return [gone[email] for email in sorted(orphans) if email in gone]
