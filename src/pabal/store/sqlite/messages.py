"""What happens to messages, inside a transaction.

Statements work on sets: a flag change of 3,000 messages is one a flag set, not 3,000.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import apsw

from pabal.store.counts import Counts, count
from pabal.store.delta import Delta
from pabal.store.flags import FlagChange
from pabal.store.keywords import lost
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.ports import (
    Added,
    Appended,
    Copied,
    EmailId,
    Expunged,
    FlagsSet,
    MailboxId,
    MailboxInfo,
    ModSeq,
    OverQuotaError,
    Reflagged,
    StoreError,
    Uid,
)
from pabal.store.sqlite.incoming import Incoming
from pabal.store.sqlite.keywords import note
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.schema import BLOB_NUMBER_BITS
from pabal.store.view import is_ascending

_INSERT_EMAIL: Final = """
INSERT INTO email (id, size, header_length, blob_first, received_at, sent_at,
    sent_offset, thread_id, digest, envelope, bodystructure, body, preview, message_id,
    in_reply_to, ancestors, base_subject)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
"""
_INSERT_BLOB: Final = "INSERT INTO blob (id, size, octets) VALUES (?, ?, ?)"
_INSERT_ENTRY: Final = """
INSERT INTO entry (mailbox, uid, email, flags, modseq, size, saved_at)
VALUES (?,?,?,?,?,?,?)
"""
_INSERT_THREAD: Final = """
INSERT INTO thread_key (key, thread) VALUES (?, ?) ON CONFLICT DO NOTHING
"""
_SELECT_ENTRIES: Final = """
SELECT uid, email, flags, modseq, size FROM entry
WHERE mailbox = ? AND uid IN (SELECT value FROM carray(?)) ORDER BY uid
"""
_SELECT_RANGE: Final = """
SELECT uid, email, flags, modseq, size FROM entry
WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid
"""
_UPDATE_FLAGS: Final = """
UPDATE entry SET flags = ?, modseq = ?
WHERE mailbox = ? AND uid IN (SELECT value FROM carray(?))
"""
_UPDATE_FLAGS_RANGE: Final = """
UPDATE entry SET flags = ?, modseq = ? WHERE mailbox = ? AND uid BETWEEN ? AND ?
"""
_COPY: Final = """
INSERT INTO entry (mailbox, uid, email, flags, modseq, size, saved_at)
SELECT ?, ? + row_number() OVER (ORDER BY uid) - 1, email, flags, ?, size, ?
FROM entry WHERE mailbox = ? AND uid IN (SELECT value FROM carray(?)) ORDER BY uid
"""
_NOTE_EXPUNGED: Final = """
INSERT INTO expunged (mailbox, modseq, uid, email, flags, expunged_at)
SELECT mailbox, ?, uid, email, flags, ? FROM entry
WHERE mailbox = ? AND uid IN (SELECT value FROM carray(?))
"""
_NOTE_EXPUNGED_RANGE: Final = """
INSERT INTO expunged (mailbox, modseq, uid, email, flags, expunged_at)
SELECT mailbox, ?, uid, email, flags, ? FROM entry
WHERE mailbox = ? AND uid BETWEEN ? AND ?
"""
_NOTE_ALL_EXPUNGED: Final = """
INSERT INTO expunged (mailbox, modseq, uid, email, flags, expunged_at)
SELECT mailbox, ?, uid, email, flags, ? FROM entry WHERE mailbox = ?
"""
_DELETE_ENTRIES: Final = """
DELETE FROM entry WHERE mailbox = ? AND uid IN (SELECT value FROM carray(?))
"""
_DELETE_RANGE: Final = "DELETE FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_NOTE_ORPHANS: Final = """
INSERT OR REPLACE INTO orphan (email, expunged_at)
SELECT DISTINCT value, ? FROM carray(?)
WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.email = value)
"""


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of a mailbox, parallel, ascending by UID."""

    uids: Sequence[Uid] = ()
    emails: Sequence[EmailId] = ()
    flags: Sequence[int] = ()
    modseqs: Sequence[ModSeq] = ()
    sizes: Sequence[int] = ()

    def counts(self, ledger: Ledger) -> Counts:
        """Return what these add to a mailbox's counters."""
        return count(self.flags, ledger.flags, sum(self.sizes))


