"""One session, with a channel that only notes what it is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from pabal.directory.ports import Account
from pabal.ssh import channel as module
from pabal.ssh.access import Visitor
from pabal.ssh.channel import (
    PROGRAMS_AN_ACCOUNT_MAX,
    Session,
    Workshop,
    loggable,
)
from tests.ssh.programs import Scripts, until


@dataclass
class Channel:
    """Notes what a session does."""

    out: bytes = b""
    error: bytes = b""
    code: int | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    paused: int = 0
    resumed: int = 0

    is_broken: bool = False

    def is_closing(self) -> bool:
        return self.is_broken

    def write(self, data: bytes) -> None:
        if self.is_broken:
            raise BrokenPipeError
        self.out += data

    def write_stderr(self, data: bytes) -> None:
        self.error += data

    def exit(self, code: int) -> None:
        self.code = code
        self.closed.set()

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self) -> None:
        self.resumed += 1


class Visit:
    client = "192.0.2.7"
    touched = 0

    def touch(self) -> None:
        self.touched += 1


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    made = Workshop(Scripts())
    yield made
    await made.stop()
    await until(lambda: not made.children)


def opened(workshop: Workshop, command: str | None) -> tuple[Session, Channel]:
    session = Session(workshop, Visitor(Account(1, "admin@a.test"), "key"), Visit())
    channel = Channel()
    session.connection_made(channel)  # type: ignore[arg-type]
    if command is None:
        assert session.shell_requested()
    else:
        assert session.exec_requested(command)
    return session, channel


async def over(channel: Channel) -> None:
    async with asyncio.timeout(10):
        await channel.closed.wait()


async def test_a_command_with_its_input(workshop: Workshop) -> None:
    session, channel = opened(workshop, "echo")
    session.session_started()
    session.data_received(b"early ", None)  # before there is a program
    session.data_received(b"words", None)
    assert session.eof_received() is True
    await over(channel)
    assert (channel.out, channel.error, channel.code) == (b"EARLY WORDS", b"", 0)
    session.connection_lost(None)
    assert not workshop.children


async def test_complaints_and_codes(workshop: Workshop) -> None:
    _, channel = found = opened(workshop, "fail")
    found[0].session_started()
    await over(channel)
    assert (channel.error, channel.code) == (b"no\n", 7)
    session, channel = opened(workshop, "die")
    session.session_started()
    await over(channel)
    assert channel.code == 128 + 15


async def test_the_prompt_at_a_terminal(workshop: Workshop) -> None:
    session, channel = opened(workshop, None)
    assert session.pty_requested("xterm", (100, 30, 0, 0), {})
    session.session_started()
    session.terminal_size_changed(60, 20, 0, 0)
    session.data_received(b"\r", None)
    await over(channel)
    assert b"the prompt\r\n" in channel.out
    assert workshop.programs.asked == [None]  # type: ignore[attr-defined]


async def test_it_ends_with_the_connection(workshop: Workshop) -> None:
    session, channel = opened(workshop, "sleep")
    session.session_started()
    await until(lambda: b"asleep" in channel.out)
    (child,) = workshop.children
    session.connection_lost(None)
    await until(lambda: not child.is_running)
    assert not workshop.children
    assert channel.code is None


async def test_a_connection_that_goes_while_the_program_starts(
    workshop: Workshop,
) -> None:
    session, _ = opened(workshop, "sleep")
    session.session_started()
    await asyncio.sleep(0)
    session.connection_lost(None)
    await until(lambda: not len(workshop.tasks))
    await until(lambda: not workshop.children)
    await until(lambda: workshop.count.enter("admin@a.test"))


async def test_signals_reach_the_program(workshop: Workshop) -> None:
    session, channel = opened(workshop, "sleep")
    session.session_started()
    session.break_received(100)
    session.signal_received("TERM")
    await over(channel)
    assert channel.code in {128 + 2, 128 + 15, 1}


async def test_no_more_at_once_than_fits(workshop: Workshop) -> None:
    sessions = [opened(workshop, "sleep") for _ in range(PROGRAMS_AN_ACCOUNT_MAX + 1)]
    for session, _ in sessions:
        session.session_started()
    refused = sessions[-1][1]
    await over(refused)
    assert b"too many commands" in refused.error
    assert refused.code == 1
    await workshop.stop()
    for session, _ in sessions:
        session.connection_lost(None)
    await until(lambda: not workshop.children)


async def test_a_command_does_not_run_for_ever(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RUN_SECONDS_MAX", 0.05)
    session, channel = opened(workshop, "sleep")
    session.session_started()
    await over(channel)
    assert b"was ended" in channel.error
    session.connection_lost(None)
    await until(lambda: not workshop.children)


async def test_a_channel_that_was_just_closed(workshop: Workshop) -> None:
    session, channel = opened(workshop, "much")
    channel.is_broken = True
    session.session_started()
    await until(lambda: not len(workshop.tasks))
    await until(lambda: not workshop.children)
    assert channel.code is None


async def test_who_sends_more_than_is_read_waits(workshop: Workshop) -> None:
    session, channel = opened(workshop, "deaf")
    session.session_started()
    await until(lambda: b"deaf" in channel.out)
    for _ in range(20):
        session.data_received(b"x" * 65_536, None)
        if channel.paused:
            break
    assert channel.paused == 1
    session.connection_lost(None)


async def test_what_is_not_there(workshop: Workshop) -> None:
    session, _ = opened(workshop, None)
    assert session.subsystem_requested("sftp") is False
    assert session.exec_requested("x" * 10_000) is False
    assert session.exec_requested("a\0b") is False


def test_a_log_has_no_passwords() -> None:
    line = "account import a@b imaps://me:s3cret@host/ --folder x"
    assert "s3cret" not in loggable(line)
    assert "imaps://me:…@host/" in loggable(line)
    assert len(loggable("x" * 1000)) == 300
