"""The octets of emails in the tables, for what reads them as a whole."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from pabal.message.mime import Octets
from pabal.message.spool import MEMORY_MAX_OCTETS, Spool
from pabal.store.matching import TextPart, TextTest
from pabal.store.ports import EmailId
from pabal.store.sqlite import reader


def tested(
    connection: apsw.Connection, email: EmailId, part: TextPart, test: TextTest
) -> bool:
    """Return what ``test`` says of an email."""
    if part is TextPart.WHOLE:
        with whole(connection, email) as octets:
            return octets is not None and test(octets)
    stored = reader.find(connection, email)
    if stored is None:
        return False
    return test(reader.octets(connection, email, stored.header_length))


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
