"""What a writing transaction knows of the account: counters, mailboxes, flag sets.

Lives on the writer's thread. Kept from one transaction to the next as long as no other
process wrote in between, written back once a transaction however many jobs it had.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

import apsw

from pabal.base.clock import Clock
from pabal.store.flags import Flags
from pabal.store.flagtable import FlagTable
from pabal.store.imports import UID_VALIDITY_MAX
from pabal.store.ports import (
    INBOX,
    AccountId,
    EmailId,
    MailboxId,
    MailboxInfo,
    ModSeq,
    NoSuchMailboxError,
)

_READ_MAILBOXES: Final = """
SELECT id, name, special_use, subscribed, uid_validity, uid_next, highest_modseq,
    message_count, unseen_count, deleted_count, size_octets FROM mailbox ORDER BY name
"""
"""In the order of ``MailboxInfo``; likewise the next."""

_WRITE_MAILBOX: Final = """
INSERT INTO mailbox (id, name, special_use, subscribed, uid_validity, uid_next,
    highest_modseq, message_count, unseen_count, deleted_count, size_octets)
VALUES (?,?,?,?,?,?,?,?,?,?,?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, special_use = excluded.special_use,
    subscribed = excluded.subscribed, uid_next = excluded.uid_next,
    highest_modseq = excluded.highest_modseq, message_count = excluded.message_count,
    unseen_count = excluded.unseen_count, deleted_count = excluded.deleted_count,
    size_octets = excluded.size_octets
"""

_COUNT_MAILBOX: Final = """
UPDATE mailbox SET uid_next = ?6, highest_modseq = ?7, message_count = ?8,
    unseen_count = ?9, deleted_count = ?10, size_octets = ?11
WHERE (id, name, special_use, subscribed, uid_validity) = (?1, ?2, ?3, ?4, ?5)
"""
"""Mostly only numbers change: the index of names, a page of the log, stays as it is."""

_WRITE_ACCOUNT: Final = """
INSERT OR REPLACE INTO account
    (id, modseq, mailbox_last, email_last, uid_validity_last) VALUES (?,?,?,?,?)
"""

FIRST_MODSEQ: Final = 1
"""Of an account with nothing but an empty INBOX (RFC 7162 §3.1.2: never 0)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A ledger as it was, to go back to."""

    modseq: ModSeq
    mailbox_last: MailboxId
    email_last: EmailId
    validity_last: int
    flag_sets: int
    saved_flag_sets: int
    boxes: dict[MailboxId, MailboxInfo]
    dirty: dict[MailboxId, None]


@dataclass(slots=True)
class Ledger:
    """The account inside a transaction.

    Attributes:
        account_id: Whose mailboxes these are.
        connection: The one that writes.
        clock: For dates and UIDVALIDITY.
        flags: Every flag set there is.
        modseq: The newest one given.
        boxes: Every mailbox, by id.
    """

    account_id: AccountId
    connection: apsw.Connection
    clock: Clock
    flags: FlagTable = field(default_factory=FlagTable)
    modseq: ModSeq = 0
    email_last: EmailId = 0
    boxes: dict[MailboxId, MailboxInfo] = field(default_factory=dict)
    _mailbox_last: MailboxId = 0
    _validity_last: int = 0
    _dirty: dict[MailboxId, None] = field(default_factory=dict)
    _saved_flag_sets: int = 1
    _data_version: int = -1

    def begin(self) -> None:
        """Take note of what other processes did; first thing in a transaction."""
        # A statement like any other: ``Connection.pragma`` prepares it every time.
        found = self.connection.execute("PRAGMA data_version").fetchall()
        version = cast("int", found[0][0])
        if version != self._data_version:
            self._load()
            self._data_version = version

    def forget(self) -> None:
        """Read everything anew in the next transaction: this one was undone."""
        self._data_version = -1
        self.flags = FlagTable()
        self._saved_flag_sets = 1

    def mark(self) -> Mark:
        """Return where things are, for ``restore``."""
        return Mark(
            self.modseq,
            self._mailbox_last,
            self.email_last,
            self._validity_last,
            len(self.flags),
            self._saved_flag_sets,
            self.boxes.copy(),
            self._dirty.copy(),
        )

    def restore(self, mark: Mark) -> None:
        """Go back to ``mark``: a job failed."""
        self.modseq = mark.modseq
        self._mailbox_last = mark.mailbox_last
        self.email_last = mark.email_last
        self._validity_last = mark.validity_last
        self.flags.forget_from(mark.flag_sets)
        self._saved_flag_sets = mark.saved_flag_sets
        self.boxes = mark.boxes
        self._dirty = mark.dirty

    def box(self, mailbox_id: MailboxId) -> MailboxInfo:
        """Return a mailbox.

        Raises:
            NoSuchMailboxError: There is none of that id.
        """
        info = self.boxes.get(mailbox_id)
        if info is None:
            raise NoSuchMailboxError(f"no mailbox {mailbox_id}")
        return info

    def find(self, name: str) -> MailboxInfo | None:
        """Return the mailbox called ``name`` (normalised)."""
        for info in self.boxes.values():
            if info.name == name:
                return info
        return None

    def first(self, names: Sequence[str]) -> MailboxInfo:
        """Return the first mailbox there is of ``names``.

        Raises:
            NoSuchMailboxError: There is none.
        """
        for name in names:
            info = self.find(name)
            if info is not None:
                return info
        raise NoSuchMailboxError(f"no mailbox {names[0]!r}")

    def next_modseq(self) -> ModSeq:
        """Return a new modseq."""
        self.modseq += 1
        return self.modseq

    def put(self, info: MailboxInfo) -> MailboxInfo:
        """Take ``info`` as the mailbox's new state, written with the transaction."""
        self.boxes[info.id] = info
        self._dirty[info.id] = None
        return info

    def take_subscription(self, name: str) -> bool:
        """Return whether ``name`` was subscribed while no mailbox had it."""
        taken = self.connection.execute(
            "DELETE FROM subscription WHERE name = ? RETURNING name", (name,)
        )
        return bool(taken.fetchall())

    def add_box(self, name: str, special_use: str) -> MailboxInfo:
        """Make a mailbox; the caller took a modseq and checked the name."""
        self._mailbox_last += 1
        # Never used before, even if the clock goes back (RFC 9051 §2.3.1.1).
        now = int(self.clock.now())
        if now > UID_VALIDITY_MAX:
            now = 0  # a clock that is this wrong must not use up the numbers
        self._validity_last = max(self._validity_last + 1, now)
        return self.put(
            MailboxInfo(
                id=self._mailbox_last,
                name=name,
                special_use=special_use,
                subscribed=self.take_subscription(name) or name == INBOX,
                uid_validity=self._validity_last,
                uid_next=1,
                highest_modseq=self.modseq,
            )
        )

    def adopt_validity(self, info: MailboxInfo, uid_validity: int) -> MailboxInfo:
        """Give a mailbox another UIDVALIDITY, now; those to come get greater ones."""
        self._validity_last = max(self._validity_last, uid_validity)
        info = self.put(replace(info, uid_validity=uid_validity))
        self.connection.execute(
            "UPDATE mailbox SET uid_validity = ? WHERE id = ?", (uid_validity, info.id)
        )
        return info

    def drop_box(self, info: MailboxInfo) -> None:
        """Remove a mailbox, now; its name stays subscribed."""
        del self.boxes[info.id]
        self._dirty.pop(info.id, None)
        execute = self.connection.execute
        execute("DELETE FROM mailbox WHERE id = ?", (info.id,))
        execute("DELETE FROM annotation WHERE mailbox = ?", (info.id,))
        execute("DELETE FROM keyword WHERE mailbox = ?", (info.id,))
        if info.subscribed:
            execute("INSERT OR IGNORE INTO subscription VALUES (?)", (info.name,))

    def flush(self) -> None:
        """Write what changed."""
        execute = self.connection.execute
        for flag_set in range(self._saved_flag_sets, len(self.flags)):
            names = " ".join(sorted(self.flags[flag_set]))
            execute("INSERT INTO flagset (id, names) VALUES (?, ?)", (flag_set, names))
        self._saved_flag_sets = len(self.flags)
        for mailbox_id in self._dirty:
            row = mailbox_row(self.boxes[mailbox_id])
            execute(_COUNT_MAILBOX, row)
            if not self.connection.changes():
                execute(_WRITE_MAILBOX, row)
        self._dirty.clear()
        execute(
            _WRITE_ACCOUNT,
            (
                self.account_id,
                self.modseq,
                self._mailbox_last,
                self.email_last,
                self._validity_last,
            ),
        )

    def _load(self) -> None:
        rows = self.connection.execute(
            "SELECT modseq, mailbox_last, email_last, uid_validity_last FROM account"
        ).fetchall()
        self._dirty = {}
        # There are only ever more of them.
        for names in load_flag_sets(self.connection, self._saved_flag_sets):
            self.flags.add(names)
        self._saved_flag_sets = len(self.flags)
        self.boxes = load_mailboxes(self.connection, self.boxes)
        if rows:
            self.modseq, self._mailbox_last, self.email_last, self._validity_last = (
                cast("tuple[int, int, int, int]", rows[0])
            )
        else:
            self.modseq = FIRST_MODSEQ
            self._mailbox_last = self.email_last = self._validity_last = 0
            self.add_box(INBOX, "")
            self.flush()


_MailboxRow = tuple[int, str, str, int, int, int, int, int, int, int, int]


def mailbox_row(info: MailboxInfo) -> _MailboxRow:
    """Return a mailbox as the columns of its table."""
    return (
        info.id,
        info.name,
        info.special_use,
        info.subscribed,
        info.uid_validity,
        info.uid_next,
        info.highest_modseq,
        info.message_count,
        info.unseen_count,
        info.deleted_count,
        info.size_octets,
    )


def load_mailboxes(
    connection: apsw.Connection, known: Mapping[MailboxId, MailboxInfo] | None = None
) -> dict[MailboxId, MailboxInfo]:
    """Return every mailbox by id, in order of their names.

    Args:
        known: What is known of them: most are as they were, and stay the same objects.
    """
    known = known or {}
    found = {}
    rows = connection.execute(_READ_MAILBOXES).fetchall()
    for row in cast("list[_MailboxRow]", rows):
        info = known.get(row[0])
        if info is None or mailbox_row(info) != row:
            # Thousands of accounts have a Sent, and it is for the same.
            name, use = sys.intern(row[1]), sys.intern(row[2])
            info = MailboxInfo(row[0], name, use, bool(row[3]), *row[4:])
        found[row[0]] = info
    return found


def load_flag_sets(connection: apsw.Connection, start: int) -> Sequence[Flags]:
    """Return the flag sets from id ``start`` on, in order of their ids."""
    rows = connection.execute(
        "SELECT names FROM flagset WHERE id >= ? ORDER BY id", (start,)
    )
    return [frozenset(str(names).split()) for (names,) in rows]
