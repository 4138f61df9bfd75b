"""Trace events in one SQLite database, written behind the server's back.

``record`` appends to a bounded queue; a thread writes what has gathered a few times a
second. The last second may be lost in a crash (synchronous=NORMAL), never mail, and
no server ever waits: when the disk does not keep up, the oldest events are dropped and
counted. Any number of processes write; readers do not disturb them (WAL).
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.base.log import Log
from pabal.trace.memory import bare
from pabal.trace.ports import Fact, Stage, TraceEvent

FLUSH_S: Final = 0.3
"""How long events gather before they are written."""

QUEUE_MAX: Final = 20_000
"""Events that may wait: seconds of the busiest server, some 20 MB."""

BATCH_MAX: Final = 1_000
"""Events of one transaction: bounds how long other processes wait to write."""

KEEP_S: Final = 30 * 86_400.0
"""How long an event is kept, seconds."""

PRUNE_EVERY_S: Final = 600.0
"""How often old events are looked for."""

PRUNE_MAX: Final = 5_000
"""Old events removed in one transaction."""

WAY_EVENTS_MAX: Final = 10_000
"""Events of one message that are read back."""

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a batch waits for one by another process."""

PAGE: Final = 500
"""Events looked at at once when the newest messages are searched."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    host TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL COLLATE NOCASE,
    elapsed_ms REAL NOT NULL,
    facts BLOB NOT NULL  -- JSON object
) STRICT;
CREATE INDEX IF NOT EXISTS event_by_trace ON event (trace_id);
CREATE INDEX IF NOT EXISTS event_by_message ON event (message_id)
    WHERE message_id != '';
CREATE INDEX IF NOT EXISTS event_by_recipient ON event (recipient)
    WHERE recipient != '';
"""

# One statement a batch: between two statements the interpreter's lock changes hands,
# and a thousand of these would stop the event loop a thousand times.
_INSERT: Final = (
    "INSERT INTO event (at, host, trace_id, stage, message_id, recipient,"
    " elapsed_ms, facts)"
    " SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5,"
    " value->>6, CAST(value->>7 AS BLOB) FROM json_each(?)"
)

_EVENTS: Final = (
    "SELECT at, host, trace_id, stage, message_id, recipient, elapsed_ms, facts"
    " FROM event"
)

# Written in nearly the order of time: the oldest rows are looked at, not all.
_PRUNE: Final = (
    "DELETE FROM event WHERE id IN"
    " (SELECT id FROM (SELECT id, at FROM event ORDER BY id LIMIT ?) WHERE at < ?)"
)

Cell = int | float | str | bytes | None

log = Log("trace")


