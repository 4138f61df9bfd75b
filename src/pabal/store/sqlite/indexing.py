"""When an account's mail is indexed, and what its index says.

Mail is delivered first: indexing begins when none came for a while, on one thread a
process, which lets the event loop have its turn after every message.
"""

import asyncio
import threading
from collections.abc import Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import apsw

from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks, sleep_until_set
from pabal.store.ports import AccountId, EmailId
from pabal.store.search.pages import to_marks
from pabal.store.search.question import Question, answer
from pabal.store.sqlite.index_file import IndexFile
from pabal.store.sqlite.indexer import BATCH_MIN, Manner, index, is_of

QUIET_S: Final = 1.0
"""How long no message came before messages are indexed, seconds."""

WAITING_MAX: Final = 4_096
"""Messages that are indexed though more keep coming: a search would read them all."""

PAUSE_S: Final = 0.000_2
"""Pause behind each message, seconds: the event loop takes the interpreter's lock."""

log = Log("search")


class StoppedError(PabalError):
    """Indexing was told to end."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What an index knows.

    Attributes:
        found: Emails that hold what was looked for.
        unsure: Emails that may hold it.
        last_email: It knows nothing of those behind.
    """

    found: Collection[EmailId] = ()
    unsure: Collection[EmailId] = ()
    last_email: EmailId = 0


class Indexing:
    """The index of one account in this process.

    Args (of the constructor):
        directory: The account's.
        executor: The thread that indexes; it is the only one.
        tasks: Who holds what runs in the background.
        quiet_s: How long no mail came before it is indexed, seconds.
    """

    def __init__(
        self,
        directory: Path,
        executor: Executor,
        tasks: Tasks,
        quiet_s: float = QUIET_S,
    ) -> None:
        self.file = IndexFile(directory)
        self._quiet_s = quiet_s
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

    def look_up(self, mailbox: apsw.Connection, question: Question) -> LookedUp:
        """Return what the index knows; for threads."""
        found: set[EmailId] = set()
        unsure: set[EmailId] = set()
        try:
            with self.file.reading() as reading:
                if reading is None:
                    return LookedUp()
                covered = reading.covered()
                if not is_of(mailbox, covered):
                    return LookedUp()
                for segment in reading.segments():
                    known = answer(question, segment)
                    for bits, emails in (known.found, found), (known.unsure, unsure):
                        if bits:
                            marks = to_marks(bits, segment.size)
                            emails.update(compress(segment.emails(), marks))
        except apsw.Error as error:
            # It can be made again: mail is read instead meanwhile.
            log.warning("index cannot be read", error=repr(error))
            self.file.close()
            return LookedUp()
        return LookedUp(found, unsure, covered.last_email)

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

    def _index(self) -> None:
        try:
            index(self._directory, self.file, Manner(self._pause))
        except StoppedError:
            pass
        except (PabalError, OSError) as error:
            log.warning("mail is not indexed", error=str(error))

    def _pause(self) -> None:
        if self._stop.wait(PAUSE_S):
            raise StoppedError("indexing ends")


class Indexings:
    """The indexes of a store, and the thread that works on them.

    Args (of the constructor):
        quiet_s: How long no mail came before it is indexed, seconds.
    """

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._executor = ThreadPoolExecutor(1, "store-index")
        self._tasks = Tasks()
        # One that works is held by its task.
        self._known: WeakValueDictionary[AccountId, Indexing] = WeakValueDictionary()

    def of(self, account_id: AccountId, directory: Path) -> Indexing:
        """Return the index of an account."""
        known = self._known.get(account_id)
        if known is None:
            known = Indexing(directory, self._executor, self._tasks, self._quiet_s)
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
