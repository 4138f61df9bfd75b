"""Keeps the search index up with the mail; runs on a thread of its own.

Messages are indexed by the thousand, in the order of their ids; small segments are
merged into larger ones. Every step is one transaction of the index, so it can end at
any moment and goes on from there. One process at a time works on an account.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, cast

import apsw

from pabal.base.errors import UnavailableError
from pabal.base.sqlite import errors
from pabal.store.search.merging import merge
from pabal.store.search.segment import SIZE_MAX, Builder
from pabal.store.sqlite.database import Database
from pabal.store.sqlite.index_file import Covered, IndexFile, StoredSegment
from pabal.store.sqlite.lock import try_lock
from pabal.store.sqlite.texts import whole

LOCK_NAME: Final = "search.lock"

BATCH_MIN: Final = 128
"""Messages that wait until they are indexed; a search reads them in some ms."""

BATCH_MAX: Final = 4_096
"""Messages indexed at once: what waits in memory stays some ten MB."""

BATCH_OCTETS: Final = 64 * 1024 * 1024
"""Octets of messages indexed at once."""

LEVELS: Final = (1_024, 4_096, SIZE_MAX // 2, SIZE_MAX * 7 // 8)
"""Segments smaller than this are merged when together they have as many messages."""

PATIENCE: Final = 1_000
PATIENCE_S: Final = 0.3
"""How often, and how long in between, it is tried to be the only one who indexes."""

DEAD_PART: Final = 2
"""A segment is made anew when one in so many of its messages is gone."""

Pause = Callable[[], None]
"""Called again and again: gives the event loop its turn; raises to end the work."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How much is done.

    Attributes:
        pause: See ``Pause``.
        least: Fewer messages than this wait for more.
        progress: Told how many messages more are indexed.
        anew: Whether the index there is is thrown away first.
        tidied: Segments made anew besides, at most, since messages of them are gone.
    """

    pause: Pause
    least: int = BATCH_MIN
    progress: Callable[[int], None] = lambda _: None
    anew: bool = False
    tidied: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """How large an index is."""

    messages: int
    octets: int


def index(directory: Path, file: IndexFile, manner: Manner) -> bool:
    """Index what is new in the account of ``directory``.

    Returns:
        ``False`` if another process is at it.

    Raises:
        UnavailableError: The mailbox or the index cannot be used.
        StorageFullError: There is no room.
    """
    release = try_lock(directory / LOCK_NAME)
    if release is None:
        return False
    mailbox = Database(directory)
    try:
        if mailbox.is_ready():
            with errors():
                if manner.anew:
                    file.remove()
                try:
                    _Work(mailbox, file, manner).run()
                except (apsw.CorruptError, apsw.NotADBError):
                    file.remove()  # if it was that one: the next run makes another
                    raise
    finally:
        mailbox.close()
        release()
    return True


def rebuild(directory: Path, progress: Callable[[int, int], None]) -> Size:
    """Make the index of the account in ``directory`` anew; return how large it is.

    May run beside a server, whose searches are right meanwhile: they read what is not
    indexed yet.

    Args:
        directory: The account's.
        progress: Told how many messages are indexed, and how many there are.

    Raises:
        UnavailableError: Another process indexes the account, or it cannot be used.
        StorageFullError: There is no room.
    """
    patience = threading.Event()
    file = IndexFile(directory)
    counter = _Counter(directory, progress)
    try:
        for _ in range(PATIENCE):
            if index(directory, file, Manner(_go_on, 1, counter.add, anew=True)):
                return Size(counter.done, file.octets())
            patience.wait(PATIENCE_S)
    finally:
        file.close()
    raise UnavailableError("a running server is indexing this account: try later")


def _go_on() -> None:
    """Work without a pause: nobody else uses this process."""


class _Counter:
    """Counts messages indexed."""

    def __init__(self, directory: Path, told: Callable[[int, int], None]) -> None:
        self.done = 0
        self._directory = directory
        self._told = told
        self._total = 0

    def add(self, count: int) -> None:
        if not self._total:
            self._total = _count(self._directory)
        self.done += count
        self._told(self.done, max(self.done, self._total))


def _count(directory: Path) -> int:
    """Return how many emails an account has."""
    mailbox = Database(directory)
    try:
        with errors(), mailbox.scanner() as connection:
            rows = connection.execute("SELECT count(*) FROM email").fetchall()
            return cast("int", rows[0][0])
    finally:
        mailbox.close()


def last_email(mailbox: apsw.Connection, covered: Covered) -> int | None:
    """Return the newest email of a mailbox; ``None``: an index is not one of it.

    As far as it can be seen. It is not when an older copy of the mailbox was put back:
    ids are given again then.
    """
    rows = mailbox.execute(
        "SELECT a.email_last, e.digest FROM account a LEFT JOIN email e ON e.id = ?",
        (covered.last_email,),
    ).fetchall()
    last, digest = cast("tuple[int, bytes | None]", rows[0])
    if covered.last_email <= last and digest in {None, covered.last_digest}:
        return last
    return None


def due(sizes: Sequence[int]) -> range | None:
    """Return which segments, the oldest first, are to be merged; ``None``: none."""
    for level in LEVELS:
        small = sum(1 for _ in takewhile(level.__gt__, reversed(sizes)))
        start = len(sizes) - small
        if sum(sizes[start:]) < level:
            continue
        for first in range(start, len(sizes) - 1):
            end, total = first, 0
            while end < len(sizes) and total + sizes[end] <= SIZE_MAX:
                total += sizes[end]
                end += 1
            if end - first > 1:
                return range(first, end)
    return None


class _Work:
    """One run."""

    def __init__(self, mailbox: Database, file: IndexFile, manner: Manner) -> None:
        self._mailbox = mailbox
        self._file = file
        self._manner = manner

    def run(self) -> None:
        covered = self._covered()
        merged = False
        while (after := self._add(covered)) is not None:
            covered = after
            while (some := self._due()) is not None:
                self._merge(some, covered)
                merged = True
        for segment in self._half_dead():
            self._merge([segment], covered)
            merged = True
        if merged:
            self._file.shrink()

    def _covered(self) -> Covered:
        """Return what is indexed; throws an index away that is another mailbox's."""
        with self._file.reading() as reading:
            covered = Covered(0, b"") if reading is None else reading.covered()
        with self._mailbox.scanner() as connection:
            if last_email(connection, covered) is not None:
                return covered
        self._file.remove()
        return Covered(0, b"")

    def _add(self, covered: Covered) -> Covered | None:
        """Index the next messages; return what is indexed, ``None``: nothing was."""
        with self._mailbox.scanner() as connection:
            rows = connection.execute(
                "SELECT id, size, digest FROM email WHERE id > ? ORDER BY id LIMIT ?",
                (covered.last_email, BATCH_MAX),
            ).fetchall()
        if len(rows) < self._manner.least:
            return None
        builder = Builder()
        octets = 0
        for email, size, digest in cast("list[tuple[int, int, bytes]]", rows):
            self._manner.pause()
            with self._mailbox.scanner() as connection, whole(connection, email) as one:
                if one is not None:
                    builder.add(email, one)
            covered = Covered(email, digest)
            self._manner.progress(1)
            octets += size
            if octets >= BATCH_OCTETS:
                break
        segment = builder.finish(self._manner.pause)
        with self._file.writing() as writing:
            writing.put(segment, covered)
        return covered

    def _segments(self) -> list[StoredSegment]:
        with self._file.reading() as reading:
            return [] if reading is None else reading.segments()

    def _due(self) -> list[StoredSegment] | None:
        segments = self._segments()
        some = due([segment.size for segment in segments])
        return None if some is None else segments[some.start : some.stop]

    def _merge(self, some: Sequence[StoredSegment], covered: Covered) -> None:
        with self._file.reading():
            loaded = [segment.load() for segment in some]
        there = self._there(loaded[0].emails[0], loaded[-1].emails[-1])
        segment = merge(loaded, there, self._manner.pause)
        with self._file.writing() as writing:
            writing.put(segment, covered, [segment.id for segment in some])

    def _half_dead(self) -> list[StoredSegment]:
        """Return segments with messages that are gone: mostly, or most of them."""
        found, others = [], []
        for segment in self._segments():
            with self._file.reading():
                emails = segment.emails()
            self._manner.pause()
            there = len(self._there(emails[0], emails[-1]) & set(emails))
            if there * DEAD_PART <= len(emails):
                found.append(segment)
            elif there < len(emails):
                others.append((len(emails) - there, segment))
        others.sort(key=lambda one: one[0], reverse=True)
        return found + [segment for _, segment in others[: self._manner.tidied]]

    def _there(self, first: int, last: int) -> set[int]:
        """Return the ids in this range of emails that are not gone."""
        with self._mailbox.scanner() as connection:
            cursor = connection.execute(
                "SELECT email FROM entry WHERE email BETWEEN ?1 AND ?2"
                " UNION SELECT email FROM orphan WHERE email BETWEEN ?1 AND ?2",
                (first, last),
            )
            return {cast("int", email) for (email,) in cursor}
