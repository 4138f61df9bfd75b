"""Reading the tables of one account. Nothing here waits or keeps state.

Functions take a connection: the event loop's for points, a thread's for scans.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Final, cast

import apsw

from pabal.store.delta import Delta
from pabal.store.matching import FactKind
from pabal.store.peaks import Peaks
from pabal.store.ports import (
    BLOB_CHUNK_OCTETS,
    Added,
    Annotated,
    Change,
    Column,
    EmailId,
    Expunged,
    MailboxId,
    MailboxInfo,
    ModSeq,
    Reflagged,
    Row,
    StoreError,
    Uid,
)
from pabal.store.sqlite.ledger import load_mailboxes
from pabal.store.sqlite.schema import BLOB_NUMBER_BITS
from pabal.store.view import Columns, empty_columns, is_ascending

_EXPRESSIONS: Final = {
    Column.SIZE: "e.size",
    Column.RECEIVED: "e.received_at",
    Column.SENT: "e.sent_at",
    Column.THREAD: "e.thread_id",
    Column.ENVELOPE: "e.envelope",
    Column.BODY: "e.body",
    Column.BODYSTRUCTURE: "e.bodystructure",
    Column.BASE_SUBJECT: "e.base_subject",
    Column.IN_REPLY_TO: "e.in_reply_to",
    Column.ANCESTORS: "e.ancestors",
    Column.MESSAGE_ID: "e.message_id",
    Column.PREVIEW: "e.preview",
    Column.HEADER: "CASE WHEN e.header_length <= e.blob_first"
    " THEN substr(b.octets, 1, e.header_length) END",
    Column.OCTETS: "CASE WHEN b.size = length(b.octets) THEN b.octets END",
}

_BLOB_COLUMNS: Final = frozenset({Column.HEADER, Column.OCTETS})

_NUMBERS: Final = {
    FactKind.SIZE: "SELECT e.size FROM carray(?) c LEFT JOIN email e ON e.id = c.value",
    FactKind.RECEIVED: "SELECT e.received_at"
    " FROM carray(?) c LEFT JOIN email e ON e.id = c.value",
    FactKind.SENT_DAY: "SELECT e.sent_at + e.sent_offset * 60"
    " FROM carray(?) c LEFT JOIN email e ON e.id = c.value",
    FactKind.THREAD: "SELECT e.thread_id"
    " FROM carray(?) c LEFT JOIN email e ON e.id = c.value",
}

_ROWS_AT_ONCE: Final = 4_096
"""Rows turned into arrays at once."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A mailbox read whole, at one moment."""

    info: MailboxInfo
    modseq: ModSeq
    columns: Columns
    peaks: Peaks


@dataclass(frozen=True, slots=True)
class Stored:
    """How the octets of an email are cut."""

    size: int
    header_length: int
    blob_first: int


def account_modseq(connection: apsw.Connection) -> ModSeq:
    """Return the newest modseq; costs microseconds."""
    found = connection.execute("SELECT modseq FROM account").fetchall()
    return cast("int", found[0][0]) if found else 0


def load_view(connection: apsw.Connection, mailbox_id: MailboxId) -> Loaded | None:
    """Return a mailbox whole; ``None`` if it is gone."""
    with connection:
        info = load_mailboxes(connection).get(mailbox_id)
        modseq = account_modseq(connection)
        columns = _columns(connection, mailbox_id)
    if info is None:
        return None
    return Loaded(info, modseq, columns, Peaks(columns[-1]))


def _columns(connection: apsw.Connection, mailbox_id: MailboxId) -> Columns:
    columns = empty_columns()
    cursor = connection.execute(
        "SELECT uid, email, flags, modseq FROM entry WHERE mailbox = ? ORDER BY uid",
        (mailbox_id,),
    )
    # One number behind the other: no list of rows, and cut apart in bulk.
    numbers = chain.from_iterable(cast("Iterator[tuple[int, ...]]", cursor))
    while part := array("Q", islice(numbers, _ROWS_AT_ONCE * len(columns))):
        for first, column in enumerate(columns):
            some = part[first :: len(columns)]
            same = column.typecode == part.typecode
            column.extend(some if same else array("I", some))
    return columns


