"""Programs are started, fed, heard and ended: real processes, for some milliseconds."""

import asyncio
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pabal.ssh import child as module
from pabal.ssh.child import INPUT_MAX_OCTETS, Child, start
from pabal.ssh.terminal import Terminal
from tests.ssh.programs import Scripts, descriptors, until

XTERM = Terminal("xterm", 100, 30)


@dataclass
class Listener:
    """Hears a program."""

    heard: bytes = b""
    complaints: bytes = b""
    lines: list[str] = field(default_factory=list)
    code: int | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def said(self, data: bytes, *, error: bool) -> None:
        if error:
            self.complaints += data
        else:
            self.heard += data

    def typed(self, line: str) -> None:
        self.lines.append(line)

    def ended(self, code: int) -> None:
        self.code = code
        self.over.set()

    async def until(self, text: bytes) -> None:
        await until(lambda: text in self.heard)


def run(
    command: str, terminal: Terminal | None = None, directory: Path = Path("/")
) -> tuple[Child, Listener]:
    listener = Listener()
    started = start(Scripts(directory), command, terminal)
    return Child(started, listener, listener.gone.set), listener


async def result(command: str, stdin: bytes = b"") -> Listener:
    child, listener = run(command)
    child.feed(stdin)
    child.end_input()
    async with asyncio.timeout(10):
        await listener.over.wait()
    assert listener.gone.is_set()
    assert not child.is_running
    return listener


async def test_what_goes_in_and_comes_out() -> None:
    found = await result("echo", "안녕 abc".encode())
    assert (found.heard.decode(), found.complaints, found.code) == (
        "안녕 ABC",
        b"",
        0,
    )


async def test_complaints_and_exit_codes_are_told_apart() -> None:
    found = await result("fail")
    assert (found.heard, found.complaints, found.code) == (b"", b"no\n", 7)
    assert (await result("die")).code == -signal.SIGTERM


async def test_much_is_heard_as_fast_as_somebody_listens() -> None:
    child, listener = run("much")
    child.pause()
    await asyncio.sleep(0.1)
    assert len(listener.heard) == 0
    child.resume()
    async with asyncio.timeout(10):
        await listener.over.wait()
    assert listener.heard == b"x" * 3_000_000


async def test_who_does_not_read_is_not_given_more() -> None:
    child, listener = run("deaf")
    room: list[bool] = []
    piece = b"x" * 65_536
    while child.feed(piece):
        room.append(True)
        assert len(room) < 20
    assert len(room) * len(piece) >= INPUT_MAX_OCTETS
    child.hang_up()
    await listener.gone.wait()


async def test_what_was_typed_is_told() -> None:
    assert (await result("tell")).lines == ["tölle"]


async def test_nothing_of_ours_is_handed_down(tmp_path: Path) -> None:
    secret = os.open(tmp_path / "secret", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(secret, True)
    try:
        child, listener = run("descriptors", directory=tmp_path)
        async with asyncio.timeout(10):
            await listener.over.wait()
        # Its three streams, the leash, and the directory it reads to count.
        assert listener.heard == b"5\n"
        child, listener = run("environment", directory=tmp_path)
        async with asyncio.timeout(10):
            await listener.over.wait()
        names, where = listener.heard.decode().splitlines()
        assert names == "['LANG']"
        assert Path(where) == tmp_path
    finally:
        os.close(secret)
    assert not child.is_running


async def test_a_terminal_of_the_clients_size() -> None:
    child, listener = run("size", XTERM)
    await listener.until(b"100 30\r\n")
    child.resize(60, 20)
    async with asyncio.timeout(10):
        await listener.over.wait()
    assert listener.heard.endswith(b"60 20 xterm\r\n")
    assert listener.code == 0


async def test_signals_a_client_may_send() -> None:
    child, listener = run("sleep")
    await listener.until(b"asleep")
    child.send_signal("KILL")
    child.send_signal("nonsense")
    assert child.is_running
    child.send_signal("TERM")
    async with asyncio.timeout(10):
        await listener.over.wait()
    assert listener.code == -signal.SIGTERM


@pytest.mark.parametrize("command", ["sleep", "stubborn"])
async def test_it_does_not_outlive_the_connection(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KILL_SECONDS", 0.05)
    child, listener = run(command)
    await listener.until(b"asleep")
    child.hang_up()
    child.feed(b"too late")
    child.end_input()
    child.resize(10, 10)
    async with asyncio.timeout(10):
        await listener.gone.wait()
    assert listener.code is None, "nobody listens any more"


async def test_nothing_is_left_open() -> None:
    before = descriptors()
    for command in ("echo", "fail"):
        await result(command)
    child, listener = run("", XTERM)
    await listener.until(b"the prompt")
    child.hang_up()
    await listener.gone.wait()
    assert descriptors() == before


async def test_a_program_that_is_not_there_leaves_nothing_open(tmp_path: Path) -> None:
    before = descriptors()
    for terminal in (None, XTERM):
        with pytest.raises(OSError, match="missing"):
            start(Scripts(tmp_path / "missing"), "echo", terminal)
    assert descriptors() == before
