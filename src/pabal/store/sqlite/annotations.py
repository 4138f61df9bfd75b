"""Annotations of mailboxes and of the account: ``pabal.store.ports.Annotations``."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import apsw

from pabal.base.sqlite import errors
from pabal.store.annotation import changed, check
from pabal.store.delta import Delta
from pabal.store.ports import ACCOUNT, Annotated, MailboxId
from pabal.store.sqlite.access import Access
from pabal.store.sqlite.ledger import Ledger

REMOVED_MAX: Final = 200
"""Removed annotations of a mailbox that other processes can learn of."""

_WRITE: Final = """
INSERT OR REPLACE INTO annotation (mailbox, name, value, modseq) VALUES (?,?,?,?)
"""
_NAMED: Final = """
SELECT mailbox, name, value FROM annotation
WHERE substr(name, 1, ?) = ? AND value IS NOT NULL
"""
_FORGET: Final = """
DELETE FROM annotation WHERE mailbox = ? AND value IS NULL AND name NOT IN (
    SELECT name FROM annotation WHERE mailbox = ? AND value IS NULL
    ORDER BY modseq DESC LIMIT ?)
"""


class SqliteAnnotations:
    """The annotations of one account, a row each."""

    __slots__ = ("_access",)

    def __init__(self, access: Access) -> None:
        self._access = access

    async def read(self, mailbox_id: MailboxId) -> Mapping[str, bytes]:
        """Return every annotation of a mailbox, or of ``ACCOUNT``."""
        if mailbox_id != ACCOUNT:
            self._access.mirror.box(mailbox_id)
        with errors():
            return _load(self._access.reader(), mailbox_id)

    async def named(self, prefix: str) -> Mapping[MailboxId, Mapping[str, bytes]]:
        """Return the annotations whose names begin with ``prefix``, by mailbox."""
        with errors():
            cursor = self._access.reader().execute(_NAMED, (len(prefix), prefix))
            rows = cast("list[tuple[int, str, bytes]]", cursor.fetchall())
        found: dict[MailboxId, dict[str, bytes]] = {}
        for mailbox_id, name, value in rows:
            found.setdefault(mailbox_id, {})[name] = value
        return found

    async def write(
        self, mailbox_id: MailboxId, entries: Mapping[str, bytes | None]
    ) -> None:
        """Set annotations, all or none; ``None`` removes one."""
        check(entries)
        await self._access.change(lambda ledger: _store(ledger, mailbox_id, entries))


def _load(connection: apsw.Connection, mailbox_id: MailboxId) -> dict[str, bytes]:
    rows = connection.execute(
        "SELECT name, value FROM annotation WHERE mailbox = ? AND value IS NOT NULL",
        (mailbox_id,),
    ).fetchall()
    return dict(cast("list[tuple[str, bytes]]", rows))


def _store(
    ledger: Ledger, mailbox_id: MailboxId, entries: Mapping[str, bytes | None]
) -> Sequence[Delta]:
    info = None if mailbox_id == ACCOUNT else ledger.box(mailbox_id)
    changed(_load(ledger.connection, mailbox_id), entries)
    modseq = ledger.next_modseq()
    for name, value in entries.items():
        ledger.connection.execute(_WRITE, (mailbox_id, name, value, modseq))
    ledger.connection.execute(_FORGET, (mailbox_id, mailbox_id, REMOVED_MAX))
    return [Delta(Annotated(modseq, mailbox_id, tuple(entries)), info)]
