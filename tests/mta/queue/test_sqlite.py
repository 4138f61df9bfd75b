import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.base.ids import SecureChance
from pabal.message.spool import Spool
from pabal.mta.queue import rows
from pabal.mta.queue.ports import Queue
from pabal.mta.queue.schedule import Schedule
from pabal.mta.queue.sqlite import (
    CLAIMS_AT_ONCE,
    OLDEST_LOOKED_AT,
    RECIPIENTS_AT_ONCE,
    SqliteQueue,
)
from pabal.mta.settings import ScheduleSettings
from tests.mta.queue.contract import NOW, OCTETS, QueueContract, add, done, item, take


class TestSqlite(QueueContract):
    @pytest.fixture
    async def queue(self, tmp_path: Path) -> AsyncIterator[Queue]:
        queue = SqliteQueue(tmp_path / "queue.db")
        yield queue
        await queue.close()


async def test_another_process_sees_it(tmp_path: Path) -> None:
    first = SqliteQueue(tmp_path / "queue.db")
    second = SqliteQueue(tmp_path / "queue.db")
    added = await add(first, "a@x.test")
    assert len(await second.take(take(owner="other"))) == 1
    assert await first.take(take()) == []
    await second.finish("other", [done(added.id)])
    assert await first.item(added.id) is None
    await first.close()
    await second.close()


async def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    await add(queue, "a@x.test")
    pages = queue._writer.connection.pragma("page_count")
    queue._writer.connection.pragma("max_page_count", pages)
    with pytest.raises(StorageFullError), Spool() as spool:
        spool.write(b"x" * 500_000)
        await queue.add(item("b@x.test"), spool)
    queue._writer.connection.pragma("max_page_count", 1_000_000)
    assert len(await queue.items(10)) == 1
    await add(queue, "c@x.test", at=NOW + 1)
    assert len(await queue.items(10)) == 2
    await queue.close()


