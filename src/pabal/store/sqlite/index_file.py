"""The search index of one account: a file of its own beside the mailbox's.

It holds nothing that cannot be made again and may be deleted at any time. So it costs
the mailbox's file nothing, and the writer of mail never waits for it.

A rollback journal, not a log: a file that is deleted leaves nothing behind that could
be taken for a part of the next one. Readers wait for a commit, some milliseconds.
"""

import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import apsw

from pabal.store.search.lists import Found
from pabal.store.search.pages import Page
from pabal.store.search.segment import COLUMNS, Handle, Kind, Segment

FILE_NAME: Final = "search.db"

FORMAT: Final = 7
"""Of the tables and of what is in them; an index of another format is made anew."""

BUSY_TIMEOUT_MS: Final = 10_000
"""How long is waited for another process's commit."""

PAGE_OCTETS: Final = 4_096
"""Of SQLite's pages: of each long row half of one is lost."""

MAPPED_OCTETS: Final = 1 << 30
"""Of the file, how much is read through a mapping: address space, not memory."""

_TABLES: Final = """
CREATE TABLE state (
    id INTEGER PRIMARY KEY,
    last_email INTEGER NOT NULL,
    last_digest BLOB NOT NULL
) STRICT;
CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    emails BLOB NOT NULL,
    plain BLOB NOT NULL
) STRICT;
CREATE TABLE page (
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    length INTEGER NOT NULL,
    words BLOB NOT NULL
) STRICT;
CREATE INDEX page_segment ON page (segment, kind);
CREATE TABLE lists (page INTEGER PRIMARY KEY, octets BLOB NOT NULL) STRICT;
CREATE TABLE columns (
    segment INTEGER NOT NULL,
    name TEXT NOT NULL,
    octets BLOB NOT NULL,
    PRIMARY KEY (segment, name)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Covered:
    """Which messages are indexed: those up to ``last_email``.

    Attributes:
        last_digest: Of that message's octets: tells another mailbox's index.
    """

    last_email: int
    last_digest: bytes


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment in the file: ``pabal.store.search.question.SegmentReader``."""

    connection: apsw.Connection
    id: int
    size: int

    def emails(self) -> "array[int]":
        """Return its email ids, ascending."""
        found = array("Q")
        found.frombytes(self._one("SELECT emails FROM segment WHERE id = ?", self.id))
        return found

    def words(self, kind: Kind) -> Iterator[tuple[Handle, int, bytes]]:
        """Yield handle, length of lists and words of each page."""
        cursor = self.connection.execute(
            "SELECT id, length, words FROM page WHERE segment = ? AND kind = ?"
            " ORDER BY id",
            (self.id, int(kind)),
        )
        yield from cast("Iterator[tuple[int, int, bytes]]", cursor)

    def lists(self, page: Handle, start: int, end: int) -> bytes:
        """Return the octets ``start`` to ``end`` of the lists of a page."""
        # Not all of them, up to 256 kB, to be copied.
        blob = self.connection.blob_open("main", "lists", "octets", page, False)  # noqa: FBT003
        try:
            blob.seek(start)
            return blob.read(end - start)
        finally:
            blob.close()

    def _all_lists(self, page: Handle) -> bytes:
        return self._one("SELECT octets FROM lists WHERE page = ?", page)

    def column(self, name: bytes) -> bytes:
        """Return a column."""
        return self._one(
            "SELECT octets FROM columns WHERE segment = ? AND name = ?",
            self.id,
            name.decode("ascii"),
        )

    def plain(self) -> Found:
        """Return the messages that are plain."""
        octets = self._one("SELECT plain FROM segment WHERE id = ?", self.id)
        return int.from_bytes(octets, "little")

    def load(self) -> Segment:
        """Return all of it."""
        pages = {
            kind: [
                Page(length, words, self._all_lists(page))
                for page, length, words in self.words(kind)
            ]
            for kind in Kind
        }
        columns = {name: self.column(name) for name in COLUMNS}
        return Segment(self.emails(), pages, columns, self.plain())

    def _one(self, query: str, *values: int | str) -> bytes:
        return cast("bytes", self.connection.execute(query, values).fetchall()[0][0])


