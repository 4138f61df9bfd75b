"""When an account's mail is indexed, and what its index says.

Mail is delivered first: indexing begins when none came for a while, on one thread a
process, which lets the event loop have its turn after every message.
"""

import asyncio
import threading
from array import array
from bisect import bisect_left
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import apsw

from pabal.base.clock import Clock
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks, sleep_until_set
from pabal.store.matching import ARRAY_SLICE
from pabal.store.ports import AccountId, EmailId
from pabal.store.search.lists import Found, to_marks
from pabal.store.search.question import Question, answer
from pabal.store.sqlite.index_file import IndexFile, StoredSegment
from pabal.store.sqlite.indexer import BATCH_MIN, Manner, index, last_email

QUIET_S: Final = 1.0
"""How long no message came before messages are indexed, seconds."""

WAITING_MAX: Final = 4_096
"""Messages that are indexed though more keep coming: a search would read them all."""

PAUSE_S: Final = 0.000_2
"""Pause behind each message, seconds: the event loop takes the interpreter's lock."""

BUSY_S: Final = 0.001
"""A pause that took longer than this, seconds, tells that others are busy."""

PAUSE_BUSY_S: Final = 0.010
"""Pause behind each message then, seconds: a twentieth of the time is taken."""

TIDIED: Final = 4
"""Segments made anew at once because messages of them are gone: some seconds each."""

log = Log("search")


class StoppedError(PabalError):
    """Indexing was told to end."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When mail is indexed.

    Attributes:
        clock: Tells how busy others are.
        quiet_s: How long no mail came before it is indexed, seconds.
    """

    clock: Clock
    quiet_s: float = QUIET_S


@dataclass(slots=True)
class LookedUp:
    """What an index knows of some emails.

    Attributes:
        found: An octet each: 1 if it holds what was looked for.
        unsure: An octet each: 1 if it may hold it.
        plain: An octet each: 1 if ``texts.held_plainly`` tells whether it does.
        last_email: It knows nothing of those behind.
        is_whole: There are none behind.
    """

    found: bytearray
    unsure: bytearray
    plain: bytearray
    last_email: EmailId = 0
    is_whole: bool = False


