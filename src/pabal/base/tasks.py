"""Tasks that are held, and writes that share one fsync.

The only module that creates asyncio tasks.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from pabal.base.disk import Disk
from pabal.base.log import Log

Job = TypeVar("Job")
Result = TypeVar("Result")

BATCH_MAX: Final = 256
"""Most jobs in one transaction: bounds how long the first of them waits."""

GATHER_MAX_S: Final = 0.005
"""How long a batch waits for more while the event loop is busy. With twenty clients
that is a fifth fewer syncs than beginning at once."""

BUSY_ROUND_S: Final = 0.000_05
"""A round of the event loop that takes longer has done something for others."""

BACKGROUND_NICE: Final = 5
"""Of a process that works in the background: answers go first, on every core."""

BACKGROUND_MAX: Final = 8
"""Works in the background of one owner at once; more wait."""

STOP_SECONDS: Final = 5.0
"""How long a cancelled task may take to clean up."""

log = Log("tasks")


class Tasks:
    """Background tasks of one owner: held until done, errors logged, stopped together.

    A task that fails is logged and gone; its siblings live on. That is what a server
    wants of its connections, and why this is not an ``asyncio.TaskGroup``.
    """

    __slots__ = ("_running",)

    def __init__(self) -> None:
        # Thousands of connections have none: an empty set would cost 200 octets.
        self._running: set[asyncio.Task[None]] | None = None

    def __len__(self) -> int:
        return len(self._running or ())

    def start(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run ``work`` in the background; ``name`` appears in the log if it fails."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        if self._running is None:
            self._running = set()
        self._running.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if self._running is not None:
            self._running.discard(task)
            self._running = self._running or None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("task failed", task=task.get_name(), error=repr(error))

    async def wait(self, seconds: float) -> bool:
        """Wait until every task ended, at most ``seconds``; return whether they did."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        return not self._running

    async def stop(self) -> None:
        """Cancel what still runs and wait for it."""
        for task in tuple(self._running or ()):
            task.cancel()
        await self.wait(STOP_SECONDS)


@dataclass(frozen=True, slots=True)
class Unsynced(Generic[Result]):
    """A batch that was written and may not be on disk yet.

    Attributes:
        descriptor: The file to wait for.
        finish: Called on the event loop once it is there, or with why it is not;
            returns what ``run`` would.
    """

    descriptor: int
    finish: Callable[[OSError | None], Sequence[Result | BaseException]]


@dataclass(frozen=True, slots=True)
class Start(Generic[Job, Result]):
    """How a batch is done on the event loop, when it is short.

    Attributes:
        begin: Called with a batch. Does what takes microseconds and returns what waits
            for the disk; ``None``: it may take long.
            An exception it raises fails every job of the batch.
        disk: Waits for it.
    """

    begin: Callable[[Sequence[Job]], Unsynced[Result] | None]
    disk: Disk


