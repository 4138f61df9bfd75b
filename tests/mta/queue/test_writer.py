import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import apsw
import pytest
from typing_extensions import override

from pabal.base.disk import Done
from pabal.base.errors import (
    LocalProtocolError,
    OperatorError,
    StorageFullError,
    UnavailableError,
)
from pabal.base.sqlite import CHECKPOINT_PAGES, INLINE_OCTETS
from pabal.mta.queue import writer as module
from pabal.mta.queue.writer import Writer, connect
from tests.support.lossy import Kernel


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    writer = Writer(tmp_path / "queue.db")
    await writer.write(lambda connection: connection.execute("CREATE TABLE t (a)"))
    await writer.write(insert("first"))
    yield writer
    await writer.close()


def insert(text: str) -> Callable[[apsw.Connection], int]:
    """Return a job that says which thread it ran on."""

    def work(connection: apsw.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (text,))
        return threading.get_ident()

    return work


def rows(path: Path) -> list[str]:
    connection = apsw.Connection(str(path / "queue.db"))
    found = [str(text) for (text,) in connection.execute("SELECT a FROM t")]
    connection.close()
    return found


class Disk:
    """Says of every sync what it was told to."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.synced: list[int] = []

    def sync(self, descriptor: int, done: Done) -> None:
        self.synced.append(descriptor)
        error = OSError(self.code, "as told") if self.code else None
        asyncio.get_running_loop().call_soon(done, error)

    def close(self) -> None:
        """Nothing is open."""


async def test_short_writes_do_not_leave_the_loop(writer: Writer) -> None:
    here = threading.get_ident()
    assert await writer.write(insert("x"), INLINE_OCTETS) == here
    assert await writer.write(insert("x"), INLINE_OCTETS + 1) != here
    assert await writer.write(insert("x"), None) != here


async def test_who_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(module, "open_disk", lambda: disk)
    writer = Writer(tmp_path / "queue.db")
    await writer.write(lambda connection: connection.execute("CREATE TABLE t (a)"))
    await writer.write(insert("a"), durable=False)
    assert disk.synced == []
    await asyncio.gather(writer.write(insert("b")), writer.write(insert("c")))
    [log] = disk.synced
    assert log == writer._log.descriptor
    await writer.close()


async def test_another_process_is_waited_for(writer: Writer, tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "queue.db"))
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.05, other.execute, "COMMIT")
    assert await writer.write(insert("late")) != threading.get_ident()
    assert rows(tmp_path) == ["first", "late"]
    other.close()


async def test_a_failure_undoes_its_own_job(writer: Writer, tmp_path: Path) -> None:
    def bad(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES ('half')")
        connection.execute("INSERT INTO item (id) VALUES (NULL)")

    results = await asyncio.gather(
        *(writer.write(work) for work in (insert("a"), bad, insert("b"))),
        return_exceptions=True,
    )
    assert isinstance(results[1], LocalProtocolError)
    assert rows(tmp_path) == ["first", "a", "b"]
    with pytest.raises(LocalProtocolError):
        await writer.write(bad)


async def test_a_disk_that_fails_is_said_and_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(module, "open_disk", lambda: disk)
    writer = Writer(tmp_path / "queue.db")
    await writer.write(lambda connection: connection.execute("CREATE TABLE t (a)"))
    disk.code = errno.ENOSPC
    with pytest.raises(StorageFullError):
        await writer.write(insert("a"))
    disk.code = 0
    # Not on the event loop, before the log was written anew; and then again there.
    assert await writer.write(insert("b")) != threading.get_ident()
    assert await writer.write(insert("c")) == threading.get_ident()
    disk.code = errno.EIO
    with pytest.raises(UnavailableError):
        await writer.write(insert("d"))
    assert rows(tmp_path) == ["a", "b", "c", "d"]
    await writer.close()


class KernelDisk(Disk):
    """Has a kernel that loses what it could not write."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self._kernel = kernel

    @override
    def sync(self, descriptor: int, done: Done) -> None:
        failure = None
        try:
            self._kernel.sync(descriptor)
        except OSError as error:
            failure = error
        asyncio.get_running_loop().call_soon(done, failure)


@pytest.mark.parametrize("evicted", [False, True])
async def test_what_is_promised_after_a_failed_sync_survives_a_power_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, evicted: bool
) -> None:
    kernel = Kernel(tmp_path / "queue.db", monkeypatch)
    monkeypatch.setattr(module, "open_disk", lambda: KernelDisk(kernel))
    writer = Writer(tmp_path / "queue.db")
    reader = connect(tmp_path / "queue.db")
    await writer.write(lambda connection: connection.execute("CREATE TABLE t (a)"))
    await writer.write(insert("promised"))
    kernel.code = errno.EIO
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await writer.write(insert("refused"))
    kernel.code = 0
    if evicted:
        kernel.evict()
    await writer.write(insert("promised"))
    await writer.write(insert("promised"))
    there = kernel.after_power_loss(tmp_path / "after", "SELECT a FROM t")
    assert there.count("promised") == 3
    assert there == rows(tmp_path)
    assert ("refused" in there) != evicted
    await writer.close(reader)


async def test_a_long_log_is_moved_into_the_file(
    writer: Writer, tmp_path: Path
) -> None:
    written = 1
    while writer._log.pages < CHECKPOINT_PAGES:
        works = [insert("x" * 4096) for _ in range(50)]
        await asyncio.gather(*map(writer.write, works))
        written += len(works)
        assert written < CHECKPOINT_PAGES
    assert await writer.write(insert("y")) != threading.get_ident()
    assert writer._log.pages < 10
    assert await writer.write(insert("z")) == threading.get_ident()
    assert len(rows(tmp_path)) == written + 2


def test_a_queue_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    connect(path).close()
    newer = apsw.Connection(str(path))
    newer.pragma("user_version", 99)
    with pytest.raises(OperatorError, match="newer pabal"):
        connect(path)
    assert newer.pragma("user_version") == 99