@lru_cache(maxsize=256)
def _rows_query(columns: tuple[Column, ...]) -> str:
    wanted = ", ".join(_EXPRESSIONS[column] for column in columns)
    joins = ""
    if columns != (Column.OCTETS,):
        joins += " LEFT JOIN email e ON e.id = c.value"
    if _BLOB_COLUMNS.intersection(columns):
        joins += f" LEFT JOIN blob b ON b.id = c.value << {BLOB_NUMBER_BITS}"
    # Every piece is a constant of this module, nothing comes from outside.
    return f"SELECT {wanted} FROM carray(?) c{joins}"  # noqa: S608  # see above


@lru_cache(maxsize=256)
def _range_query(columns: tuple[Column, ...]) -> str:
    wanted = ", ".join(_EXPRESSIONS[column] for column in columns)
    # Every piece is a constant of this module, nothing comes from outside.
    return f"SELECT {wanted} FROM email e WHERE e.id BETWEEN ? AND ? ORDER BY e.id"  # noqa: S608  # see above


def rows(
    connection: apsw.Connection, emails: Sequence[EmailId], columns: Sequence[Column]
) -> list[Row | None]:
    """Return the ``columns`` of ``emails`` in their order, ``None`` for one gone."""
    if not emails:
        return []
    first, last = emails[0], emails[-1]
    if (
        last - first + 1 == len(emails)
        and _BLOB_COLUMNS.isdisjoint(columns)
        and is_ascending(emails)
    ):
        # A mailbox mail only arrived in: one walk through the table, no search a row.
        query = _range_query(tuple(columns))
        there = connection.execute(query, (first, last)).fetchall()
        if len(there) == len(emails):
            return cast("list[Row | None]", there)
    bound = apsw.carray(array("q", emails))
    query = _rows_query(tuple(columns))
    found = cast("list[Row]", connection.execute(query, (bound,)).fetchall())
    # Nearly always every fact is there. Where one is missing the email may be gone, or
    # its octets are in several rows.
    if not any(None in row for row in found):
        return list(found)
    return [
        _completed(connection, email, columns, row) if None in row else row
        for email, row in zip(emails, found, strict=True)
    ]


def _completed(
    connection: apsw.Connection,
    email: EmailId,
    columns: Sequence[Column],
    row: Row,
) -> Row | None:
    stored = find(connection, email)
    if stored is None:
        return None
    values = list(row)
    for at, column in enumerate(columns):
        if values[at] is not None:
            continue
        if column is Column.HEADER:
            values[at] = octets(connection, email, stored.header_length)
        elif column is Column.OCTETS and stored.size <= BLOB_CHUNK_OCTETS:
            values[at] = octets(connection, email, stored.size)
    return tuple(values)


def find(connection: apsw.Connection, email: EmailId) -> Stored | None:
    """Return how an email's octets are stored, ``None`` if it is gone."""
    found = connection.execute(
        "SELECT size, header_length, blob_first FROM email WHERE id = ?", (email,)
    ).fetchall()
    return Stored(*cast("tuple[int, int, int]", found[0])) if found else None


def octets(connection: apsw.Connection, email: EmailId, length: int) -> bytes:
    """Return the first ``length`` octets of an email."""
    pieces = []
    number = email << BLOB_NUMBER_BITS
    left = length
    while left > 0:
        piece = chunk(connection, number)[:left]
        pieces.append(piece)
        left -= len(piece)
        number += 1
    return b"".join(pieces)


def chunk(connection: apsw.Connection, number: int) -> bytes:
    """Return one stored chunk.

    Raises:
        StoreError: It is gone.
    """
    found = connection.execute(
        "SELECT octets FROM blob WHERE id = ?", (number,)
    ).fetchall()
    if not found:
        raise StoreError(f"email {number >> BLOB_NUMBER_BITS} is gone")
    return cast("bytes", found[0][0])


def pieces(
    email: EmailId, stored: Stored, start: int, end: int
) -> Iterator[tuple[int, int, int]]:
    """Yield which chunks hold [``start``, ``end``): number, and from where to where."""
    number = email << BLOB_NUMBER_BITS
    begin, stop = 0, stored.blob_first
    end = min(end, stored.size)
    while begin < end:
        if start < stop and stop > begin:
            yield number, max(0, start - begin), min(end, stop) - begin
        number += 1
        begin, stop = stop, min(stop + BLOB_CHUNK_OCTETS, stored.size)


def numbers(
    connection: apsw.Connection, emails: Sequence[EmailId], kind: FactKind
) -> list[float | None]:
    """Return one number of each email, in order."""
    bound = apsw.carray(array("q", emails))
    cursor = connection.execute(_NUMBERS[kind], (bound,))
    return [cast("float | None", value) for (value,) in cursor]