class SqliteTracer:
    """Implements ``Tracer``; owns one thread.

    Raises:
        OperatorError: The database cannot be opened.
    """

    def __init__(self, path: Path, clock: Clock, keep_s: float = KEEP_S) -> None:
        self._connection = _open(path)
        self._clock = clock
        self._keep_s = keep_s
        self._prune_at = clock.monotonic()
        self._waiting: deque[TraceEvent] = deque(maxlen=QUEUE_MAX)
        self._awake = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._writing = threading.Lock()
        self.dropped_count = 0
        self._thread = threading.Thread(target=self._run, name="trace", daemon=True)
        self._thread.start()

    def record(self, event: TraceEvent) -> None:
        """Take note of ``event``; returns at once, never raises."""
        waiting = self._waiting
        if len(waiting) == QUEUE_MAX:
            self.dropped_count += 1
        waiting.append(event)
        if not self._awake:
            self._awake = True
            self._wake.set()

    def flush(self) -> None:
        """Write what waits now; what cannot be written is counted as dropped."""
        with self._writing:
            while batch := self._take():
                try:
                    self._write(batch)
                except apsw.Error as error:
                    self.dropped_count += len(batch)
                    log.warning(
                        "events lost", error=str(error), dropped=self.dropped_count
                    )
                    return

    def close(self) -> None:
        """Write what waits, end the thread, close the database. Idempotent."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake.set()
        self._thread.join()
        self.flush()
        self._connection.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            # Cleared first: an event recorded from here on is in this flush or wakes
            # the next one.
            self._stop.wait(FLUSH_S)
            self._wake.clear()
            self._awake = False
            self.flush()

    def _take(self) -> list[TraceEvent]:
        batch: list[TraceEvent] = []
        try:
            while len(batch) < BATCH_MAX:
                batch.append(self._waiting.popleft())
        except IndexError:
            pass
        return batch

    def _write(self, batch: Sequence[TraceEvent]) -> None:
        rows = msgspec.json.encode([_row(event) for event in batch]).decode()
        self._in_transaction(lambda: self._connection.execute(_INSERT, (rows,)))
        if self._clock.monotonic() >= self._prune_at:
            self._prune()

    def _prune(self) -> None:
        oldest = self._clock.now() - self._keep_s
        self._in_transaction(
            lambda: self._connection.execute(_PRUNE, (PRUNE_MAX, oldest))
        )
        # A full portion: there may be more, so go on with the next batch.
        if self._connection.changes() < PRUNE_MAX:
            self._prune_at = self._clock.monotonic() + PRUNE_EVERY_S

    def _in_transaction(self, work: Callable[[], object]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            work()
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


class SqliteTraceReader:
    """Implements ``TraceReader`` on a database that others write.

    Raises:
        OperatorError: The database cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._connection = _open(path)

    def by_message_id(self, message_id: str) -> Sequence[TraceEvent]:
        """Return the events of a message, in order, whatever traces they are in."""
        return self._select(
            "WHERE trace_id IN (SELECT trace_id FROM event"
            " WHERE message_id != '' AND message_id = ?)",
            bare(message_id),
        )

    def last(self, count: int) -> Sequence[Sequence[TraceEvent]]:
        """Return the ways of the last ``count`` messages, newest first."""
        return self._newest("? = ''", "", count)

    def to(self, address: str, count: int) -> Sequence[Sequence[TraceEvent]]:
        """Return the ways of the last ``count`` messages to ``address``."""
        return self._newest("recipient != '' AND recipient = ?", address, count)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _newest(
        self, where: str, value: str, count: int
    ) -> Sequence[Sequence[TraceEvent]]:
        ways: dict[str, Sequence[TraceEvent]] = {}
        seen: set[str] = set()
        for trace_id in self._traces(where, value):
            if len(ways) >= count:
                break
            if trace_id in seen:
                continue
            way = self._way(trace_id)
            seen.update(event.trace_id for event in way)
            ways[trace_id] = way
        return tuple(ways.values())

    def _traces(self, where: str, value: str) -> Iterator[str]:
        """Yield trace ids, that of the newest event first, with repetitions."""
        before: Cell = 1 << 62
        while True:
            rows = self._connection.execute(
                f"SELECT id, trace_id FROM event WHERE {where} AND id < ?"  # noqa: S608 (a constant)
                " ORDER BY id DESC LIMIT ?",
                (value, before, PAGE),
            ).fetchall()
            yield from (str(trace_id) for _, trace_id in rows)
            if len(rows) < PAGE:
                return
            before = rows[-1][0]

    def _way(self, trace_id: str) -> Sequence[TraceEvent]:
        """Return everything about the message a trace is about."""
        events = self._select("WHERE trace_id = ?", trace_id)
        message_id = next((e.message_id for e in events if e.message_id), "")
        if not message_id:
            return events
        return self.by_message_id(message_id) or events

    def _select(self, where: str, value: str) -> list[TraceEvent]:
        sql = f"{_EVENTS} {where} ORDER BY at, id LIMIT {WAY_EVENTS_MAX}"
        return [_event(row) for row in self._connection.execute(sql, (value,))]


def _open(path: Path) -> apsw.Connection:
    try:
        path.touch(mode=0o600)
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
        connection.execute(_SCHEMA)
    except (apsw.Error, OSError) as error:
        raise OperatorError(
            f"cannot open the trace {path}: {error}.",
            "Check that the file and its folder belong to the user pabal runs as.",
        ) from error
    return connection


def _row(event: TraceEvent) -> tuple[Cell, ...]:
    return (
        event.at,
        event.host,
        event.trace_id,
        event.stage.value,
        event.message_id,
        event.recipient,
        event.elapsed_ms,
        msgspec.json.encode(event.facts).decode(),
    )


def _event(row: tuple[Cell, ...]) -> TraceEvent:
    at, host, trace_id, stage, message_id, recipient, elapsed_ms, facts = row
    return TraceEvent(
        at=_number(at),
        host=str(host),
        trace_id=str(trace_id),
        stage=Stage(stage),
        message_id=str(message_id),
        recipient=str(recipient),
        elapsed_ms=_number(elapsed_ms),
        facts=_facts(facts),
    )


def _facts(cell: Cell) -> dict[str, Fact]:
    if not isinstance(cell, bytes):
        return {}
    return msgspec.json.decode(cell, type=dict[str, Fact])


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0
