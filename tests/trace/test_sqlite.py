import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.trace import sqlite
from pabal.trace.sqlite import SqliteTracer, SqliteTraceReader
from tests.trace.contract import Settle, TraceContract, event


class FakeClock:
    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.db"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tracer(path: Path, clock: FakeClock) -> Iterator[SqliteTracer]:
    # Times of the contract are small numbers: nothing may be too old.
    tracer = SqliteTracer(path, clock, keep_s=1e12)
    yield tracer
    tracer.close()


@pytest.fixture
def reader(path: Path, tracer: SqliteTracer) -> Iterator[SqliteTraceReader]:
    reader = SqliteTraceReader(path)
    yield reader
    reader.close()


class TestSqlite(TraceContract):
    @pytest.fixture
    def settle(self, tracer: SqliteTracer) -> Settle:
        return tracer.flush


def test_written_without_being_asked(path: Path) -> None:
    written = threading.Event()

    class Watched(SqliteTracer):
        @override
        def flush(self) -> None:
            super().flush()
            written.set()

    tracer = Watched(path, SystemClock())
    tracer.record(event(1e10, message_id="m@a"))
    assert written.wait(10)
    reader = SqliteTraceReader(path)
    assert len(reader.by_message_id("m@a")) == 1
    tracer.close()
    reader.close()


def test_close_writes_what_waits(path: Path, clock: FakeClock) -> None:
    tracer = SqliteTracer(path, clock, keep_s=1e12)
    tracer.record(event(1, message_id="m@a"))
    tracer.close()
    tracer.close()
    reader = SqliteTraceReader(path)
    assert len(reader.by_message_id("m@a")) == 1
    reader.close()


def test_two_processes_write(
    path: Path, clock: FakeClock, tracer: SqliteTracer, reader: SqliteTraceReader
) -> None:
    other = SqliteTracer(path, clock, keep_s=1e12)
    for number in range(50):
        tracer.record(event(number, trace_id="a", message_id="m@a"))
        other.record(event(number, trace_id="b", message_id="m@a"))
    tracer.flush()
    other.flush()
    assert len(reader.by_message_id("m@a")) == 100
    other.close()


def test_overrun_drops_the_oldest_and_counts(
    tracer: SqliteTracer, reader: SqliteTraceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUEUE_MAX", 5)
    with tracer._writing:  # the disk is stuck
        tracer._waiting = type(tracer._waiting)(maxlen=5)
        for number in range(8):
            tracer.record(event(number, message_id="m@a"))
        assert tracer.dropped_count == 3
        kept = [one.at for one in tracer._waiting]
    assert kept == [3, 4, 5, 6, 7]


def test_a_full_disk_loses_events_and_nothing_else(
    tracer: SqliteTracer, reader: SqliteTraceReader
) -> None:
    tracer.flush()
    tracer._connection.execute("PRAGMA max_page_count = 1")
    for number in range(500):
        tracer.record(event(number, message_id="m@a"))
    tracer.flush()
    assert tracer.dropped_count == 500
    tracer._connection.execute("PRAGMA max_page_count = 100000")
    tracer.record(event(1, message_id="n@a"))
    tracer.flush()
    assert len(reader.by_message_id("n@a")) == 1


def test_old_events_are_removed(
    path: Path, clock: FakeClock, reader: SqliteTraceReader
) -> None:
    tracer = SqliteTracer(path, clock)
    tracer.record(event(clock.now() - 31 * 86_400, trace_id="old"))
    tracer.record(event(clock.now() - 29 * 86_400, trace_id="new"))
    tracer.flush()
    assert [way[0].trace_id for way in reader.last(10)] == ["new"]
    clock.time += 2 * 86_400
    tracer.record(event(clock.now(), trace_id="newest"))
    tracer.flush()
    assert [way[0].trace_id for way in reader.last(10)] == ["newest"]
    tracer.close()


def test_many_events_of_one_message_hide_nobody(
    tracer: SqliteTracer, reader: SqliteTraceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PAGE", 3)
    tracer.record(event(1, trace_id="quiet"))
    for number in range(10):
        tracer.record(event(2 + number, trace_id="loud"))
    tracer.flush()
    assert [way[0].trace_id for way in reader.last(2)] == ["loud", "quiet"]


def test_cannot_be_opened(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(OperatorError, match="missing"):
        SqliteTracer(tmp_path / "missing" / "trace.db", clock)
    (tmp_path / "trace.db").write_bytes(b"x" * 4096)
    with pytest.raises(OperatorError, match=r"trace\.db"):
        SqliteTraceReader(tmp_path / "trace.db")
