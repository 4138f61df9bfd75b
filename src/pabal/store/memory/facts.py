"""What a search asks of mailboxes in memory: ``pabal.store.matching.FactSource``."""

import asyncio
from collections.abc import Sequence

from pabal.store.matching import FactKind, TextPart, TextTest
from pabal.store.memory.mailboxes import Mailboxes
from pabal.store.ports import EmailId, MailboxId, Uid


class MemoryFacts:
    """Facts of the emails of one account."""

    def __init__(self, boxes: Mailboxes) -> None:
        self._boxes = boxes

    async def numbers(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        emails: Sequence[EmailId],
        kind: FactKind,
    ) -> Sequence[float | None]:
        """Return what a predicate compares."""
        if kind is FactKind.SAVED:
            saved = self._boxes.box(mailbox_id).saved
            return [saved.get(uid) for uid in uids]
        found = [self._boxes.emails.get(email) for email in emails]
        return [None if email is None else email.number(kind) for email in found]

    async def test(
        self, emails: Sequence[EmailId], part: TextPart, test: TextTest
    ) -> Sequence[bool]:
        """Return what ``test`` says of octets."""
        verdicts = []
        for email_id in emails:
            email = self._boxes.emails.get(email_id)
            if email is None:
                verdicts.append(False)
                continue
            whole = part is TextPart.WHOLE
            end = email.facts.size if whole else email.facts.header_length
            verdicts.append(test(email.octets[:end]))
            await asyncio.sleep(0)
        return verdicts