async def test_one_bad_job_does_not_hurt_its_batch(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    spool = Spool()
    spool.close()
    good = add(queue, "a@x.test")
    bad = queue.add(item("b@x.test"), spool, -5)
    results = await asyncio.gather(good, bad, return_exceptions=True)
    assert isinstance(results[1], Exception)
    assert len(await queue.items(10)) == 1
    await queue.close()


async def test_a_backlog_does_not_hide_others(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    big = item(*(f"u{n}@big.test" for n in range(2 * OLDEST_LOOKED_AT)))
    small = item("a@small.test", at=NOW + 1, due=NOW - 1)
    with Spool() as spool:
        spool.write(OCTETS)
        await queue.add(big, spool)
        await queue.add(small, spool)
    chosen = take(a_destination=3, skip=frozenset({"big.test"}))
    assert [c.destination for c in await queue.take(chosen)] == ["small.test"]
    await add(queue, "b@other.test", at=NOW + 2, due=NOW)
    await add(queue, "c@third.test", at=NOW + 3, due=NOW - 0.5)
    found = {c.destination for c in await queue.take(take(a_destination=3))}
    assert found == {"big.test", "other.test", "third.test"}
    await queue.close()


async def test_a_list_of_many_recipients_ends_early(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    many = RECIPIENTS_AT_ONCE // 2 + 1
    ids = []
    for n in range(3):
        recipients = [f"u{number}@x.test" for number in range(many)]
        ids.append((await add(queue, *recipients, at=NOW + n)).id)
    assert [one.id for one in await queue.items(10)] == ids[:2]
    assert [one.id for one in await queue.items(10, ids[1])] == ids[2:]
    await queue.close()


async def test_one_look_is_short_and_leases_are_renewed_in_portions(
    tmp_path: Path,
) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    count = CLAIMS_AT_ONCE + 5
    await add(queue, *(f"u@{n}.test" for n in range(count)))
    claims = [*await queue.take(take(limit=5_000))]
    assert len(claims) <= CLAIMS_AT_ONCE
    while found := await queue.take(take(limit=5_000)):
        claims += found
    assert len(claims) == count
    await queue.renew("me", NOW + 500, claims)
    assert await queue.take(take(owner="other", now=NOW + 499, until=NOW + 999)) == []
    await queue.close()


def fill(path: Path, count: int) -> None:
    """Put ``count`` due items for a thousand destinations into the queue."""
    connection = apsw.Connection(str(path))
    with connection:
        for n in range(count):
            one = item(f"u{n}@d{n % 1000}.test", at=NOW - count + n, due=NOW - n / 1000)
            connection.execute(rows.ADD_ITEM, rows.of_item(one, len(OCTETS)))
            connection.executemany(rows.ADD_RECIPIENT, rows.of_recipients(one))
            connection.execute(rows.ADD_CHUNK, (one.id, 0, OCTETS))
    connection.close()


@pytest.mark.slow
async def test_a_hundred_thousand_wait_in_bounded_memory(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    fill(tmp_path / "queue.db", 100_000)
    schedule = Schedule(ScheduleSettings(), SecureChance())
    tracemalloc.start()
    began = time.process_time()
    while schedule.room:
        wanted = take(limit=schedule.room, a_destination=100, skip=schedule.full())
        claims = await queue.take(wanted)
        assert claims
        schedule.add(claims)
    await queue.renew("me", NOW + 60, schedule.held())
    last, count = "", 0
    while page := await queue.items(1_000, last):
        last, count = page[-1].id, count + len(page)
    assert time.process_time() - began < 60  # memory is being watched: 6 to 10
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert len(schedule.held()) == ScheduleSettings().claims_max
    assert peak < 40_000_000
    await queue.close()


async def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db")
    await add(queue, "a@x.test")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}
    await queue.close()
    with pytest.raises(UnavailableError):
        SqliteQueue(tmp_path / "no" / "queue.db")


async def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(UnavailableError):
        SqliteQueue(path)


CHILD = """
import asyncio, sys
from pathlib import Path
from pabal.mta.queue.sqlite import SqliteQueue
from tests.mta.queue.contract import add, take, done

async def main():
    queue = SqliteQueue(Path(sys.argv[1]))
    n = 0
    async def one(k):
        item = await add(queue, f"a@{k % 3}.test", at=1_700_000_000.0 + k)
        print("+" + item.id, flush=True)
    while True:
        await asyncio.gather(*(one(n + k) for k in range(8)))
        n += 8
        for claim in await queue.take(take(limit=4)):
            print("-" + claim.item_id, flush=True)
            await queue.finish("me", [done(claim.item_id)])

asyncio.run(main())
"""


async def kill_and_look(path: Path, delay_s: float) -> None:
    """Kill a process at work; what it said it added is there or was being finished."""
    root = Path(__file__).parents[3]
    child = subprocess.Popen(  # noqa: ASYNC220 (the child is all there is)
        [sys.executable, "-c", CHILD, str(path)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"},
    )
    assert child.stdout is not None
    first = child.stdout.readline()
    try:
        child.wait(delay_s)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    lines = (first + child.stdout.read()).decode().split("\n")
    child.stdout.close()
    child.wait()
    said = {line[1:] for line in lines[:-1] if line.startswith("+")}
    finished = {line[1:] for line in lines[:-1] if line.startswith("-")}
    assert said
    connection = apsw.Connection(str(path))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()
    queue = SqliteQueue(path)
    there = {one.id for one in await queue.items(100_000)}
    assert said - finished <= there
    for one in there:
        with await queue.body(one) as body:
            assert body.octets() == OCTETS
        await queue.remove(one)
    await queue.close()


async def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    await kill_and_look(tmp_path / "queue.db", 0.2)


@pytest.mark.slow
async def test_kill_9_loses_nothing_often(tmp_path: Path) -> None:
    for n in range(40):
        await kill_and_look(tmp_path / "queue.db", 0.05 + (n * 37 % 100) / 150)
