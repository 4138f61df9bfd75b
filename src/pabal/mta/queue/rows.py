"""The queue's tables, its statements, and values from rows and back.

No I/O here: ``sqlite.py`` runs the statements.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from pabal.message.address import Mailbox
from pabal.mta.queue.item import (
    TRY_NOW,
    AttemptRecord,
    QueuedRecipient,
    QueueItem,
    RecipientState,
)
from pabal.mta.queue.ports import Verb
from pabal.smtp.envelope import BodyType, Envelope, Recipient

Value = str | int | float | bytes | None
Row = Sequence[Value]

_ADDRESSES_MAX: Final = 1_000
"""Parsed addresses kept: the same ones come again and again."""

VERSION: Final = 1
"""``user_version`` of the schema below."""

_WAITING: Final = "state IN ('active', 'deferred')"

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS item (
    id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, message_id TEXT NOT NULL,
    created_at REAL NOT NULL, expires_at REAL NOT NULL, size_octets INTEGER NOT NULL,
    reverse_path TEXT NOT NULL, body TEXT NOT NULL, smtputf8 INTEGER NOT NULL,
    envelope_id TEXT NOT NULL, ret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS recipient (
    item_id TEXT NOT NULL, number INTEGER NOT NULL, address TEXT NOT NULL,
    notify TEXT NOT NULL, original TEXT NOT NULL, destination TEXT NOT NULL,
    detail TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    next_attempt_at REAL NOT NULL, owner TEXT NOT NULL, reply TEXT NOT NULL,
    host TEXT NOT NULL, PRIMARY KEY (item_id, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recipient_by_destination
    ON recipient (destination, next_attempt_at) WHERE {_WAITING};
CREATE INDEX IF NOT EXISTS recipient_by_time
    ON recipient (next_attempt_at) WHERE {_WAITING};
CREATE TABLE IF NOT EXISTS chunk (
    item_id TEXT NOT NULL, number INTEGER NOT NULL, octets BLOB NOT NULL,
    UNIQUE (item_id, number));
PRAGMA user_version = {VERSION};
"""

ADD_ITEM: Final = "INSERT INTO item VALUES (?,?,?,?,?,?,?,?,?,?,?)"
ADD_RECIPIENT: Final = "INSERT INTO recipient VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
ADD_CHUNK: Final = "INSERT INTO chunk VALUES (?,?,?)"

ITEM: Final = "SELECT * FROM item WHERE id = ?"
ITEM_IDS: Final = "SELECT id FROM item WHERE id > ? ORDER BY id LIMIT ?"
RECIPIENTS: Final = "SELECT * FROM recipient WHERE item_id = ? ORDER BY number"
FIRST_CHUNK: Final = "SELECT octets FROM chunk WHERE item_id = ? AND number = 0"
CHUNKS: Final = "SELECT octets FROM chunk WHERE item_id = ? ORDER BY number"
UNDONE: Final = (
    "SELECT number FROM recipient WHERE item_id = ?"
    " AND state NOT IN ('done', 'bounced')"
)

STATES: Final = "SELECT state, count(*) FROM recipient GROUP BY state"
ITEMS: Final = "SELECT count(*), min(created_at) FROM item"

NEXT_DESTINATION: Final = (
    f"SELECT destination FROM recipient WHERE {_WAITING} AND destination > ?"  # noqa: S608 (constants)
    " ORDER BY destination LIMIT 1"
)
DUE: Final = (
    "SELECT item_id, number, destination, attempts, next_attempt_at FROM recipient"  # noqa: S608 (constants)
    f" WHERE {_WAITING} AND destination = ? AND next_attempt_at <= ?"
    " ORDER BY next_attempt_at LIMIT ?"
)
DUE_OLDEST: Final = (
    "SELECT item_id, number, destination, attempts, next_attempt_at FROM recipient"  # noqa: S608 (constants)
    f" WHERE {_WAITING} AND next_attempt_at <= ? ORDER BY next_attempt_at LIMIT ?"
)
DUE_NEWEST: Final = (
    "SELECT item_id, number, destination, attempts, next_attempt_at FROM recipient"  # noqa: S608 (constants)
    f" WHERE {_WAITING} AND next_attempt_at <= ? ORDER BY next_attempt_at DESC LIMIT ?"
)
NEXT_DUE: Final = (
    f"SELECT next_attempt_at FROM recipient WHERE {_WAITING}"  # noqa: S608 (constants)
    " AND next_attempt_at > ? ORDER BY next_attempt_at LIMIT 1"
)
CLAIM: Final = (
    "UPDATE recipient SET owner = ?, next_attempt_at = ?"
    " WHERE item_id = ? AND number = ?"
)
RENEW: Final = (
    "UPDATE recipient SET next_attempt_at = ?"
    " WHERE item_id = ? AND number = ? AND owner = ?"
)
FINISH: Final = """
UPDATE recipient SET
    state = CASE WHEN state = 'hold' AND NOT :final THEN state ELSE :state END,
    owner = '', attempts = attempts + :tried, next_attempt_at = :next_attempt_at,
    reply = :reply, host = :host
WHERE item_id = :item_id AND number = :number AND (owner = :owner OR :final)
"""
EXPIRE: Final = "UPDATE item SET expires_at = ? WHERE id = ?"
FORGET: Final = (
    "DELETE FROM chunk WHERE item_id = ?",
    "DELETE FROM recipient WHERE item_id = ?",
    "DELETE FROM item WHERE id = ?",
)

