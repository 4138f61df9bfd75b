"""What a search asks of the tables: ``pabal.store.matching.FactSource``."""

from array import array
from collections.abc import Sequence
from itertools import compress
from typing import Final

import apsw

from pabal.store.matching import FactKind, TextPart, TextTest, text_test
from pabal.store.ports import EmailId, MailboxId, Uid
from pabal.store.predicate import Contains, HeaderContains
from pabal.store.search.question import question_of
from pabal.store.sqlite import reader
from pabal.store.sqlite.access import Access
from pabal.store.sqlite.texts import held_plainly, tested

READ_ANYWAY: Final = 32
"""Messages whose text is read rather than looked up."""

TESTS_AT_ONCE: Final = 256
"""Messages whose text one thread call searches: bounds how long a stop takes."""

PLAIN_TESTS_AT_ONCE: Final = 2_048
"""The same of plain ones: some milliseconds."""


class Facts:
    """Facts of the emails of one account, read on threads."""

    __slots__ = ("_access",)

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

    async def holds(
        self, emails: Sequence[EmailId], predicate: Contains | HeaderContains
    ) -> bytes:
        """Return for each email 1 if ``predicate`` holds for its text, else 0.

        The index answers for what it has; what it leaves open is read.
        """
        question = question_of(predicate) if len(emails) > READ_ANYWAY else None
        if question is None:
            return bytes(await self._test(emails, *text_test(predicate)))
        asked = question
        known_emails = emails if isinstance(emails, array) else array("Q", emails)
        indexing = self._access.indexing
        known = await self._access.scan(
            lambda connection: indexing.look_up(connection, asked, known_emails)
        )
        unread: list[int] = []
        marks = known.found
        if 1 in known.plain:
            await self._read_plain(emails, known.plain, asked.octets, marks)
        if 1 in known.unsure:
            unread += compress(range(len(emails)), known.unsure)
        if not known.is_whole:
            newer = [at for at, one in enumerate(emails) if one > known.last_email]
            indexing.behind(len(newer))
            unread += newer
        verdicts = await self._test(
            [emails[at] for at in unread], *text_test(predicate)
        )
        for at, verdict in zip(unread, verdicts, strict=True):
            marks[at] = verdict
        return bytes(marks)

    async def _read_plain(
        self,
        emails: Sequence[EmailId],
        plain: bytearray,
        wanted: Sequence[bytes],
        marks: bytearray,
    ) -> None:
        """Mark those of the ``plain`` emails that hold one of some octets."""
        unread = [*compress(range(len(emails)), plain)]
        for start in range(0, len(unread), PLAIN_TESTS_AT_ONCE):
            some = unread[start : start + PLAIN_TESTS_AT_ONCE]

            def read(
                connection: apsw.Connection, some: Sequence[int] = some
            ) -> list[bool]:
                return held_plainly(connection, [emails[at] for at in some], wanted)

            for at in compress(some, await self._access.scan(read)):
                marks[at] = 1

    async def _test(
        self, emails: Sequence[EmailId], part: TextPart, test: TextTest
    ) -> list[bool]:
        """Return what ``test`` says of each email's octets."""
        verdicts: list[bool] = []
        for start in range(0, len(emails), TESTS_AT_ONCE):
            some = emails[start : start + TESTS_AT_ONCE]

            def tests(
                connection: apsw.Connection, some: Sequence[EmailId] = some
            ) -> list[bool]:
                return tested(connection, some, part, test)

            verdicts += await self._access.scan(tests)
        return verdicts