class Batcher(Generic[Job, Result]):
    """Runs jobs in batches: while one batch is written, the next gathers.

    This is group commit: a hundred waiting deliveries cost one transaction and one
    fsync. On a busy event loop a batch waits some milliseconds for more, on an idle one
    not at all. Jobs run in the order they came. One instance a database and event loop.

    Args (of the constructor):
        run: Called on the executor with a batch; returns one result or one exception a
            job, in order. An exception it raises fails every job of the batch.
        executor: Where ``run`` is called; never twice at once for one instance.
        start: Tried before ``run``.
        batch_max: Most jobs a batch.
    """

    __slots__ = (
        *("_batch_max", "_busy", "_executor", "_idle", "_run", "_start"),
        *("_waiting",),
    )

    def __init__(
        self,
        run: Callable[[Sequence[Job]], Sequence[Result | BaseException]],
        executor: Executor,
        start: Start[Job, Result] | None = None,
        batch_max: int = BATCH_MAX,
    ) -> None:
        self._run = run
        self._executor = executor
        self._start = start
        self._batch_max = batch_max
        # Thousands of these wait for nothing: an empty list and no event cost little.
        self._waiting: list[tuple[Job, asyncio.Future[Result]]] = []
        self._busy = False
        self._idle: asyncio.Event | None = None

    async def submit(self, job: Job) -> Result:
        """Return what ``run`` made of ``job``, after its batch was committed.

        The job is written even if the caller is cancelled while it waits.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((job, future))
        if not self._busy:
            self._busy = True
            self._gather(loop)
        return await future

    async def settle(self) -> None:
        """Wait until nothing is waiting or being written."""
        if self._busy:
            if self._idle is None:
                self._idle = asyncio.Event()
            await self._idle.wait()

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the next batch when everything that is ready now has joined it.

        While others keep the event loop busy, what they do may belong to it too: some
        rounds more cost those who wait a moment, and spare all of them transactions and
        syncs. Who is alone waits for nobody.
        """
        now = time.monotonic()
        loop.call_soon(self._gathered, loop, now, now + GATHER_MAX_S)

    def _gathered(
        self, loop: asyncio.AbstractEventLoop, began: float, until: float
    ) -> None:
        now = time.monotonic()
        full = len(self._waiting) >= self._batch_max
        if full or now >= until or now - began < BUSY_ROUND_S:
            self._next_batch(loop)
        else:
            loop.call_soon(self._gathered, loop, now, until)

    def _next_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._waiting[: self._batch_max]
        self._waiting = self._waiting[self._batch_max :]
        jobs = [job for job, _ in batch]

        try:
            written = self._start.begin(jobs) if self._start else None
        except Exception as error:  # noqa: BLE001 (given to those who wait)
            # A bug: it must not leave the next batches waiting for ever.
            loop.call_soon(self._finished, loop, batch, error)
            return
        if self._start and written:
            synced = partial(self._synced, loop, batch, written)
            self._start.disk.sync(written.descriptor, synced)
        else:
            self._executor.submit(self._work, loop, batch, jobs)

    def _synced(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[Job, asyncio.Future[Result]]],
        written: Unsynced[Result],
        failure: OSError | None,
    ) -> None:
        outcome: Sequence[Result | BaseException] | BaseException
        try:
            outcome = written.finish(failure)
        except Exception as error:  # noqa: BLE001 (given to those who wait)
            outcome = error
        self._finished(loop, batch, outcome)

    def _work(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[Job, asyncio.Future[Result]]],
        jobs: Sequence[Job],
    ) -> None:
        outcome: Sequence[Result | BaseException] | BaseException
        try:
            outcome = self._run(jobs)
        except BaseException as error:  # noqa: BLE001 (given to those who wait)
            outcome = error
        loop.call_soon_threadsafe(self._finished, loop, batch, outcome)

    def _finished(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[Job, asyncio.Future[Result]]],
        outcome: Sequence[Result | BaseException] | BaseException,
    ) -> None:
        if isinstance(outcome, BaseException):
            outcome = [outcome] * len(batch)
        for (_, future), result in zip(batch, outcome, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        if self._waiting:
            self._gather(loop)
        else:
            self._busy = False
            if self._idle is not None:
                self._idle.set()
                self._idle = None


def background_threads(name: str) -> ThreadPoolExecutor:
    """Return threads for long work, of the same priority as the event loop.

    With a lower one they would be put aside while they hold the interpreter's lock, and
    who answers would wait for them: 73 ms where the same priority took 5.
    """
    return ThreadPoolExecutor(BACKGROUND_MAX, name)


def let_others_first() -> None:
    """Let a process that does nothing else go behind all that are woken.

    On Linux each thread has a priority of its own, and one for batch work does not take
    the core from whoever wakes it, as the event loop does with each system call.
    """
    with contextlib.suppress(OSError):
        thread = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, thread) + BACKGROUND_NICE
        os.setpriority(os.PRIO_PROCESS, thread, nice)
        os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))


def give_way() -> None:
    """Let other threads have the interpreter: for long work on a thread."""
    time.sleep(0)


async def sleep_until_set(event: asyncio.Event, seconds: float) -> bool:
    """Wait for ``event`` at most ``seconds``; return whether it was set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
