"""The keywords each mailbox remembers, in its table: see ``pabal.store.keywords``."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, cast

import apsw

from pabal.base.sqlite import errors
from pabal.store.keywords import REMEMBERED_MAX
from pabal.store.ports import MailboxId
from pabal.store.sqlite.ledger import Ledger

NOTED_AGAIN_S: Final = 3_600.0
"""After how long it is noted anew that a keyword was in use: who expunges messages with
one every minute does not write the table each time."""

_NOTE: Final = """
INSERT INTO keyword (mailbox, name, lost_at) VALUES (?1, ?2, ?3)
ON CONFLICT (mailbox, name) DO UPDATE SET lost_at = ?3
    WHERE lost_at NOT BETWEEN ?4 AND ?3
"""
_FORGET: Final = """
DELETE FROM keyword WHERE mailbox = ?1 AND name IN (SELECT name FROM keyword
    WHERE mailbox = ?1 ORDER BY lost_at DESC, name LIMIT -1 OFFSET ?2)
"""
_READ: Final = """
SELECT name FROM keyword WHERE mailbox = ? ORDER BY lost_at DESC, name
"""


def note(ledger: Ledger, mailbox_id: MailboxId, names: Iterable[str]) -> None:
    """Take note, inside the transaction, that messages lost keywords."""
    now = ledger.clock.now()
    execute = ledger.connection.execute
    noted = 0
    for name in names:
        execute(_NOTE, (mailbox_id, name, now, now - NOTED_AGAIN_S))
        noted += ledger.connection.changes()
    if noted:
        execute(_FORGET, (mailbox_id, REMEMBERED_MAX))


class SqliteKeywords:
    """Implements ``pabal.store.keywords.Keywords``.

    Args (of the constructor):
        reader: Returns the connection for point reads.
    """

    def __init__(self, reader: Callable[[], apsw.Connection]) -> None:
        self._reader = reader

    async def lost(self, mailbox_id: MailboxId) -> Sequence[str]:
        """Return what a mailbox remembers, none if it is gone; last used come first."""
        with errors():
            cursor = self._reader().execute(_READ, (mailbox_id,))
            return [cast("str", name) for (name,) in cursor]
