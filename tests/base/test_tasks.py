import asyncio
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from pabal.base import tasks as module
from pabal.base.disk import Done
from pabal.base.tasks import (
    BACKGROUND_NICE,
    Batcher,
    Start,
    Tasks,
    Unsynced,
    background_threads,
    let_others_first,
    sleep_until_set,
)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


async def test_waiting_jobs_share_a_batch(executor: ThreadPoolExecutor) -> None:
    batches: list[int] = []
    gate = threading.Event()

    def run(jobs: Sequence[int]) -> list[int | BaseException]:
        gate.wait(5)
        batches.append(len(jobs))
        return [job * 2 for job in jobs]

    batcher: Batcher[int, int] = Batcher(run, executor)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(batcher.submit(i)) for i in range(10)]
        await asyncio.sleep(0)
        gate.set()
    assert [t.result() for t in tasks] == [i * 2 for i in range(10)]
    assert len(batches) <= 2
    await batcher.settle()


@pytest.mark.parametrize(
    ("busy_s", "gather_s", "batches"),
    [
        (-1.0, 60.0, [3]),  # others are at work: what comes in the next rounds joins
        (-1.0, 0.0, [1, 2]),  # they are, and it has waited long enough
        (60.0, 60.0, [1, 2]),  # alone: begun at once
    ],
)
async def test_a_batch_waits_for_more_while_the_loop_is_busy(
    executor: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    busy_s: float,
    gather_s: float,
    batches: list[int],
) -> None:
    monkeypatch.setattr(module, "BUSY_ROUND_S", busy_s)
    monkeypatch.setattr(module, "GATHER_MAX_S", gather_s)
    found: list[int] = []
    held: list[Done] = []

    def begin(jobs: Sequence[int]) -> Unsynced[int]:
        found.append(len(jobs))
        return Unsynced(0, lambda _: list(jobs))

    class Held:
        def sync(self, descriptor: int, done: Done) -> None:
            del descriptor
            held.append(done)

        def close(self) -> None:
            """Nothing is open."""

    start: Start[int, int] = Start(begin, Held())
    batcher: Batcher[int, int] = Batcher(list, executor, start, batch_max=3)
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(batcher.submit(number))
            for _ in range(3):
                await asyncio.sleep(0)
        while batcher._busy:
            for done in held:
                done(None)
            held.clear()
            await asyncio.sleep(0)
    assert found == batches


async def test_one_failing_job_does_not_fail_others(
    executor: ThreadPoolExecutor,
) -> None:
    def run(jobs: Sequence[int]) -> list[int | BaseException]:
        return [ValueError("odd") if job % 2 else job for job in jobs]

    batcher: Batcher[int, int] = Batcher(run, executor)
    results = await asyncio.gather(
        *(batcher.submit(i) for i in range(4)), return_exceptions=True
    )
    assert [isinstance(r, ValueError) for r in results] == [False, True, False, True]


async def test_a_broken_batch_fails_its_jobs_and_the_next_goes_on(
    executor: ThreadPoolExecutor,
) -> None:
    calls = 0

    def run(jobs: Sequence[int]) -> list[int | BaseException]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("disk full")
        return list(jobs)

    batcher: Batcher[int, int] = Batcher(run, executor)
    with pytest.raises(OSError):
        await batcher.submit(1)
    assert await batcher.submit(2) == 2


async def test_a_cancelled_caller_does_not_stop_the_write(
    executor: ThreadPoolExecutor,
) -> None:
    written: list[int] = []
    started, gate = threading.Event(), threading.Event()

    def run(jobs: Sequence[int]) -> list[int | BaseException]:
        started.set()
        gate.wait(5)
        written.extend(jobs)
        return list(jobs)

    batcher: Batcher[int, int] = Batcher(run, executor)
    task = asyncio.get_running_loop().create_task(batcher.submit(1))
    await asyncio.get_running_loop().run_in_executor(None, started.wait)
    task.cancel()
    gate.set()
    await batcher.settle()
    assert written == [1]


async def test_tasks_are_held_and_stopped() -> None:
    tasks = Tasks()
    ended: list[str] = []

    async def work(name: str, *, fail: bool) -> None:
        try:
            if fail:
                raise ValueError
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    tasks.start(work("a", fail=True), "a")
    tasks.start(work("b", fail=False), "b")
    assert len(tasks) == 2
    assert not await tasks.wait(0.01)
    await tasks.stop()
    assert ended == ["a", "b"]
    assert len(tasks) == 0


async def test_waiting_for_an_event_is_bounded() -> None:
    event = asyncio.Event()
    assert not await sleep_until_set(event, 0.001)
    event.set()
    assert await sleep_until_set(event, 1)


async def test_a_short_batch_starts_on_the_event_loop(
    executor: ThreadPoolExecutor,
) -> None:
    here = threading.get_ident()
    began: list[int] = []
    finished: list[int] = []

    def run(jobs: Sequence[int]) -> list[int | BaseException]:
        assert threading.get_ident() != here
        return [-job for job in jobs]

    def begin(jobs: Sequence[int]) -> Unsynced[int] | None:
        if max(jobs) > 9:
            return None
        if 7 in jobs:
            raise ZeroDivisionError
        began.append(threading.get_ident())

        def finish(failure: OSError | None) -> list[int | BaseException]:
            finished.append(threading.get_ident())
            if failure:
                raise failure
            return list(jobs)

        return Unsynced(jobs[0], finish)

    class FakeDisk:
        def sync(self, descriptor: int, done: Done) -> None:
            failure = OSError("disk full") if descriptor == 5 else None
            asyncio.get_running_loop().call_soon(done, failure)

        def close(self) -> None:
            pass

    batcher: Batcher[int, int] = Batcher(run, executor, Start(begin, FakeDisk()))
    assert await batcher.submit(1) == 1
    assert await batcher.submit(10) == -10
    with pytest.raises(OSError):
        await batcher.submit(5)
    with pytest.raises(ZeroDivisionError):
        await batcher.submit(7)
    assert await batcher.submit(2) == 2
    await batcher.settle()
    assert set(began) == {here}
    assert set(finished) == {here}


def test_background_threads_are_not_put_aside_while_they_hold_the_lock() -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with background_threads("test") as threads:
        assert threads.submit(os.getpriority, os.PRIO_PROCESS, 0).result(5) == own
        assert threads.submit(os.sched_getscheduler, 0).result(5) == os.SCHED_OTHER


def test_work_in_the_background_goes_behind_others() -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(1, initializer=let_others_first) as threads:
        nice = threads.submit(os.getpriority, os.PRIO_PROCESS, 0).result(5)
        assert threads.submit(os.sched_getscheduler, 0).result(5) == os.SCHED_BATCH
    assert nice == min(own + BACKGROUND_NICE, 19)