_RETRY: Final = (
    f"UPDATE recipient SET next_attempt_at = {TRY_NOW}"  # noqa: S608 (constants)
    f" WHERE item_id = :id AND {_WAITING} AND owner = ''"
)
_HOLD: Final = f"UPDATE recipient SET state = 'hold' WHERE item_id = :id AND {_WAITING}"  # noqa: S608 (constants)
# Who has claimed it goes on with it; a released recipient is not tried twice at once.
_RELEASE: Final = (
    "UPDATE recipient SET"  # noqa: S608 (constants)
    " state = CASE attempts WHEN 0 THEN 'active' ELSE 'deferred' END,"
    f" next_attempt_at = CASE owner WHEN '' THEN {TRY_NOW} ELSE next_attempt_at END"
    " WHERE item_id = :id AND state = 'hold'"
)
VERBS: Final[Mapping[Verb, Sequence[str]]] = MappingProxyType(
    {
        Verb.RETRY: (_RETRY,),
        Verb.HOLD: (_HOLD,),
        Verb.RELEASE: (_RELEASE,),
        Verb.RETURN: (_RELEASE, _RETRY),
    }
)


def of_item(item: QueueItem, size_octets: int) -> tuple[str | int | float, ...]:
    """Return the row of ``item``."""
    envelope = item.envelope
    return (
        item.id,
        item.trace_id,
        item.message_id,
        item.created_at,
        item.expires_at,
        size_octets,
        str(envelope.reverse_path or ""),
        envelope.body.value,
        int(envelope.smtputf8),
        envelope.envelope_id,
        envelope.ret,
    )


def of_recipients(item: QueueItem) -> list[tuple[str | int | float, ...]]:
    """Return the rows of an item's recipients."""
    return [
        (
            item.id,
            one.number,
            str(one.recipient.address),
            ",".join(sorted(one.recipient.notify)),
            one.recipient.original,
            one.destination,
            one.detail,
            one.state.value,
            one.attempts,
            one.next_attempt_at,
            one.owner,
            one.reply,
            one.host,
        )
        for one in item.recipients
    ]


def of_record(record: AttemptRecord, owner: str) -> dict[str, str | int | float]:
    """Return the parameters of ``FINISH``."""
    return {
        "item_id": record.item_id,
        "number": record.number,
        "owner": owner,
        "state": record.state.value,
        "final": int(record.state.final),
        "tried": int(record.tried),
        "next_attempt_at": record.next_attempt_at,
        "reply": record.reply,
        "host": record.host,
    }


def to_item(row: Row, recipients: Sequence[Row]) -> QueueItem:
    """Return the item of a row and its recipients' rows."""
    texts = [str(value) for value in row]
    reverse_path = _mailbox(texts[6]) if texts[6] else None
    return QueueItem(
        id=texts[0],
        trace_id=texts[1],
        message_id=texts[2],
        created_at=float(texts[3]),
        expires_at=float(texts[4]),
        envelope=Envelope(
            reverse_path,
            (),
            BodyType(texts[7]),
            smtputf8=texts[8] == "1",
            envelope_id=texts[9],
            ret=texts[10],
        ),
        recipients=[_to_recipient(one) for one in recipients],
        size_octets=int(texts[5]),
    )


def octets_of(value: Value) -> bytes:
    """Return the octets of a chunk's column."""
    return value if isinstance(value, bytes) else b""


@lru_cache(maxsize=_ADDRESSES_MAX)
def _mailbox(text: str) -> Mailbox:
    return Mailbox.parse(text)


def _to_recipient(row: Row) -> QueuedRecipient:
    texts = [str(value) for value in row]
    notify = frozenset(texts[3].split(",")) if texts[3] else frozenset()
    return QueuedRecipient(
        number=int(texts[1]),
        recipient=Recipient(_mailbox(texts[2]), notify, texts[4]),
        destination=texts[5],
        detail=texts[6],
        state=RecipientState(texts[7]),
        attempts=int(texts[8]),
        next_attempt_at=float(texts[9]),
        owner=texts[10],
        reply=texts[11],
        host=texts[12],
    )