class Indexing:
    """The index of one account in this process.

    Args (of the constructor):
        directory: The account's.
        executor: The thread that indexes; it is the only one.
        tasks: Who holds what runs in the background.
        timing: When it indexes.
    """

    def __init__(
        self, directory: Path, executor: Executor, tasks: Tasks, timing: Timing
    ) -> None:
        self.file = IndexFile(directory)
        self._quiet_s = timing.quiet_s
        self._clock = timing.clock
        self._directory = directory
        self._executor = executor
        self._tasks = tasks
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ended = asyncio.Event()
        self._stop = threading.Event()

    def arrived(self, count: int) -> None:
        """Take note that there are ``count`` messages more to index."""
        self._take_note(self._waiting + count)

    def behind(self, count: int) -> None:
        """Take note that there are at least ``count`` messages to index."""
        self._take_note(max(self._waiting, count))

    def _take_note(self, waiting: int) -> None:
        self._waiting = waiting
        if self._waiting < BATCH_MIN or self._ended.is_set():
            return
        if self._idle.is_set():
            self._idle.clear()
            self._tasks.start(self._run(), f"index {self._directory.name}")

    async def stop(self) -> None:
        """End indexing, for good."""
        self._stop.set()
        self._ended.set()
        await self._idle.wait()
        self.file.close()

    async def tidy(self) -> None:
        """Take messages that are gone out of the index, out of some segments of it."""
        if not self._idle.is_set() or self._ended.is_set() or not self.file.octets():
            return
        self._idle.clear()
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, partial(self._index, TIDIED))
        finally:
            self._idle.set()
        self._take_note(self._waiting)

    def look_up(
        self,
        mailbox: apsw.Connection,
        question: Question,
        emails: "array[int]",
    ) -> LookedUp:
        """Return what the index knows of ``emails``; for threads."""
        nothing = LookedUp(
            bytearray(len(emails)), bytearray(len(emails)), bytearray(len(emails))
        )
        try:
            with self.file.reading() as reading:
                if reading is None:
                    return nothing
                covered = reading.covered()
                newest = last_email(mailbox, covered)
                if newest is None:
                    return nothing
                found, unsure, plain = (_Marks(emails) for _ in range(3))
                for segment in reading.segments():
                    known = answer(question, segment)
                    found.add(known.found, segment)
                    unsure.add(known.unsure & ~known.plain, segment)
                    plain.add(known.plain, segment)
        except apsw.Error as error:
            # It can be made again: mail is read instead meanwhile.
            log.warning("index cannot be read", error=repr(error))
            self.file.close()
            return nothing
        last = covered.last_email
        return LookedUp(
            found.marks(), unsure.marks(), plain.marks(), last, newest == last
        )

    async def _run(self) -> None:
        try:
            while self._waiting >= BATCH_MIN and not self._ended.is_set():
                await self._quiet()
                self._waiting = 0
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._executor, self._index)
        except asyncio.CancelledError:
            self._stop.set()
            raise
        finally:
            self._idle.set()

    async def _quiet(self) -> None:
        """Wait until no mail comes, or enough waits."""
        known = -1
        while known != self._waiting < WAITING_MAX:
            known = self._waiting
            if await sleep_until_set(self._ended, self._quiet_s):
                return

    def _index(self, tidied: int = 0) -> None:
        try:
            index(self._directory, self.file, Manner(self._pause, tidied=tidied))
        except StoppedError:
            pass
        except (PabalError, OSError) as error:
            log.warning("mail is not indexed", error=str(error))

    def _pause(self) -> None:
        begun = self._clock.monotonic()
        ends = self._stop.wait(PAUSE_S)
        if not ends and self._clock.monotonic() - begun > BUSY_S:
            # Others want the processor, or the event loop the interpreter.
            ends = self._stop.wait(PAUSE_BUSY_S)
        if ends:
            raise StoppedError("indexing ends")


class _Marks:
    """Turns documents of segments into marks of emails."""

    def __init__(self, emails: "array[int]") -> None:
        self._emails = emails
        self._marks = bytearray(len(emails))
        self._found: set[EmailId] = set()

    def add(self, documents: Found, segment: StoredSegment) -> None:
        """Mark the emails of ``documents``."""
        if not documents:
            return
        marks = to_marks(documents, segment.size)
        theirs = segment.emails()
        start = bisect_left(self._emails, theirs[0])
        end = start + len(theirs)
        # Mostly a mailbox has the messages of a segment one behind the other.
        if self._emails[start:end] == theirs:
            self._marks[start:end] = marks
        else:
            self._found.update(compress(theirs, marks))

    def marks(self) -> bytearray:
        """Return an octet for each email."""
        if self._found:
            some = b"".join(
                bytes(
                    map(self._found.__contains__, self._emails[at : at + ARRAY_SLICE])
                )
                for at in range(0, len(self._emails), ARRAY_SLICE)
            )
            whole = int.from_bytes(some, "little")
            whole |= int.from_bytes(self._marks, "little")
            return bytearray(whole.to_bytes(len(some), "little"))
        return self._marks


class Indexings:
    """The indexes of a store, and the thread that works on them.

    Args (of the constructor):
        timing: When they are worked on.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._executor = ThreadPoolExecutor(1, "store-index")
        self._tasks = Tasks()
        # One that works is held by its task.
        self._known: WeakValueDictionary[AccountId, Indexing] = WeakValueDictionary()

    def of(self, account_id: AccountId, directory: Path) -> Indexing:
        """Return the index of an account."""
        known = self._known.get(account_id)
        if known is None:
            known = Indexing(directory, self._executor, self._tasks, self._timing)
            self._known[account_id] = known
        return known

    async def stop(self, account_id: AccountId) -> None:
        """End indexing an account, for good."""
        known = self._known.pop(account_id, None)
        if known is not None:
            await known.stop()

    async def close(self) -> None:
        """End everything."""
        await self._tasks.stop()
        self._executor.shutdown()
