"""Expunged messages of one account: ``pabal.store.undelete.Undeletion``."""

from collections.abc import Sequence
from typing import Final, cast

import apsw

from pabal.base.sqlite import errors
from pabal.store.counts import count
from pabal.store.delta import Delta
from pabal.store.flags import DELETED, FlagAction, FlagChange
from pabal.store.ports import Added, EmailId, MailboxId
from pabal.store.sqlite.access import Access
from pabal.store.sqlite.housekeeping import purge
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.messages import bound
from pabal.store.undelete import SLICE, Gone, Kept

_GONE: Final = """
SELECT o.email, coalesce(m.name, r.name, ''), x.uid, x.flags, e.size, o.expunged_at,
    max(x.modseq)
FROM (SELECT email, expunged_at FROM orphan
      WHERE email > ? AND expunged_at >= ? ORDER BY email LIMIT ?) o
JOIN email e ON e.id = o.email
JOIN expunged x ON x.email = o.email
LEFT JOIN mailbox m ON m.id = x.mailbox
LEFT JOIN removed r ON r.mailbox = x.mailbox
WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.email = o.email)
GROUP BY o.email ORDER BY o.email
"""
"""With one max(), the other columns are those of its row (sqlite.org/lang_select)."""

_BACK: Final = """
SELECT o.email, x.mailbox, x.uid, x.flags, e.size, max(x.modseq)
FROM carray(?) c JOIN orphan o ON o.email = c.value
JOIN email e ON e.id = o.email
JOIN expunged x ON x.email = o.email
WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.email = o.email)
GROUP BY o.email ORDER BY o.email
"""
_KEPT: Final = """
SELECT count(*), coalesce(sum(e.size), 0) FROM orphan o JOIN email e ON e.id = o.email
"""
_DUE: Final = "SELECT EXISTS (SELECT 1 FROM orphan WHERE expunged_at <= ?)"
_ANY: Final = "SELECT EXISTS (SELECT 1 FROM orphan)"
_INSERT_ENTRY: Final = """
INSERT INTO entry (mailbox, uid, email, flags, modseq, size, saved_at)
VALUES (?,?,?,?,?,?,?)
"""
_MOVE_UIDL: Final = "UPDATE uidl SET mailbox = ?, uid = ? WHERE mailbox = ? AND uid = ?"

_NOT_DELETED: Final = FlagChange(FlagAction.REMOVE, frozenset({DELETED}))


class SqliteUndeletion:
    """Reads happen on threads: the history of a mailbox has no index by email."""

    __slots__ = ("_access",)

    def __init__(self, access: Access) -> None:
        self._access = access

    async def gone(self, *, since: float = 0.0, after: EmailId = 0) -> Sequence[Gone]:
        """Return messages expunged since then, by email id."""

        def read(connection: apsw.Connection) -> list[tuple[object, ...]]:
            return connection.execute(_GONE, (after, since, SLICE)).fetchall()

        rows = cast(
            "list[tuple[int, str, int, int, int, float, int]]",
            await self._access.scan(read),
        )
        self._access.mirror.load_flags()
        flags_of = self._access.mirror.flags_of
        return [
            Gone(email, name, uid, flags_of(flag_set), size, then)
            for email, name, uid, flag_set, size, then, _ in rows
        ]

    async def restore(
        self, emails: Sequence[EmailId], target: MailboxId
    ) -> Sequence[EmailId]:
        """Put expunged messages into ``target``; return which."""
        back: list[EmailId] = []
        for start in range(0, len(emails), SLICE):
            some = emails[start : start + SLICE]

            def work(
                ledger: Ledger, some: Sequence[EmailId] = some
            ) -> tuple[list[EmailId], Sequence[Delta]]:
                return _restore(ledger, some, target)

            back += await self._access.write(work)
        return back

    async def kept(self) -> Kept:
        """Return how much there is."""

        def read(connection: apsw.Connection) -> Kept:
            rows = connection.execute(_KEPT).fetchall()
            return Kept(*cast("tuple[int, int]", rows[0]))

        return await self._access.scan(read)

    async def discard(self, before: float) -> int:
        """Throw away what was expunged before; return how many messages."""

        def due(connection: apsw.Connection) -> bool:
            return bool(connection.execute(_DUE, (before,)).fetchall()[0][0])

        total = 0
        # Mostly there is none, in every account once an hour: no connection for that.
        while self._any() and await self._access.scan(due):
            total += await self._access.write(
                lambda ledger: (purge(ledger, before), ())
            )
        # Also of what went along with other writes, or did not get its turn before.
        await self._access.tidy_index()
        return total

    def _any(self) -> bool:
        with errors():
            return bool(self._access.reader().execute(_ANY).fetchall()[0][0])


def _restore(
    ledger: Ledger, emails: Sequence[EmailId], target: MailboxId
) -> tuple[list[EmailId], Sequence[Delta]]:
    info = ledger.box(target)
    if not emails:
        return [], ()
    execute = ledger.connection.execute
    rows = cast(
        "list[tuple[int, int, int, int, int, int]]",
        execute(_BACK, (bound(emails),)).fetchall(),
    )
    if not rows:
        return [], ()
    modseq, now = ledger.next_modseq(), ledger.clock.now()
    back = [row[0] for row in rows]
    uids = range(info.uid_next, info.uid_next + len(rows))
    flag_sets = [ledger.flags.changed(row[3], _NOT_DELETED) for row in rows]
    sizes = [row[4] for row in rows]
    ledger.connection.executemany(
        _INSERT_ENTRY,
        [
            (target, uid, email, flag_set, modseq, size, now)
            for uid, email, flag_set, size in zip(
                uids, back, flag_sets, sizes, strict=True
            )
        ],
    )
    moved = [(target, uid, row[1], row[2]) for uid, row in zip(uids, rows, strict=True)]
    ledger.connection.executemany(_MOVE_UIDL, moved)
    execute(
        "DELETE FROM orphan WHERE email IN (SELECT value FROM carray(?))",
        (bound(back),),
    )
    counts = count(flag_sets, ledger.flags, sum(sizes))
    info = ledger.put(counts.added_to(info, modseq, uids.stop))
    return back, [Delta(Added(modseq, target, uids), info, back, flag_sets)]