def append(
    ledger: Ledger,
    where: MailboxId | Sequence[str],
    incoming: Sequence[Incoming],
    replacing: tuple[MailboxId, Uid] | None = None,
    limits: Limits = NO_LIMITS,
) -> tuple[list[Appended], list[Delta]]:
    """Add messages, and expunge the one they replace.

    Raises:
        NoSuchMailboxError: The mailbox is gone, or none has one of the names.
        StoreError: What is to be replaced is gone.
        OverQuotaError: The account would have more than ``limits``.
        TooManyKeywordsError: Flags that cannot be.
    """
    replaced = Entries()
    if replacing is not None:
        replaced = select(ledger, replacing[0], replacing[1:])
        if not replaced.uids:
            raise StoreError("the message to be replaced is gone")
    info = ledger.box(where) if isinstance(where, int) else ledger.first(where)
    mailbox_id = info.id
    if not incoming:
        return [], []
    sizes = [one.facts.size for one in incoming]
    check_room(ledger, limits, sizes, replaced.sizes)
    flag_sets = [ledger.flags.intern(one.flags) for one in incoming]
    modseq = ledger.next_modseq()
    now = ledger.clock.now()
    emails = [_insert_email(ledger, one) for one in incoming]
    uids = range(info.uid_next, info.uid_next + len(emails))
    ledger.connection.executemany(
        _INSERT_ENTRY,
        [
            (mailbox_id, uid, email, flag_set, modseq, size, now)
            for uid, email, flag_set, size in zip(
                uids, emails, flag_sets, sizes, strict=True
            )
        ],
    )
    entries = Entries(uids, emails, flag_sets, (), sizes)
    deltas = [_arrived(ledger, info, entries)]
    if replacing is not None:
        deltas.append(_gone(ledger, replacing[0], replaced))
    appended = [
        Appended(mailbox_id, info.name, info.uid_validity, uid, email, modseq)
        for uid, email in zip(uids, emails, strict=True)
    ]
    return appended, deltas


def check_room(
    ledger: Ledger, limits: Limits, came: Sequence[int], went: Sequence[int] = ()
) -> None:
    """Check that the account may have so much more, in the transaction that adds it.

    Args:
        came: Octets of each message that comes.
        went: Octets of each one that goes in exchange.

    Raises:
        OverQuotaError: It would have more than ``limits``.
    """
    if not limits.have_room(ledger.boxes.values(), came, went):
        raise OverQuotaError("the account is full")


def set_flags(
    ledger: Ledger,
    mailbox_id: MailboxId,
    uids: Sequence[Uid],
    change: FlagChange,
    unchanged_since: ModSeq | None,
) -> tuple[FlagsSet, list[Delta]]:
    """Change flags of messages not newer than ``unchanged_since``.

    Raises:
        NoSuchMailboxError: The mailbox is gone.
        TooManyKeywordsError: Flags that cannot be.
    """
    info = ledger.box(mailbox_id)
    entries = select(ledger, mailbox_id, uids)
    since = ledger.modseq if unchanged_since is None else unchanged_since
    rows = list(zip(entries.uids, entries.flags, entries.modseqs, strict=True))
    refused = [uid for uid, _, modseq in rows if modseq > since]
    # Sorted by nothing but first sight, so both adapters give the same ids.
    sets = {old: -1 for _, old, modseq in rows if modseq <= since}
    for old in sets:
        sets[old] = ledger.flags.changed(old, change)
    changed = [
        (uid, old, sets[old])
        for uid, old, modseq in rows
        if modseq <= since and sets[old] != old
    ]
    if not changed:
        return FlagsSet(info.highest_modseq, (), refused), []
    modseq = ledger.next_modseq()
    by_set: dict[int, list[Uid]] = {}
    for uid, _, new in changed:
        by_set.setdefault(new, []).append(uid)
    for new, members in by_set.items():
        _update_flags(ledger, mailbox_id, members, new)
    note(ledger, mailbox_id, lost(ledger.flags.__getitem__, sets.items()))
    before = count([old for _, old, _ in changed], ledger.flags)
    after = [new for _, _, new in changed]
    counts = count(after, ledger.flags) - before
    flagged = [uid for uid, _, _ in changed]
    delta = Delta(
        Reflagged(modseq, mailbox_id, flagged),
        ledger.put(counts.added_to(info, modseq)),
        flag_sets=after,
    )
    return FlagsSet(modseq, flagged, refused), [delta]


