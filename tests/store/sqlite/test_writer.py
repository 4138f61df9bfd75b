"""What the writer promises when things go wrong."""

import asyncio
import contextlib
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from pabal.base import sqlite
from pabal.base.disk import Done
from pabal.base.errors import StorageFullError, UnavailableError
from pabal.message.spool import Spool
from pabal.store.flags import SEEN
from pabal.store.ports import (
    MailboxExistsError,
    NewEmail,
    NoSuchMailboxError,
)
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.check import check
from pabal.store.sqlite.store import SqliteSettings, SqliteStore
from tests.store.contract.letters import Bell, FakeClock, add, letter, put
from tests.support.lossy import Kernel

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path, clock, Bell(), SqliteSettings(keep_expunged_s=60))
    yield store
    await store.close()


@pytest.fixture
async def account(store: SqliteStore) -> SqliteAccount:
    return await store.account(17)


async def test_a_job_that_fails_undoes_only_itself(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    await account.create("a")
    results = await asyncio.gather(
        put(account, inbox, letter("1")),
        account.create("a"),
        account.set_flags(999, [1], add("$Never")),
        put(account, inbox, letter("2"), flags=frozenset({"$Work"})),
        account.rename(inbox.id, "a"),
        account.create("b/c"),
        return_exceptions=True,
    )
    kinds = [type(result) for result in results]
    assert kinds[1] is MailboxExistsError
    assert kinds[2] is NoSuchMailboxError
    assert kinds[4] is MailboxExistsError
    assert results[0] == [1]
    assert results[3] == [2]
    names = [box.name for box in await account.mailboxes()]
    assert names == ["INBOX", "a", "b", "b/c"]
    view = await account.view(inbox.id)
    assert account.flags_of(view.flags[1]) == {"$Work"}
    assert account.highest_modseq == 5


async def test_a_full_disk_leaves_nothing_half_written(
    account: SqliteAccount, tmp_path: Path
) -> None:
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter("1"))
    before = await account.mailboxes(), account.highest_modseq
    writer = account.access.database.writer()
    pages: int = writer.pragma("page_count")
    writer.pragma("max_page_count", pages + 2)
    big = letter(body="x" * 400_000)
    with pytest.raises(StorageFullError):
        await put(account, inbox, big)
    assert (await account.mailboxes(), account.highest_modseq) == before
    # The writer began anew on a new connection, which has no limit: there is room.
    assert await put(account, inbox, big) == [2]
    await account.access.settle()
    assert check(tmp_path / "17") == []


async def test_a_cancelled_append_is_written_whole(
    account: SqliteAccount, tmp_path: Path
) -> None:
    inbox = await account.mailbox("INBOX")
    octets = letter(body="y" * 3_000_000)
    with Spool() as spool:
        spool.write(octets)
        work = asyncio.gather(account.append(inbox.id, [NewEmail(spool, 0.0)]))
        await asyncio.sleep(0.02)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    assert not account.access.busy
    await account.access.settle()
    assert check(tmp_path / "17") == []


async def test_cancelled_while_it_waits_it_is_written(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    work = asyncio.gather(*[put(account, inbox, letter(str(one))) for one in range(5)])
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await put(account, inbox, letter("6")) == [6]
    assert (await account.mailbox("INBOX")).message_count == 6


async def test_a_lost_connection_is_made_anew(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    account.access.database.drop_writer()
    assert await put(account, inbox, letter("1"), flags=frozenset({SEEN})) == [1]


CHILD = """
import asyncio, sys
from pathlib import Path
from pabal.base.clock import SystemClock
from pabal.store.flags import FlagAction, FlagChange
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, letter, new_email

async def main():
    store = SqliteStore(Path(sys.argv[1]), SystemClock(), Bell())
    account = await store.account(17)
    inbox = await account.mailbox("INBOX")
    trash = next((b for b in await account.mailboxes() if b.name == "t"), None)
    trash = trash or await account.create("t")
    async def work(number):
        while True:
            done = await account.append(inbox.id, [new_email(letter(str(number)))])
            print(done[0].uid, flush=True)
            change = FlagChange(FlagAction.ADD, frozenset({"$%d" % number}))
            await account.set_flags(inbox.id, [done[0].uid], change)
            copied = await account.copy(inbox.id, [done[0].uid], trash.id)
            await account.expunge(trash.id, copied.targets)
    await asyncio.gather(*[work(number) for number in range(4)])

asyncio.run(main())
"""


async def killed_run(root: Path, seconds: float) -> list[int]:
    """Run the child for a while, kill it, return the UIDs it was promised."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        str(root),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert child.stdout is not None
    first = await child.stdout.readline()
    await asyncio.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    rest = await child.stdout.read()
    await child.wait()
    return [int(line) for line in (first + rest).split(b"\n")[:-1]]


async def kill_and_look(root: Path, runs: int) -> None:
    promised: set[int] = set()
    for run in range(runs):
        promised |= set(await killed_run(root, 0.02 + (run * 37 % 100) / 500))
        assert check(root / "17") == []
        store = SqliteStore(root, FakeClock(), Bell())
        account = await store.account(17)
        view = await account.view((await account.mailbox("INBOX")).id)
        assert promised <= set(view.uids)
        view.close()
        await store.close()


async def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    await kill_and_look(tmp_path, 2)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_kill_9_loses_nothing_ever(tmp_path: Path) -> None:
    await kill_and_look(tmp_path, 60)


class SlowDisk:
    """A disk that is done when the test says so."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[tuple[int, Done]] = asyncio.Queue()

    def sync(self, descriptor: int, done: Done) -> None:
        self.asked.put_nowait((descriptor, done))

    def close(self) -> None:
        assert self.asked.empty()


async def test_a_short_message_is_synced_before_it_is_told(tmp_path: Path) -> None:
    disk = SlowDisk()
    store = SqliteStore(tmp_path, FakeClock(), Bell(), disk=disk)
    account = await store.account(17)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter("0"))  # the first opens what the others write to
    before = account.highest_modseq
    task = asyncio.get_running_loop().create_task(put(account, inbox, letter("1")))
    descriptor, done = await disk.asked.get()
    assert account.highest_modseq == before
    assert not task.done()
    log = account.access.database.directory / "mailbox.db-wal"
    assert os.path.samestat(os.fstat(descriptor), log.stat())
    done(None)
    assert await task == [2]
    assert account.highest_modseq == before + 1
    await store.close()


async def test_a_disk_that_does_not_sync_is_an_error(tmp_path: Path) -> None:
    disk = SlowDisk()
    store = SqliteStore(tmp_path, FakeClock(), Bell(), disk=disk)
    account = await store.account(17)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter("0"))
    task = asyncio.get_running_loop().create_task(put(account, inbox, letter("1")))
    _, done = await disk.asked.get()
    done(OSError(errno.EIO, "no"))
    with pytest.raises(UnavailableError):
        await task
    # Begun anew, on a thread. What was committed and not synced may be there or not.
    assert await put(account, inbox, letter("2")) == [3]
    await store.close()


