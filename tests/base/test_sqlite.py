"""What a log is worth when the disk under it fails."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from pabal.base import sqlite as module
from pabal.base.errors import StorageFullError, UnavailableError
from pabal.base.sqlite import WriteAheadLog, errors, unwritten
from tests.support.lossy import Kernel

ALL = "SELECT a FROM t ORDER BY rowid"


@dataclass
class Site:
    """A database, its log, and the kernel both are on."""

    path: Path
    kernel: Kernel
    log: WriteAheadLog
    connection: apsw.Connection

    def write(self, text: str) -> None:
        """Promise ``text``: all that a writer does."""
        with errors():
            self.log.prepare(self.connection)
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute("INSERT INTO t VALUES (?)", (text,))
            self.connection.execute("COMMIT")
        self.log.sync()

    def fail(self, text: str, code: int = errno.EIO) -> None:
        """Write what the disk does not take."""
        self.kernel.code = code
        with pytest.raises(UnavailableError):
            self.write(text)
        self.kernel.code = 0

    def rows(self, connection: apsw.Connection | None = None) -> list[str]:
        found = (connection or self.connection).execute(ALL)
        return [str(text) for (text,) in found]

    def doubts(self) -> tuple[bool, bool]:
        return self.log.in_doubt, self.log.is_quick

    def on_disk(self) -> list[str]:
        return self.kernel.after_power_loss(self.path.parent / "after", ALL)


def connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(1_000)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    path = tmp_path / "some.db"
    connection = connect(path)
    connection.execute("CREATE TABLE t (a)")
    log = WriteAheadLog(path)
    log.attach(connection)
    site = Site(path, Kernel(path, monkeypatch), log, connection)
    site.write("first")
    yield site
    log.detach(connection)()


def test_what_is_promised_is_on_disk(site: Site) -> None:
    site.write("second")
    assert site.log.is_quick
    assert site.on_disk() == ["first", "second"]


def test_the_kernel_of_these_tests_loses_what_it_could_not_write(site: Site) -> None:
    site.fail("second")
    # As if nothing had happened: synced, told of, and not there after a crash.
    site.connection.execute("INSERT INTO t VALUES ('third')")
    site.log.sync()
    assert site.rows() == ["first", "second", "third"]
    assert site.on_disk() == ["first"]


def test_after_a_failed_sync_the_log_is_written_anew(site: Site) -> None:
    site.write("x" * 20_000)
    site.fail("second")
    assert site.doubts() == (True, False)
    site.write("third")
    assert site.doubts() == (False, True)
    assert site.on_disk() == ["first", "x" * 20_000, "second", "third"]


def test_readers_of_an_old_state_do_not_matter(site: Site) -> None:
    reader = connect(site.path)
    reader.execute("BEGIN")
    assert site.rows(reader) == ["first"]
    site.fail("second")
    site.write("third")
    assert site.rows(reader) == ["first"]
    reader.execute("COMMIT")
    assert site.rows(reader) == ["first", "second", "third"]
    reader.close()
    assert site.on_disk() == ["first", "second", "third"]


def test_frames_that_are_gone_are_taken_for_gone_by_everybody(site: Site) -> None:
    reader = connect(site.path)
    site.fail("second")
    assert site.rows(reader) == ["first", "second"]
    site.kernel.evict()
    site.write("third")
    assert site.rows() == site.rows(reader) == ["first", "third"]
    reader.close()
    assert site.on_disk() == ["first", "third"]


def test_as_long_as_the_disk_fails_nothing_is_promised(site: Site) -> None:
    site.fail("second")
    site.fail("third", errno.ENOSPC)
    assert site.rows() == ["first", "second"]  # the third was not even begun
    site.write("fourth")
    assert site.on_disk() == ["first", "second", "fourth"]


def test_others_and_those_who_come_back_know(site: Site) -> None:
    site.fail("second")
    other = connect(site.path)
    log = WriteAheadLog(site.path)
    log.attach(other)
    again = Site(site.path, site.kernel, log, other)
    again.write("third")
    assert again.on_disk() == ["first", "second", "third"]
    assert not log.in_doubt
    log.detach(other)()
    assert {one.name for one in site.path.parent.iterdir()} == {
        *("some.db", "some.db-shm", "some.db-wal", "after")
    }


def test_a_log_in_doubt_is_not_moved_when_all_is_closed(site: Site) -> None:
    site.fail("second")
    site.log.detach(site.connection)()
    assert site.path.with_name("some.db-wal").stat().st_size
    connection = connect(site.path)
    site.log.attach(connection)
    site.connection = connection
    site.write("third")
    assert site.rows() == ["first", "second", "third"]
    assert not site.log.in_doubt
    site.log.detach(connection)()
    assert not site.path.with_name("some.db-wal").exists()


ASIDE = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("SELECT * FROM t").fetchall()
try:
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
except apsw.BusyError:
    print("busy")
connection.close()
"""


def test_locks_survive_a_look_at_the_index(site: Site) -> None:
    reader = connect(site.path)
    reader.execute("BEGIN")
    site.rows(reader)
    site.fail("second")
    site.write("third")
    command = [sys.executable, "-c", ASIDE, str(site.path)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=30)
    assert done.stdout == b"busy\n"
    reader.close()


def test_an_index_made_anew_by_others_is_looked_at(site: Site) -> None:
    site.fail("second")
    site.write("third")
    site.log.let_go()
    site.connection.close()  # the log and its index are removed
    site.connection = connect(site.path)
    site.log.attach(site.connection)
    site.write("fourth")
    site.fail("fifth")
    site.write("sixth")
    assert site.rows() == ["first", "second", "third", "fourth", "fifth", "sixth"]


class Refusing:
    """A connection that cannot move the log into the file."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def wal_checkpoint(self) -> None:
        self.asked += 1
        raise self.error


def test_a_log_another_process_shortens_is_left_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 0)
    busy = Refusing(apsw.BusyError())
    site.log.prepare(busy)  # type: ignore[arg-type]
    assert busy.asked == 1
    assert not site.log.in_doubt


def test_a_sync_that_fails_inside_sqlite_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 0)
    with pytest.raises(apsw.IOError):
        site.log.prepare(Refusing(apsw.IOError()))  # type: ignore[arg-type]
    assert site.log.in_doubt


def test_what_errors_mean() -> None:
    kinds: list[tuple[Exception, type[Exception]]] = [
        (apsw.FullError(), StorageFullError),
        (apsw.BusyError(), UnavailableError),
        (apsw.CorruptError(), UnavailableError),
        (KeyError(), KeyError),
    ]
    for error, kind in kinds:
        with pytest.raises(kind) as found, errors():
            raise error
        assert found.type is kind
    assert type(unwritten(OSError(errno.EDQUOT, ""))) is StorageFullError
    assert type(unwritten(OSError(errno.EIO, ""))) is UnavailableError


def test_a_quota_that_is_used_up_is_no_room() -> None:
    error = apsw.exception_for(apsw.SQLITE_IOERR_WRITE)
    with pytest.raises(StorageFullError), errors():
        raise error
