"""What a search asks of the tables: ``pabal.store.matching.FactSource``."""

from collections.abc import Sequence
from typing import Final

import apsw

from pabal.message.spool import MEMORY_MAX_OCTETS, Spool
from pabal.store.matching import FactKind, TextPart, TextTest
from pabal.store.ports import EmailId, MailboxId, Uid
from pabal.store.sqlite import reader
from pabal.store.sqlite.access import Access

TESTS_AT_ONCE: Final = 64
"""Messages whose text one thread call searches: bounds how long a stop takes."""


class Facts:
    """Facts of the emails of one account, read on threads."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def numbers(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        emails: Sequence[EmailId],
        kind: FactKind,
    ) -> Sequence[float | None]:
        """Return a fact of each email, in order."""
        if kind is FactKind.SAVED:
            return await self._access.scan(
                lambda connection: reader.saved_dates(connection, mailbox_id, uids)
            )
        return await self._access.scan(
            lambda connection: reader.numbers(connection, emails, kind)
        )

    async def test(
        self, emails: Sequence[EmailId], part: TextPart, test: TextTest
    ) -> Sequence[bool]:
        """Return what ``test`` says of each email's octets."""
        verdicts: list[bool] = []
        for start in range(0, len(emails), TESTS_AT_ONCE):
            some = emails[start : start + TESTS_AT_ONCE]

            def tests(
                connection: apsw.Connection, some: Sequence[EmailId] = some
            ) -> list[bool]:
                return [tested(connection, email, part, test) for email in some]

            verdicts += await self._access.scan(tests)
        return verdicts


def tested(
    connection: apsw.Connection, email: EmailId, part: TextPart, test: TextTest
) -> bool:
    """Return what ``test`` says of an email; a long one is mapped, not loaded."""
    stored = reader.find(connection, email)
    if stored is None:
        return False
    if part is TextPart.HEADER:
        return test(reader.octets(connection, email, stored.header_length))
    if stored.size <= MEMORY_MAX_OCTETS:
        return test(reader.octets(connection, email, stored.size))
    with Spool() as spool:
        for number, _, _ in reader.pieces(email, stored, 0, stored.size):
            spool.write(reader.chunk(connection, number))
        with spool.buffer() as buffer:
            return test(buffer)
