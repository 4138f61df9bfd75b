"""What a search asks of the tables: ``pabal.store.matching.FactSource``."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import apsw

from pabal.store.matching import FactKind, TextPart, TextTest, text_test
from pabal.store.ports import EmailId, MailboxId, Uid
from pabal.store.predicate import Contains, HeaderContains
from pabal.store.search.question import Question, question_of
from pabal.store.sqlite import reader
from pabal.store.sqlite.access import Access
from pabal.store.sqlite.texts import tested

READ_ANYWAY: Final = 32
"""Messages whose text is read rather than looked up."""

TESTS_AT_ONCE: Final = 64
"""Messages whose text one thread call searches: bounds how long a stop takes."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What an index knows of some emails.

    Attributes:
        marks: An octet each: 1 if it is found.
        unread: Places of those that must be read.
        newer: How many of them are not indexed yet.
    """

    marks: bytearray
    unread: list[int]
    newer: int


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
        known = await self._access.scan(
            lambda connection: self._known(connection, emails, asked)
        )
        self._access.indexing.behind(known.newer)
        if known.unread:
            some = [emails[at] for at in known.unread]
            verdicts = await self._test(some, *text_test(predicate))
            for at, verdict in zip(known.unread, verdicts, strict=True):
                known.marks[at] = verdict
        return bytes(known.marks)

    def _known(
        self,
        connection: apsw.Connection,
        emails: Sequence[EmailId],
        question: Question,
    ) -> _Known:
        """Return what the index knows of ``emails``."""
        known = self._access.indexing.look_up(connection, question)
        marks = bytearray(map(known.found.__contains__, emails))
        unread: list[int] = []
        if known.unsure:
            doubts = map(known.unsure.__contains__, emails)
            unread += compress(range(len(emails)), doubts)
        newer: list[int] = []
        if max(emails) > known.last_email:
            newer += [at for at, one in enumerate(emails) if one > known.last_email]
        return _Known(marks, unread + newer, len(newer))

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