def copy(
    ledger: Ledger,
    mailbox_id: MailboxId,
    uids: Sequence[Uid],
    target_id: MailboxId,
    limits: Limits = NO_LIMITS,
) -> tuple[Copied, list[Delta]]:
    """Put messages into another mailbox as well.

    Raises:
        NoSuchMailboxError: One of the mailboxes is gone.
        OverQuotaError: The account would have more than ``limits``.
    """
    ledger.box(mailbox_id)
    target = ledger.box(target_id)
    entries = select(ledger, mailbox_id, uids)
    if not entries.uids:
        return Copied(target.uid_validity, (), (), target.highest_modseq), []
    check_room(ledger, limits, entries.sizes)
    ledger.next_modseq()
    return _transfer(ledger, mailbox_id, entries, target, expunge=False)


def move(
    ledger: Ledger, mailbox_id: MailboxId, uids: Sequence[Uid], target_id: MailboxId
) -> tuple[Copied, list[Delta]]:
    """Put messages into another mailbox instead: the account has no more than before.

    Raises:
        NoSuchMailboxError: One of the mailboxes is gone.
    """
    ledger.box(mailbox_id)
    target = ledger.box(target_id)
    entries = select(ledger, mailbox_id, uids)
    if not entries.uids:
        return Copied(target.uid_validity, (), (), target.highest_modseq), []
    ledger.next_modseq()
    return _transfer(ledger, mailbox_id, entries, target, expunge=True)


def transfer_all(
    ledger: Ledger, mailbox_id: MailboxId, target_id: MailboxId
) -> list[Delta]:
    """Move every message, within the modseq the caller took."""
    entries = _select_all(ledger, mailbox_id)
    if not entries.uids:
        return []
    target = ledger.box(target_id)
    return _transfer(ledger, mailbox_id, entries, target, expunge=True)[1]


def expunge(
    ledger: Ledger, mailbox_id: MailboxId, uids: Sequence[Uid]
) -> tuple[Sequence[Uid], list[Delta]]:
    """Remove messages.

    Raises:
        NoSuchMailboxError: The mailbox is gone.
    """
    ledger.box(mailbox_id)
    entries = select(ledger, mailbox_id, uids)
    if not entries.uids:
        return [], []
    ledger.next_modseq()
    return entries.uids, [_gone(ledger, mailbox_id, entries)]


def expunge_all(ledger: Ledger, mailbox_id: MailboxId) -> None:
    """Remove every message of a mailbox that goes itself.

    Its history stays: what was in it can be brought back.
    """
    entries = _select_all(ledger, mailbox_id)
    execute = ledger.connection.execute
    now = ledger.clock.now()
    execute(_NOTE_ALL_EXPUNGED, (ledger.modseq, now, mailbox_id))
    execute("DELETE FROM entry WHERE mailbox = ?", (mailbox_id,))
    # Whoever imports again wants them again.
    execute("DELETE FROM origin WHERE mailbox = ?", (mailbox_id,))
    _note_orphans(ledger, entries.emails)


def select(ledger: Ledger, mailbox_id: MailboxId, uids: Sequence[Uid]) -> Entries:
    """Return those of ``uids`` that exist, ascending."""
    if not uids:
        return Entries()
    wanted = uids if is_ascending(uids) else sorted(set(uids))
    first, last = wanted[0], wanted[-1]
    if last - first + 1 == len(wanted):
        return _entries(
            ledger.connection.execute(_SELECT_RANGE, (mailbox_id, first, last))
        )
    return _entries(
        ledger.connection.execute(_SELECT_ENTRIES, (mailbox_id, bound(wanted)))
    )


def _select_all(ledger: Ledger, mailbox_id: MailboxId) -> Entries:
    bounds = (mailbox_id, 1, ledger.box(mailbox_id).uid_next)
    return _entries(ledger.connection.execute(_SELECT_RANGE, bounds))


def _entries(cursor: apsw.Cursor) -> Entries:
    rows = cursor.fetchall()
    return Entries(*cast("list[Sequence[int]]", list(zip(*rows, strict=True))))


def _update_flags(
    ledger: Ledger, mailbox_id: MailboxId, uids: Sequence[Uid], flag_set: int
) -> None:
    execute = ledger.connection.execute
    modseq, first, last = ledger.modseq, uids[0], uids[-1]
    if last - first + 1 == len(uids):
        execute(_UPDATE_FLAGS_RANGE, (flag_set, modseq, mailbox_id, first, last))
    else:
        execute(_UPDATE_FLAGS, (flag_set, modseq, mailbox_id, bound(uids)))


