"""What a search asks of mailboxes in memory: ``pabal.store.matching.FactSource``."""

import asyncio
from collections.abc import Sequence

from pabal.store.matching import FactKind, TextPart, text_test
from pabal.store.memory.mailboxes import Mailboxes
from pabal.store.ports import EmailId, MailboxId, Uid
from pabal.store.predicate import Contains, HeaderContains


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

    async def holds(
        self, emails: Sequence[EmailId], predicate: Contains | HeaderContains
    ) -> bytes:
        """Return for each email 1 if ``predicate`` holds for its text, else 0."""
        part, test = text_test(predicate)
        marks = bytearray()
        for email_id in emails:
            email = self._boxes.emails.get(email_id)
            if email is None:
                marks.append(0)
                continue
            whole = part is TextPart.WHOLE
            end = email.facts.size if whole else email.facts.header_length
            marks.append(test(email.octets[:end]))
            await asyncio.sleep(0)
        return bytes(marks)
