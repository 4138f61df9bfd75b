"""Whether the tables of an account still tell the truth.

May run beside a server: it reads one snapshot. Cost: reads everything once.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, cast

import apsw

from pabal.base.sqlite import errors
from pabal.store.flags import DELETED, SEEN
from pabal.store.ports import StoreError
from pabal.store.sqlite import reader
from pabal.store.sqlite.database import FILE_NAME, Database
from pabal.store.sqlite.incoming import DIGEST_OCTETS
from pabal.store.sqlite.ledger import load_flag_sets, load_mailboxes

PROBLEMS_MAX: Final = 100
"""Problems that are listed; a broken file has either few or all."""

_LOST: Final = """
SELECT mailbox, uid FROM entry
WHERE NOT EXISTS (SELECT 1 FROM email WHERE email.id = entry.email)
"""
_HOMELESS: Final = """
SELECT id FROM email
WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.email = email.id)
    AND NOT EXISTS (SELECT 1 FROM orphan WHERE orphan.email = email.id)
"""
_WRONG_SIZE: Final = """
SELECT entry.mailbox, entry.uid FROM entry JOIN email ON email.id = entry.email
WHERE entry.size != email.size
"""
_COUNTS: Final = """
SELECT mailbox, flags, count(*), sum(size), max(uid), max(modseq)
FROM entry GROUP BY mailbox, flags
"""


def check(directory: Path) -> list[str]:
    """Return what is wrong with the account in ``directory``; empty: nothing.

    Raises:
        UnavailableError: There is no such account, or it cannot be read.
    """
    database = Database(directory)
    found: list[str] = []
    try:
        with errors(), database.scanner() as connection, connection:
            found += islice(_problems(connection), PROBLEMS_MAX)
    finally:
        database.close()
    return found


def _problems(connection: apsw.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"{FILE_NAME}: {line}"
    for mailbox, uid in connection.execute(_LOST):
        yield f"mailbox {mailbox}, UID {uid}: its email is missing"
    for (email,) in connection.execute(_HOMELESS):
        yield f"email {email}: in no mailbox and not noted as expunged"
    for mailbox, uid in connection.execute(_WRONG_SIZE):
        yield f"mailbox {mailbox}, UID {uid}: wrong size"
    yield from _wrong_counters(connection)
    yield from _wrong_octets(connection)


def _wrong_counters(connection: apsw.Connection) -> Iterator[str]:
    sets = [frozenset[str](), *load_flag_sets(connection, 1)]
    modseq = reader.account_modseq(connection)
    counted: dict[int, list[int]] = {}
    for row in connection.execute(_COUNTS):
        mailbox, flags, messages, octets, uid, newest = cast("tuple[int, ...]", row)
        total = counted.setdefault(mailbox, [0, 0, 0, 0])
        total[0] += messages
        total[1] += messages * (SEEN not in sets[flags])
        total[2] += messages * (DELETED in sets[flags])
        total[3] += octets
        if newest > modseq:
            yield f"mailbox {mailbox}: a modseq above the account's"
        infos = load_mailboxes(connection)
        if mailbox not in infos:
            yield f"mailbox {mailbox}: has messages and is not there"
        elif uid >= infos[mailbox].uid_next:
            yield f"mailbox {mailbox}: UIDNEXT is not above its UIDs"
    for info in load_mailboxes(connection).values():
        noted = [
            info.message_count,
            info.unseen_count,
            info.deleted_count,
            info.size_octets,
        ]
        if counted.get(info.id, [0, 0, 0, 0]) != noted:
            yield f"mailbox {info.name!r}: wrong counters"


def _wrong_octets(connection: apsw.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT id, digest FROM email").fetchall()
    for row in rows:
        email, digest = cast("tuple[int, bytes]", row)
        stored = reader.find(connection, email)
        if stored is None:
            continue
        running = hashlib.blake2b(digest_size=DIGEST_OCTETS)
        try:
            for number, _, _ in reader.pieces(email, stored, 0, stored.size):
                running.update(reader.chunk(connection, number))
        except StoreError:
            yield f"email {email}: octets are missing"
            continue
        if running.digest() != digest:
            yield f"email {email}: octets are not those that came"