def _insert_email(ledger: Ledger, incoming: Incoming) -> EmailId:
    ledger.email_last = email = ledger.email_last + 1
    facts = incoming.facts
    execute = ledger.connection.execute
    first = incoming.blob_first
    execute(
        _INSERT_EMAIL,
        (
            email,
            facts.size,
            facts.header_length,
            first,
            incoming.received_at,
            facts.sent_at,
            facts.sent_offset,
            _thread(ledger, incoming, email),
            incoming.digest,
            facts.envelope,
            facts.bodystructure,
            facts.body,
            facts.preview,
            facts.message_id,
            facts.in_reply_to,
            " ".join(facts.references),
            facts.base_subject,
        ),
    )
    number = email << BLOB_NUMBER_BITS
    size: int | None = facts.size
    for chunk in incoming.chunks():
        execute(_INSERT_BLOB, (number, size, chunk))
        number += 1
        size = None
    return email


def _thread(ledger: Ledger, incoming: Incoming, email: EmailId) -> int:
    """Return the thread of a message and make its keys point there."""
    execute = ledger.connection.execute
    if len(incoming.keys) == 1:
        # Most messages answer to nothing and are the first of their id.
        key = incoming.keys[0]
        execute(_INSERT_THREAD, (key, email))
        if ledger.connection.changes():
            return email
    thread: int | None = None
    missing = []
    for key in incoming.keys:
        rows = execute("SELECT thread FROM thread_key WHERE key = ?", (key,)).fetchall()
        if not rows:
            missing.append(key)
        elif thread is None:
            thread = cast("int", rows[0][0])
    if thread is None:
        thread = email
    for key in missing:
        execute(_INSERT_THREAD, (key, thread))
    return thread


def _transfer(
    ledger: Ledger,
    mailbox_id: MailboxId,
    entries: Entries,
    target: MailboxInfo,
    *,
    expunge: bool,
) -> tuple[Copied, list[Delta]]:
    modseq = ledger.modseq
    now = ledger.clock.now()
    ledger.connection.execute(
        _COPY,
        (target.id, target.uid_next, modseq, now, mailbox_id, bound(entries.uids)),
    )
    targets = range(target.uid_next, target.uid_next + len(entries.uids))
    deltas = [_arrived(ledger, target, replace(entries, uids=targets))]
    if expunge:
        deltas.append(_gone(ledger, mailbox_id, entries))
    return Copied(target.uid_validity, entries.uids, targets, modseq), deltas


def _arrived(ledger: Ledger, info: MailboxInfo, entries: Entries) -> Delta:
    """Count ``entries``, written already, in; return the change."""
    counts = entries.counts(ledger)
    uid_next = entries.uids[-1] + 1
    info = ledger.put(counts.added_to(info, ledger.modseq, uid_next))
    change = Added(ledger.modseq, info.id, entries.uids)
    return Delta(change, info, entries.emails, entries.flags)


def _gone(ledger: Ledger, mailbox_id: MailboxId, entries: Entries) -> Delta:
    execute = ledger.connection.execute
    uids, now = entries.uids, ledger.clock.now()
    first, last = uids[0], uids[-1]
    if last - first + 1 == len(uids):
        # One walk through the table, no search a row: half the time.
        execute(_NOTE_EXPUNGED_RANGE, (ledger.modseq, now, mailbox_id, first, last))
        execute(_DELETE_RANGE, (mailbox_id, first, last))
    else:
        execute(_NOTE_EXPUNGED, (ledger.modseq, now, mailbox_id, bound(uids)))
        execute(_DELETE_ENTRIES, (mailbox_id, bound(uids)))
    _note_orphans(ledger, entries.emails)
    flags_gone = [(flag_set, 0) for flag_set in set(entries.flags)]
    note(ledger, mailbox_id, lost(ledger.flags.__getitem__, flags_gone))
    counts = -entries.counts(ledger)
    info = ledger.put(counts.added_to(ledger.box(mailbox_id), ledger.modseq))
    return Delta(Expunged(ledger.modseq, mailbox_id, entries.uids), info)


def _note_orphans(ledger: Ledger, emails: Sequence[EmailId]) -> None:
    if emails:
        ledger.connection.execute(_NOTE_ORPHANS, (ledger.clock.now(), bound(emails)))


def bound(numbers: Sequence[int]) -> "apsw.CArrayBinding":
    """Return ``numbers`` (at least one) as a statement takes them."""
    return apsw.carray(array("q", numbers))