class KernelDisk:
    """A disk below a kernel that loses what it could not write."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def sync(self, descriptor: int, done: Done) -> None:
        failure = None
        try:
            self._kernel.sync(descriptor)
        except OSError as error:
            failure = error
        asyncio.get_running_loop().call_soon(done, failure)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("evicted", [False, True])
async def test_what_is_promised_after_a_failed_sync_survives_a_power_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, evicted: bool
) -> None:
    kernel = Kernel(tmp_path / "17" / "mailbox.db", monkeypatch)
    store = SqliteStore(tmp_path, FakeClock(), Bell(), disk=KernelDisk(kernel))
    account = await store.account(17)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter("1"))
    await put(account, inbox, letter("2"))
    kernel.code = errno.EIO
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await put(account, inbox, letter("refused"))
    kernel.code = 0
    if evicted:
        kernel.evict()
    uids = await put(account, inbox, letter("3"))
    uids += await put(account, inbox, letter("4"))
    there = kernel.after_power_loss(tmp_path / "after", "SELECT uid FROM entry")
    assert {"1", "2", *map(str, uids)} <= set(there)
    assert len(there) == 4 + (not evicted)
    assert check(tmp_path / "17") == []
    view = await account.view(inbox.id)
    assert list(map(str, view.uids)) == there
    view.close()
    await store.close()


async def test_another_writer_is_waited_for_on_a_thread(
    account: SqliteAccount, tmp_path: Path
) -> None:
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter("1"))
    other = apsw.Connection(str(tmp_path / "17" / "mailbox.db"))
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.get_running_loop().create_task(put(account, inbox, letter("2")))
    await asyncio.sleep(0.05)
    assert not task.done()
    other.execute("ROLLBACK")
    assert await task == [2]
    other.close()


async def test_a_long_log_is_moved_into_the_file(
    account: SqliteAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 40)
    inbox = await account.mailbox("INBOX")
    for number in range(20):
        await put(account, inbox, letter(str(number)))
    log = account.access.database.directory / "mailbox.db-wal"
    assert log.stat().st_size < 80 * 4120


OPENING = """
import asyncio, sys
from pathlib import Path
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, put

async def main():
    store = SqliteStore(Path(sys.argv[1]), FakeClock(), Bell())
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, 31):
        account = await store.account(number)
        await put(account, await account.mailbox("INBOX"), letter("x"))
    await store.close()

asyncio.run(main())
"""


async def test_processes_may_be_the_first_in_an_account_together(
    tmp_path: Path,
) -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    pipe = asyncio.subprocess.PIPE
    children = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OPENING, str(tmp_path)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        await child.stdout.readline()
    ends = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    assert [stderr for _, stderr in ends] == [b""] * 4
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    for number in range(1, 31):
        account = await store.account(number)
        assert (await account.mailbox("INBOX")).message_count == 4
    await store.close()


FILLING = """
import asyncio, sys
from pathlib import Path
from pabal.store.imports import Imported
from pabal.store.limits import Limits
from pabal.store.ports import OverQuotaError
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, new_email

async def main():
    store = SqliteStore(Path(sys.argv[1]), FakeClock(), Bell())
    account = await store.account(1)
    inbox, other = await account.mailbox("INBOX"), await account.create(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    done, source = 0, int(sys.argv[2])
    try:
        while done < 60:
            if done % 2:
                await account.copy(inbox.id, [1], other.id, Limits(messages=50))
            else:
                spool = new_email(letter("x")).spool
                new = Imported(spool, 1.0, done, frozenset(), 0, "")
                await account.imports.put(other.id, source, [new], Limits(messages=50))
            done += 1
    except OverQuotaError:
        pass
    print(done, flush=True)
    await store.close()

asyncio.run(main())
"""


async def test_two_processes_stay_within_limits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    await put(account, await account.mailbox("INBOX"), letter("x"))
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    pipe = asyncio.subprocess.PIPE
    children = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", FILLING, str(tmp_path), str(number)),
            stdin=pipe,
            stdout=pipe,
            env=environment,
        )
        for number in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
    ends = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    assert sum(int(stdout) for stdout, _ in ends) == 49
    await store.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    boxes = await (await store.account(1)).mailboxes()
    assert sum(box.message_count for box in boxes) == 50
    await store.close()