def saved_dates(
    connection: apsw.Connection, mailbox_id: MailboxId, uids: Sequence[Uid]
) -> list[float | None]:
    """Return when each message came into the mailbox, in order."""
    cursor = connection.execute(
        "SELECT e.saved_at FROM carray(?) c"
        " LEFT JOIN entry e ON e.mailbox = ? AND e.uid = c.value",
        (apsw.carray(array("q", uids)), mailbox_id),
    )
    return [cast("float | None", value) for (value,) in cursor]


def lost_subscriptions(connection: apsw.Connection) -> list[str]:
    """Return the subscribed names that no mailbox has, sorted."""
    cursor = connection.execute("SELECT name FROM subscription ORDER BY name")
    return [cast("str", name) for (name,) in cursor]


def recent_from(connection: apsw.Connection, mailbox_id: MailboxId) -> Uid:
    """Return the first UID no session was told of."""
    found = connection.execute(
        "SELECT recent_from FROM mailbox WHERE id = ?", (mailbox_id,)
    ).fetchall()
    return cast("int", found[0][0]) if found else 1


def expunged_since(
    connection: apsw.Connection, mailbox_id: MailboxId, modseq: ModSeq
) -> list[Uid] | None:
    """Return UIDs expunged after ``modseq``, ascending; ``None``: forgotten."""
    found = connection.execute(
        "SELECT forgotten_modseq FROM mailbox WHERE id = ?", (mailbox_id,)
    ).fetchall()
    if not found or cast("int", found[0][0]) > modseq:
        return None
    cursor = connection.execute(
        "SELECT uid FROM expunged WHERE mailbox = ? AND modseq > ? ORDER BY uid",
        (mailbox_id, modseq),
    )
    return [cast("int", uid) for (uid,) in cursor]


def changes_since(
    connection: apsw.Connection, info: MailboxInfo, uid_next: Uid, modseq: ModSeq
) -> list[Delta]:
    """Return what happened to messages of a mailbox after ``modseq``.

    Args:
        info: The mailbox as it is now.
        uid_next: Its UIDNEXT then.
    """
    cursor = connection.execute(
        "SELECT uid, email, flags, modseq FROM entry"
        " WHERE mailbox = ? AND modseq > ? ORDER BY uid",
        (info.id, modseq),
    )
    entries = cast("list[tuple[int, int, int, int]]", cursor.fetchall())
    deltas = []
    added = [entry for entry in entries if entry[0] >= uid_next]
    if added:
        deltas.append(_read_back(Added, info, added))
    # A modseq each: a session knows its own change by it, and must hear of the others.
    flagged = [entry for entry in entries if entry[0] < uid_next]
    flagged.sort(key=itemgetter(3))
    deltas += [
        _read_back(Reflagged, info, list(some))
        for _, some in groupby(flagged, itemgetter(3))
    ]
    cursor = connection.execute(
        "SELECT modseq, uid FROM expunged"
        " WHERE mailbox = ? AND modseq > ? AND uid < ? ORDER BY uid",
        (info.id, modseq, uid_next),
    )
    gone = cast("list[tuple[int, int]]", cursor.fetchall())
    if gone:
        newest = max(then for then, _ in gone)
        change = Expunged(newest, info.id, [uid for _, uid in gone])
        deltas.append(Delta(change, info))
    return deltas


def annotated_since(connection: apsw.Connection, modseq: ModSeq) -> list[Annotated]:
    """Return which annotations were set or removed after ``modseq``, a mailbox each."""
    cursor = connection.execute(
        "SELECT mailbox, name, modseq FROM annotation WHERE modseq > ?"
        " ORDER BY mailbox, name",
        (modseq,),
    )
    rows = cast("list[tuple[int, str, int]]", cursor.fetchall())
    return [
        Annotated(max(row[2] for row in part), mailbox_id, [row[1] for row in part])
        for mailbox_id, part in (
            (mailbox_id, list(some))
            for mailbox_id, some in groupby(rows, itemgetter(0))
        )
    ]


def _read_back(
    kind: type[Added] | type[Reflagged],
    info: MailboxInfo,
    entries: Sequence[tuple[int, int, int, int]],
) -> Delta:
    uids, emails, flags, modseqs = zip(*entries, strict=True)
    change: Change = kind(max(modseqs), info.id, uids)
    return Delta(change, info, emails, flags, modseqs)
