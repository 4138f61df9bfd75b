"""Changes of 10,000 messages at once keep no other session of the process waiting.

What nobody else can be answered in is one step of the event loop. Each is measured by
the processor time of its thread: what else the machine does is not in it.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pabal.base.clock import SystemClock
from pabal.store.sqlite.store import SqliteStore
from tests.imap.rig import Client, Rig

MESSAGES = 10_000
AT_ONCE = 100
LAG_MAX_S = 0.005
TURNS_MIN = 3
"""Answers another session gets, at the least, while a command runs."""

TEXT = b"Subject: lag\r\nFrom: a@a.test\r\n\r\n" + b"One line of text.\r\n" * 50

COMMANDS = (
    "FETCH 1:* (UID FLAGS)",
    "FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)",
    "FETCH 1:* (BODY.PEEK[])",
    "STORE 1:* +FLAGS (\\Flagged)",
    "STORE 1:* -FLAGS (\\Flagged)",
    "COPY 1:* other",
    "SELECT other",
    "STORE 1:* +FLAGS.SILENT (\\Deleted)",
    "EXPUNGE",
    "SELECT INBOX",
    "MOVE 1:* other",
    "SELECT other",
    "MOVE 1:* INBOX",
)


class Doorbell:
    def ring(self, subject: str) -> None:
        """Nobody listens."""


@contextmanager
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Yield how long each step took but for those of the test itself."""
    steps: list[float] = []
    test = asyncio.current_task()
    whole = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> None:
        callback = getattr(handle, "_callback", None)
        begun = time.thread_time()
        whole(handle)
        if getattr(callback, "__self__", None) is not test:
            steps.append(time.thread_time() - begun)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", run)
        yield steps


async def finish(client: Client, command: str) -> None:
    """Run a command; nothing of its answer is looked at, which would take time."""
    client.stream.send(b"a " + command.encode() + b"\r\n")
    tail = b"\r\n"
    while b"\r\na " not in tail or not tail.endswith(b"\r\n"):
        tail = (tail + await client.stream.receive(60))[-1000:]
    assert b"\r\na OK" in tail, tail


async def ask(client: Client, answers: list[float]) -> None:
    """Ask all the time."""
    while True:
        await client.ok("NOOP")
        answers.append(time.monotonic())


@pytest.mark.slow
async def test_no_step_takes_five_milliseconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path, SystemClock(), Doorbell())
    rig, late = Rig(store=store), {}
    async with rig.client() as client, rig.client() as other:
        await client.ok("CREATE other")
        some = b" {%d+}\r\n%b" % (len(TEXT), TEXT) * AT_ONCE
        for _ in range(MESSAGES // AT_ONCE):
            await client.ok(b"APPEND INBOX" + some)
        await client.ok("SELECT INBOX")
        answers: list[float] = []
        asking = asyncio.get_running_loop().create_task(ask(other, answers))
        for command in COMMANDS:
            answers.clear()
            with measured(monkeypatch) as steps:
                await finish(client, command)
            if max(steps) > LAG_MAX_S:
                late[command] = f"{max(steps) * 1e3:.1f} ms"
            assert command.startswith("SELECT") or len(answers) >= TURNS_MIN, command
        asking.cancel()
    await store.close()
    assert not late
