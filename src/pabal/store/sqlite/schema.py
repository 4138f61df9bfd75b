"""The tables of one account, and how older ones become these.

``PRAGMA user_version`` is the number of migrations a file has seen.

What each table is for: see "The store" in docs/architecture.md. Decisions here:

* ``blob`` is keyed by ``email << 20 | number``: one integer, found without an index.
  A message of at most ``SPLIT_OCTETS`` is one row; of a longer one row 0 is the header
  (read alone by most clients) and the others are ``BLOB_CHUNK_OCTETS`` of body each.
* ``entry`` carries the message's size, so counters never touch ``email``.
* ``orphan``: emails no entry holds, kept a while so that a session that was not told of
  an expunge yet can still fetch, and an operator can bring a message back.
* ``thread_key``: hashes of message ids, for finding a message's thread on arrival.
* ``subscription``: subscribed names that no mailbox has; the others say so themselves.
* ``annotation``: what clients noted about a mailbox; about the account as mailbox 0.
  One that was removed stays a while without a value: other processes must learn of it.
* ``uidl``: POP3 unique-ids that messages brought along from another server.
* ``origin``: what became of each message of another server: (source, key) → entry, and
  the flags it had there.
* ``removed``: mailboxes that are gone, which clients that were away must learn.
* ``keyword``: keywords that messages of a mailbox had, and when one lost it last.
"""

from typing import Final

import apsw

from pabal.base.errors import UnavailableError

BLOB_NUMBER_BITS: Final = 20
"""Chunks an email may have: 2^20 × 256 KiB."""

SPLIT_OCTETS: Final = 16 * 1024
"""Messages above this have their header in a row of its own."""

HEADER_ROW_MAX_OCTETS: Final = 64 * 1024
"""Headers above this are cut like bodies are."""

_FIRST: Final = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    modseq INTEGER NOT NULL,
    mailbox_last INTEGER NOT NULL,
    email_last INTEGER NOT NULL,
    uid_validity_last INTEGER NOT NULL
) STRICT;
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    special_use TEXT NOT NULL,
    subscribed INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    highest_modseq INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    unseen_count INTEGER NOT NULL,
    deleted_count INTEGER NOT NULL,
    size_octets INTEGER NOT NULL,
    recent_from INTEGER NOT NULL DEFAULT 1,
    forgotten_modseq INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE removed (
    mailbox INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;
CREATE TABLE email (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    header_length INTEGER NOT NULL,
    blob_first INTEGER NOT NULL,
    received_at REAL NOT NULL,
    sent_at REAL,
    sent_offset INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    digest BLOB NOT NULL,
    envelope BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    body BLOB NOT NULL,
    preview TEXT NOT NULL,
    message_id TEXT NOT NULL,
    in_reply_to TEXT NOT NULL,
    ancestors TEXT NOT NULL,
    base_subject TEXT NOT NULL
) STRICT;
CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    size INTEGER,
    octets BLOB NOT NULL
) STRICT;
CREATE TABLE entry (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    email INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    size INTEGER NOT NULL,
    saved_at REAL NOT NULL,
    PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_modseq ON entry (mailbox, modseq);
CREATE INDEX entry_email ON entry (email);
CREATE TABLE expunged (
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    email INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    expunged_at REAL NOT NULL,
    PRIMARY KEY (mailbox, modseq, uid)
) STRICT, WITHOUT ROWID;
CREATE TABLE orphan (
    email INTEGER PRIMARY KEY,
    expunged_at REAL NOT NULL
) STRICT;
CREATE TABLE flagset (
    id INTEGER PRIMARY KEY,
    names TEXT NOT NULL
) STRICT;
CREATE TABLE thread_key (
    key INTEGER PRIMARY KEY,
    thread INTEGER NOT NULL
) STRICT;
"""

_NAMED: Final = """
CREATE TABLE subscription (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE annotation (
    mailbox INTEGER NOT NULL,
    name TEXT NOT NULL,
    value BLOB,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX annotation_modseq ON annotation (modseq);
"""

_MOVED: Final = """
CREATE TABLE uidl (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    uidl TEXT NOT NULL,
    PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE TABLE origin (
    source INTEGER NOT NULL,
    key INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
"""

_REMEMBERED: Final = """
CREATE TABLE keyword (
    mailbox INTEGER NOT NULL,
    name TEXT NOT NULL,
    lost_at REAL NOT NULL,
    PRIMARY KEY (mailbox, name)
) STRICT, WITHOUT ROWID;
"""

MIGRATIONS: Final = (_FIRST, _NAMED, _MOVED, _REMEMBERED)
"""Scripts, the oldest first; one that was released is never edited again."""


class TooNewError(UnavailableError):
    """A newer program wrote this file."""


def is_current(connection: apsw.Connection) -> bool:
    """Return whether the tables need no migration.

    Raises:
        TooNewError: The file is newer than this program.
    """
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise TooNewError(f"tables of version {version}: a newer pabal wrote them")
    return version == len(MIGRATIONS)


def migrate(connection: apsw.Connection) -> None:
    """Bring the tables up to date, in one transaction.

    Raises:
        TooNewError: The file is newer than this program.
    """
    if is_current(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have been faster.
        for script in MIGRATIONS[_version(connection) :]:
            connection.execute(script, can_cache=False)
        version = f"PRAGMA user_version = {len(MIGRATIONS)}"
        connection.execute(version, can_cache=False)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: apsw.Connection) -> int:
    version: int = connection.pragma("user_version")
    return version
