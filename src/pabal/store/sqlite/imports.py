"""Messages from another server, inside SQLite: ``pabal.store.imports.Imports``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

import apsw

from pabal.base.sqlite import errors
from pabal.store.delta import Delta
from pabal.store.flags import Flags
from pabal.store.imports import (
    UID_MAX,
    UID_VALIDITY_MAX,
    UIDL_MAX_OCTETS,
    Imported,
    Key,
    Origin,
    SourceId,
)
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.ports import Appended, MailboxChanged, MailboxEvent, MailboxId, Uid
from pabal.store.sqlite import messages
from pabal.store.sqlite.access import Access
from pabal.store.sqlite.incoming import Incoming, scan
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.messages import bound

FORGET_MAX: Final = 10_000
"""Notes one transaction forgets: some milliseconds."""

_KNOWN: Final = """
SELECT key, mailbox, uid, flags FROM origin
WHERE source = ? AND key IN (SELECT value FROM carray(?))
"""
_FORGET: Final = """
DELETE FROM origin WHERE (source, key) IN (SELECT source, key FROM origin LIMIT ?)
"""
_UIDLS: Final = """
SELECT uid, uidl FROM uidl WHERE mailbox = ? AND uid IN (SELECT value FROM carray(?))
"""

_Put = list[Appended | None]


class SqliteImports:
    """Imports into one account, a transaction a batch."""

    __slots__ = ("_access",)

    def __init__(self, access: Access) -> None:
        self._access = access

    async def adopt(self, mailbox_id: MailboxId, uid_validity: int) -> bool:
        """Give a mailbox another UIDVALIDITY; return whether it has it now."""
        if not 0 < uid_validity <= UID_VALIDITY_MAX:
            return False
        return await self._access.write(
            lambda ledger: _adopt(ledger, mailbox_id, uid_validity)
        )

    async def put(
        self,
        mailbox_id: MailboxId,
        source: SourceId,
        emails: Sequence[Imported],
        limits: Limits = NO_LIMITS,
    ) -> Sequence[Appended | None]:
        """Add messages, all or none, and note where they came from."""
        self._access.mirror.box(mailbox_id)
        incoming = await self._access.on_thread(
            lambda: [scan(email.new_email()) for email in emails]
        )
        return await self._access.write(
            lambda ledger: _put(ledger, (mailbox_id, source), emails, incoming, limits)
        )

    async def known(
        self, source: SourceId, keys: Sequence[Key]
    ) -> Mapping[Key, Origin]:
        """Return what became of those of ``keys`` that were put."""
        if not keys:
            return {}
        self._access.mirror.load_flags()
        with errors():
            rows = (
                self._access.reader().execute(_KNOWN, (source, bound(keys))).fetchall()
            )
        flags_of = self._access.mirror.flags_of
        return {
            key: Origin(mailbox_id, uid, flags_of(flag_set))
            for key, mailbox_id, uid, flag_set in cast(
                "list[tuple[int, int, int, int]]", rows
            )
        }

    async def count(self, source: SourceId) -> int:
        """Return how many messages of ``source`` were put."""

        def counted(connection: apsw.Connection) -> int:
            rows = connection.execute(
                "SELECT count(*) FROM origin WHERE source = ?", (source,)
            ).fetchall()
            return cast("int", rows[0][0])

        return await self._access.scan(counted)

    async def note_flags(self, source: SourceId, flags: Mapping[Key, Flags]) -> None:
        """Note the flags messages have at their source now."""
        if flags:
            await self._access.change(lambda ledger: _note_flags(ledger, source, flags))

    async def forget(self) -> int:
        """Forget where messages came from; return how many that were."""
        total = 0
        while True:
            gone = await self._access.write(lambda ledger: (_forget(ledger), ()))
            total += gone
            if gone < FORGET_MAX:
                return total

    async def uidls(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Mapping[Uid, str]:
        """Return the POP3 unique-ids of those of ``uids`` that came with one."""
        if not uids:
            return {}
        with errors():
            cursor = self._access.reader().execute(_UIDLS, (mailbox_id, bound(uids)))
            return dict(cast("list[tuple[int, str]]", cursor.fetchall()))


def _adopt(
    ledger: Ledger, mailbox_id: MailboxId, uid_validity: int
) -> tuple[bool, Sequence[Delta]]:
    info = ledger.box(mailbox_id)
    if info.uid_validity == uid_validity:
        return True, ()
    if info.uid_next != 1:
        return False, ()
    modseq = ledger.next_modseq()
    info = replace(info, highest_modseq=modseq)
    info = ledger.adopt_validity(info, uid_validity)
    event = MailboxEvent.SUBSCRIBED if info.subscribed else MailboxEvent.UNSUBSCRIBED
    # Not new to anybody who listens, but it tells them to look at the mailbox again.
    change = MailboxChanged(modseq, mailbox_id, event, info.name)
    return True, [Delta(change, info)]


def _put(
    ledger: Ledger,
    ends: tuple[MailboxId, SourceId],
    emails: Sequence[Imported],
    incoming: Sequence[Incoming],
    limits: Limits,
) -> tuple[_Put, Sequence[Delta]]:
    mailbox_id, source = ends
    ledger.box(mailbox_id)
    keys = [email.key for email in emails]
    rows = ledger.connection.execute(_KNOWN, (source, bound(keys))).fetchall()
    there = {row[0] for row in rows}
    put: _Put = [None] * len(emails)
    deltas: list[Delta] = []
    wanted = []
    for at, email in enumerate(emails):
        if email.key not in there:
            there.add(email.key)
            wanted.append(at)
    messages.check_room(ledger, limits, [incoming[at].facts.size for at in wanted])
    for run in _runs(wanted, emails):
        first = emails[run[0]].uid
        info = ledger.box(mailbox_id)
        if info.uid_next < first <= UID_MAX:
            ledger.put(replace(info, uid_next=first))
        appended, changes = messages.append(
            ledger, mailbox_id, [incoming[at] for at in run]
        )
        deltas += changes
        for at, one in zip(run, appended, strict=True):
            put[at] = one
    _note(ledger, source, [(emails[at], put[at]) for at in wanted])
    return put, deltas


def _runs(wanted: Sequence[int], emails: Sequence[Imported]) -> Iterator[list[int]]:
    """Yield positions whose UIDs follow one another."""
    run: list[int] = []
    for at in wanted:
        if run and emails[at].uid not in {0, emails[run[-1]].uid + 1}:
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _note(
    ledger: Ledger, source: SourceId, put: Sequence[tuple[Imported, Appended | None]]
) -> None:
    origins, names = [], []
    for email, appended in put:
        if appended is None:
            continue
        flag_set = ledger.flags.intern(email.flags)
        mailbox_id, uid = appended.mailbox_id, appended.uid
        origins.append((source, email.key, mailbox_id, uid, flag_set))
        if email.uidl and len(email.uidl.encode()) <= UIDL_MAX_OCTETS:
            names.append((mailbox_id, uid, email.uidl))
    execute = ledger.connection.executemany
    execute("INSERT INTO origin VALUES (?,?,?,?,?)", origins)
    execute("INSERT INTO uidl VALUES (?,?,?)", names)


def _note_flags(
    ledger: Ledger, source: SourceId, flags: Mapping[Key, Flags]
) -> Sequence[Delta]:
    rows = [(ledger.flags.intern(names), source, key) for key, names in flags.items()]
    ledger.connection.executemany(
        "UPDATE origin SET flags = ? WHERE source = ? AND key = ?", rows
    )
    return ()


def _forget(ledger: Ledger) -> int:
    ledger.connection.execute(_FORGET, (FORGET_MAX,))
    return ledger.connection.changes()
