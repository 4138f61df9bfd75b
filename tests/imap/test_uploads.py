"""APPENDs sent one behind the other: few syncs, answers in order, nothing overtakes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pabal.base.clock import SystemClock
from pabal.imap.uploads import AT_ONCE, SHORT_OCTETS
from pabal.store.limits import Limits
from pabal.store.sqlite.store import SqliteStore
from tests.imap.rig import Client, Rig, letter

COUNT = 3 * AT_ONCE


class Doorbell:
    def ring(self, subject: str) -> None:
        """Nobody listens."""


class CountingDisk:
    """Implements ``Disk``: fails when told to, and syncs once ``release`` was called.

    Attributes:
        syncs: How many it was asked for.
        failure: Why it fails.
        held: Calls back when somebody calls ``release``, not at once.
        asked: Set when it is asked for one.
    """

    def __init__(self) -> None:
        self.syncs = 0
        self.failure: OSError | None = None
        self.held = False
        self.asked = asyncio.Event()
        self._waiting: list[Callable[[OSError | None], None]] = []

    def sync(self, descriptor: int, done: Callable[[OSError | None], None]) -> None:
        self.syncs += 1
        self.asked.set()
        self._waiting.append(done)
        if not self.held:
            asyncio.get_running_loop().call_soon(self.release)

    def release(self) -> None:
        for done in self._waiting:
            done(self.failure)
        self._waiting.clear()

    def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def on_disk(directory: Path) -> AsyncIterator[tuple[Rig, CountingDisk]]:
    disk = CountingDisk()
    store = SqliteStore(directory, SystemClock(), Doorbell(), disk=disk)
    try:
        yield Rig(store=store), disk
    finally:
        await store.close()


def append(tag: str, text: bytes, mailbox: str = "INBOX") -> bytes:
    return b"%b APPEND %b {%d+}\r\n%b\r\n" % (
        *(tag.encode(), mailbox.encode(), len(text)),
        text,
    )


async def answers(client: Client, last: bytes) -> list[bytes]:
    """Return responses up to the tagged one of ``last``."""
    lines: list[bytes] = []
    while not lines or not lines[-1].startswith(last + b" "):
        lines.append(await client.read_line())
    return lines


def tagged(lines: Sequence[bytes]) -> list[bytes]:
    return [line for line in lines if not line.startswith(b"* ")]


async def test_they_share_syncs_and_are_answered_in_order(tmp_path: Path) -> None:
    async with on_disk(tmp_path) as (rig, disk), rig.client("INBOX") as client:
        await rig.put([letter("first")])  # the first write of all is on a thread
        before = disk.syncs
        sent = [append(f"a{one}", letter(f"no {one}")) for one in range(COUNT)]
        client.stream.send(b"".join(sent))
        lines = await answers(client, b"a%d" % (COUNT - 1))
        assert tagged(lines) == [
            b"a%d OK [APPENDUID %b %d] Appended" % (one, lines[-1].split()[3], one + 2)
            for one in range(COUNT)
        ]
        assert b"* %d EXISTS" % (COUNT + 1) in lines
        assert disk.syncs - before <= COUNT // AT_ONCE + 1
        # Whoever waits for each answer gets a sync for each.
        before = disk.syncs
        await client.ok(append("", letter("alone"))[1:-2])
        assert disk.syncs == before + 1


async def test_nothing_is_answered_before_it_is_on_disk(tmp_path: Path) -> None:
    async with on_disk(tmp_path) as (rig, disk), rig.client() as client:
        await rig.put([letter("first")])
        disk.held = True
        sent = [append(f"a{one}", letter(f"no {one}")) for one in range(3)]
        client.stream.send(b"".join(sent) + b"b STATUS INBOX (MESSAGES)\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.read_line()
        disk.held = False
        disk.release()
        lines = await answers(client, b"b")
        # What came behind them was begun when they were over.
        assert lines[-2:] == [
            b"* STATUS INBOX (MESSAGES 4)",
            b"b OK Status completed",
        ]


async def test_a_disk_that_fails_is_told_to_all(tmp_path: Path) -> None:
    async with on_disk(tmp_path) as (rig, disk), rig.client() as client:
        await rig.put([letter("first")])
        disk.failure = OSError(5, "the disk is gone")
        sent = [append(f"a{one}", letter(f"no {one}")) for one in range(3)]
        client.stream.send(b"".join(sent))
        for line in tagged(await answers(client, b"a2")):
            assert b" NO [UNAVAILABLE]" in line


@pytest.mark.parametrize("engine", ["memory", "disk"])
async def test_none_passes_a_quota(tmp_path: Path, engine: str) -> None:
    room = AT_ONCE // 2
    size = len(letter("no 0"))
    async with on_disk(tmp_path) as (on_a_disk, _):
        rig = on_a_disk if engine == "disk" else Rig()
        async with rig.client() as client:
            await rig.put([letter("no 0")])
            for limits in (Limits(messages=room), Limits(octets=2 * room * size)):
                rig.limits[1] = limits
                sent = [append(f"a{n:02}", letter(f"no {n % 9}")) for n in range(20)]
                client.stream.send(b"".join(sent))
                lines = tagged(await answers(client, b"a19"))
                taken = [line for line in lines if b" OK [APPENDUID " in line]
                refused = [line for line in lines if b" NO [OVERQUOTA] " in line]
                assert taken + refused == lines
                assert len(taken) == room - (1 if limits.messages else 0)


async def test_a_refused_one_takes_nobody_along() -> None:
    rig = Rig()
    async with rig.client() as client:
        sent = [
            append("a", letter("one")),
            append("b", letter("two"), "missing"),
            append("c", b"NUL: \0\r\n"),
            b"d NONSENSE\r\n",
            append("e", letter("three")),
            append("f", b"x" * (SHORT_OCTETS + 1)),
            append("g", letter("four")),
            append("h", letter("five")),
        ]
        client.stream.send(b"".join(sent))
        lines = await answers(client, b"h")
        assert [b" ".join(line.split()[:3]) for line in lines] == [
            b"a OK [APPENDUID",
            b"b NO [TRYCREATE]",
            b"c NO [UNKNOWN-CTE]",
            b"d BAD there",
            b"e OK [APPENDUID",
            b"f OK [APPENDUID",
            b"g OK [APPENDUID",
            b"h OK [APPENDUID",
        ]


async def test_several_messages_in_each() -> None:
    rig = Rig()
    two = b" {5+}\r\none\r\n {5+}\r\ntwo\r\n"
    async with rig.client("INBOX") as client:
        client.stream.send(
            b"".join(b"a%d APPEND INBOX%b\r\n" % (one, two) for one in range(COUNT))
        )
        lines = await answers(client, b"a%d" % (COUNT - 1))
        assert [line.split()[4] for line in tagged(lines)] == [
            b"%d:%d]" % (one * 2 + 1, one * 2 + 2) for one in range(COUNT)
        ]


async def test_who_says_nothing_more_left_everything() -> None:
    rig = Rig()
    async with rig.client() as client:
        sent = [append(f"a{one}", letter(f"no {one}")) for one in range(COUNT)]
        client.stream.send(b"".join(sent))
        client.stream.other.end()
        lines = await answers(client, b"a%d" % (COUNT - 1))
        assert len(lines) == COUNT


async def test_they_are_answered_when_the_server_stops(tmp_path: Path) -> None:
    async with on_disk(tmp_path) as (rig, disk), rig.client() as client:
        await rig.put([letter("first")])
        disk.held = True
        disk.asked.clear()
        sent = [append(f"a{one}", letter(f"no {one}")) for one in range(3)]
        client.stream.send(b"".join(sent))
        await disk.asked.wait()
        rig.server.stop()
        disk.held = False
        disk.release()
        lines = [await client.read_line() for _ in range(4)]
        assert [line.split()[1] for line in lines] == [b"OK", b"OK", b"OK", b"BYE"]


@pytest.mark.parametrize("count", [1, 3])
async def test_a_mailbox_another_process_renamed(tmp_path: Path, count: int) -> None:
    other = SqliteStore(tmp_path, SystemClock(), Doorbell(), disk=CountingDisk())
    async with on_disk(tmp_path) as (rig, _), rig.client() as client:
        await client.ok("CREATE notes")
        await client.ok(append("", letter("first"), "notes")[1:-2])
        theirs = await other.account(1)
        await theirs.rename((await theirs.mailbox("notes")).id, "old")
        sent = [append(f"a{one}", letter("next"), "notes") for one in range(count)]
        client.stream.send(b"".join(sent))
        lines = await answers(client, b"a%d" % (count - 1))
        assert all(b" NO [TRYCREATE]" in line for line in lines)
        assert await client.ok("STATUS old (MESSAGES)") == [
            b"* STATUS old (MESSAGES 1)"
        ]
    await other.close()
