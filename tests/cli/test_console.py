"""What the SSH service starts, as a process, without SSH."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from pabal.cli.console import Desk as Runner
from pabal.cli.console import words_of
from pabal.cli.main import build
from pabal.cli.remote import Remote
from tests.cli.desk import Desk
from tests.support.server import ROOT, environment


@dataclass
class Session:
    process: subprocess.Popen[bytes]
    leash: socket.socket
    terminal: int = -1
    shown: str = ""

    def read(self, until: str, seconds: float = 20.0) -> str:
        """Return what the terminal shows, up to ``until``."""
        end = time.monotonic() + seconds
        while until not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self.terminal], [], [], 0.1)[0]:
                octets = os.read(self.terminal, 65_536)
                self.shown += octets.decode("utf-8", "replace")
        text, found, self.shown = self.shown.partition(until)
        return text + found

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())


@contextmanager
def session(desk: Desk, *words: str, terminal: bool = False) -> Iterator[Session]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends = os.openpty() if terminal else (-1, -1)
    stream = ends[1] if terminal else subprocess.PIPE
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pabal", "console"),
            *("-c", str(desk.directory), "--leash", str(theirs.fileno()), *words),
        ],
        stdin=stream,
        stdout=stream,
        stderr=stream,
        pass_fds=(theirs.fileno(),),
        env={**environment(), "TERM": "xterm"},
        cwd=ROOT,
        start_new_session=True,
    )
    theirs.close()
    try:
        yield Session(process, ours, ends[0])
    finally:
        process.kill()
        process.communicate() if not terminal else process.wait()
        ours.close()
        for end in ends:
            if end >= 0:
                os.close(end)


def test_a_command_its_exit_code_and_what_is_told(desk: Desk) -> None:
    with session(desk, "--command", "pabal queue show 'no such'") as one:
        out, error = one.process.communicate(timeout=30)
        assert out == b""
        assert b"no such is not in the queue" in error
        assert one.process.returncode == 1
        assert one.leash.recv(1000) == b"pabal queue show 'no such'"


def test_lines_of_standard_input(desk: Desk) -> None:
    lines = b"# what is there\n\naccount list\nqueue show x\nalias list\n"
    with session(desk) as one:
        out, error = one.process.communicate(lines, timeout=30)
        assert b"alice@a.test" in out
        assert b"No alias" in out
        assert b"x is not in the queue" in error
        assert one.process.returncode == 1


def test_it_ends_with_the_server(desk: Desk) -> None:
    with session(desk) as one:
        assert one.process.stdin is not None
        one.process.stdin.write(b"queue list\n")
        one.process.stdin.flush()
        one.leash.close()
        assert one.process.wait(20) in {0, 1}


def test_a_terminal(desk: Desk) -> None:
    with session(desk, terminal=True) as one:
        assert "Tab completes" in one.read("pabal> ")
        one.type("acc\tli\t\r")
        text = one.read("alice@a.test")
        assert "account list" in text
        assert "\x1b[1mID" in text, "in colour"
        one.read("pabal> ")
        one.type("queue sh")
        one.read("queue sh")
        # Python's readline overlooks a signal in the microseconds before it waits for
        # a key; no finger is as fast.
        time.sleep(0.3)
        one.type("\x03")  # given up
        one.read("pabal> ")
        one.type("\x1b[A\r")  # the line before, from the history
        one.read("alice@a.test")
        one.read("pabal> ")
        one.type("account passwd alice@a.test\r")
        one.read("Password")
        time.sleep(0.3)
        one.type("\x03")  # the command ends, the prompt does not
        assert "Aborted" in one.read("pabal> ")
        one.type("serve\r")
        assert "at the machine" in one.read("pabal> ")
        one.type("help queue\r")
        assert "Send messages back" in one.read("pabal> ")
        one.type("exit\r")
        assert one.process.wait(20) == 0


def runner(desk: Desk, told: list[str]) -> Runner:
    return Runner(build(), Remote(desk.directory / "pabal.toml"), told.append)


def test_commands_one_after_the_other(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    here = runner(desk, told)
    assert here.run("account list") == 0
    assert "alice@a.test" in capsys.readouterr().out
    assert here.run("nonsense") == 2
    assert here.run("queue list 'open") == 2
    assert "No closing quotation" in capsys.readouterr().err
    assert here.run("  ") == 0
    assert here.run("pabal help queue") == 0
    assert "bounce" in capsys.readouterr().out
    assert here.run("help") == 0
    shown = capsys.readouterr().out
    assert "queue" in shown
    assert "  serve " not in shown, "what is done at the machine"
    assert told == ["account list", "nonsense", "pabal help queue", "help"]


def test_ctrl_c_ends_a_command_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = runner(desk, [])

    def interrupted(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(here.root), "main", interrupted)
    assert here.run("queue list") == 130


def test_a_bug_costs_one_command(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = runner(desk, [])

    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(here.root), "main", broken)
    assert here.run("queue list") == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_words() -> None:
    assert words_of("pabal queue list") == ["queue", "list"]
    assert words_of("pabal pabal") == ["pabal"]
    assert words_of("a 'b c' \"d\"; $(e) | f > g") == [
        *("a", "b c", "d;", "$(e)", "|", "f", ">", "g")
    ]
    for wrong in ("'", '"a', "a\0b", "a\\"):
        with pytest.raises(ValueError, match=r"."):
            words_of(wrong)
