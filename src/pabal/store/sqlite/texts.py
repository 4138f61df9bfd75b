"""The octets of emails in the tables, for what reads them as a whole."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Final, cast

import apsw

from pabal.message.mime import Octets
from pabal.message.spool import MEMORY_MAX_OCTETS, Spool
from pabal.store.matching import TextPart, TextTest
from pabal.store.ports import Column, EmailId
from pabal.store.search.segment import HEADER_END
from pabal.store.sqlite import reader

READ_AT_ONCE: Final = 16
"""Messages read with one statement: at most 4 MB of octets."""

BETWEEN: Final = b"\xff"
"""Between messages: nothing that is looked for has it, which is UTF-8."""

PLAIN_AT_ONCE: Final = 32
"""The same of plain ones. Of most mail less than 128 kB, which the C library would map
anew each time: that takes longer than looking."""


def tested(
    connection: apsw.Connection,
    emails: Sequence[EmailId],
    part: TextPart,
    test: TextTest,
) -> list[bool]:
    """Return what ``test`` says of each email; one that is gone is ``False``."""
    column = Column.OCTETS if part is TextPart.WHOLE else Column.HEADER
    verdicts: list[bool] = []
    for start in range(0, len(emails), READ_AT_ONCE):
        some = emails[start : start + READ_AT_ONCE]
        rows = reader.rows(connection, some, (column,))
        for email, row in zip(some, rows, strict=True):
            if row is not None and row[0] is not None:
                verdicts.append(test(cast("bytes", row[0])))
                continue
            with whole(connection, email) as octets:
                verdicts.append(octets is not None and test(octets))
    return verdicts


def held_plainly(
    connection: apsw.Connection, emails: Sequence[EmailId], wanted: Sequence[bytes]
) -> list[bool]:
    """Return which plain emails (``segment.is_plain``) hold one of some octets.

    Args:
        connection: To the mailbox.
        emails: Plain ones.
        wanted: In lower case.
    """
    # Octets of other scripts have no case that a plain message could differ in.
    has_case = any(one.upper() != one for one in wanted)
    verdicts: list[bool] = []
    for start in range(0, len(emails), PLAIN_AT_ONCE):
        some = emails[start : start + PLAIN_AT_ONCE]
        rows = reader.rows(connection, some, (Column.OCTETS,))
        texts = [
            cast("bytes", row[0])
            if row is not None and row[0] is not None
            else _all(connection, email)
            for email, row in zip(some, rows, strict=True)
        ]
        joined = BETWEEN.join(texts)
        starts = [*accumulate((len(text) + len(BETWEEN) for text in texts), initial=0)]
        held = [False] * len(texts)
        for one in wanted:
            _mark(held, joined.lower() if has_case else joined, starts, one)
        verdicts += held
    return verdicts


def _mark(held: list[bool], joined: bytes, starts: Sequence[int], one: bytes) -> None:
    """Mark those of the messages in ``joined`` that hold ``one`` in their body."""
    at = joined.find(one)
    while at >= 0:
        number = bisect_right(starts, at) - 1
        body = joined.index(HEADER_END, starts[number]) + len(HEADER_END)
        if at >= body:
            held[number] = True
            body = starts[number + 1]
        at = joined.find(one, body)


def _all(connection: apsw.Connection, email: EmailId) -> bytes:
    with whole(connection, email) as octets:
        return b"" if octets is None else bytes(octets)


@contextmanager
def whole(connection: apsw.Connection, email: EmailId) -> Iterator[Octets | None]:
    """Lend the octets of an email, ``None`` if it is gone.

    A long one is mapped, not loaded.
    """
    stored = reader.find(connection, email)
    if stored is None:
        yield None
    elif stored.size <= MEMORY_MAX_OCTETS:
        yield reader.octets(connection, email, stored.size)
    else:
        with Spool() as spool:
            for number, _, _ in reader.pieces(email, stored, 0, stored.size):
                spool.write(reader.chunk(connection, number))
            with spool.buffer() as buffer:
                yield buffer