class IndexFile:
    """The file; used by one thread at a time, others wait.

    Args (of the constructor):
        directory: The account's.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._connection: apsw.Connection | None = None
        self._inode = 0
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator["Reading | None"]:
        """Lend the index as it is at one moment; ``None``: there is none."""
        with self._lock:
            connection = self._current()
            if connection is None:
                yield None
                return
            with connection:
                yield Reading(connection)

    @contextmanager
    def writing(self) -> Iterator["Writing"]:
        """Lend the index for a change that is made whole or not; made if missing."""
        with self._lock:
            connection = self._current()
            if connection is None:
                connection = self._made()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Writing(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def shrink(self) -> None:
        """Give back to the disk what merged segments left."""
        with self._lock:
            connection = self._current()
            if connection is not None:
                connection.execute("PRAGMA incremental_vacuum").fetchall()

    def octets(self) -> int:
        """Return the size of the file; 0: there is none."""
        return self._path.stat().st_size if self._path.exists() else 0

    def remove(self) -> None:
        """Delete the file."""
        with self._lock:
            self._close()
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close(force=True)
            self._connection = None

    def _current(self) -> apsw.Connection | None:
        """Return the connection to the file there is now."""
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            inode = 0
        if self._connection is not None and inode != self._inode:
            self._close()
        if self._connection is None and inode:
            self._connection = self._opened(inode)
        return self._connection

    def _opened(self, inode: int) -> apsw.Connection | None:
        """Return a connection; ``None``: another program's index, or half of one."""
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        try:
            connection.execute(f"PRAGMA mmap_size = {MAPPED_OCTETS}").fetchall()
            if connection.pragma("user_version") == FORMAT:
                self._inode = inode
                return connection
        except (apsw.NotADBError, apsw.CorruptError):
            pass
        except BaseException:
            connection.close(force=True)
            raise
        connection.close(force=True)
        return None

    def _made(self) -> apsw.Connection:
        self._path.unlink(missing_ok=True)
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        for pragma in (
            f"page_size = {PAGE_OCTETS}",
            "auto_vacuum = INCREMENTAL",
            f"mmap_size = {MAPPED_OCTETS}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLES)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
        self._connection, self._inode = connection, self._path.stat().st_ino
        return connection


class Reading:
    """The index at one moment."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def covered(self) -> Covered:
        """Return which messages are indexed."""
        found = self._connection.execute(
            "SELECT last_email, last_digest FROM state"
        ).fetchall()
        return (
            Covered(*cast("tuple[int, bytes]", found[0])) if found else Covered(0, b"")
        )

    def segments(self) -> list[StoredSegment]:
        """Return the segments, those of the oldest messages first."""
        cursor = self._connection.execute("SELECT id, size FROM segment ORDER BY id")
        rows = cast("list[tuple[int, int]]", cursor.fetchall())
        return [StoredSegment(self._connection, *row) for row in rows]


class Writing(Reading):
    """The index while it changes."""

    def put(
        self, segment: Segment, covered: Covered, replaced: Sequence[int] = ()
    ) -> None:
        """Add a segment.

        Args:
            segment: With messages behind those of the segments that stay, or in place
                of those ``replaced``, which are neighbours.
            covered: Which messages are indexed from now on.
            replaced: Segments it is made of.
        """
        execute = self._connection.execute
        for old in replaced:
            execute(
                "DELETE FROM lists WHERE page IN"
                " (SELECT id FROM page WHERE segment = ?)",
                (old,),
            )
            for table in ("page", "columns"):
                # Constants of this module, nothing comes from outside.
                execute(f"DELETE FROM {table} WHERE segment = ?", (old,))  # noqa: S608
            execute("DELETE FROM segment WHERE id = ?", (old,))
        if segment.emails:
            self._insert(segment, replaced[0] if replaced else None)
        execute("DELETE FROM state")
        execute(
            "INSERT INTO state VALUES (1, ?, ?)",
            (covered.last_email, covered.last_digest),
        )

    def _insert(self, segment: Segment, number: int | None) -> None:
        execute = self._connection.execute
        execute(
            "INSERT INTO segment VALUES (?, ?, ?, ?)",
            (
                number,
                len(segment.emails),
                segment.emails.tobytes(),
                segment.plain.to_bytes((len(segment.emails) + 7) // 8, "little"),
            ),
        )
        number = self._connection.last_insert_rowid()
        for kind, pages in segment.pages.items():
            for page in pages:
                execute(
                    "INSERT INTO page VALUES (NULL, ?, ?, ?, ?)",
                    (number, int(kind), page.length, page.words),
                )
                execute(
                    "INSERT INTO lists VALUES (?, ?)",
                    (self._connection.last_insert_rowid(), page.lists),
                )
        execute_many = self._connection.executemany
        execute_many(
            "INSERT INTO columns VALUES (?, ?, ?)",
            [
                (number, name.decode("ascii"), octets)
                for name, octets in segment.columns.items()
            ],
        )
