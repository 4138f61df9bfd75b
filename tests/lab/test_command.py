"""``pabal lab`` as a person and a program meet it: real processes, nothing left."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from pabal.base.errors import OperatorError
from pabal.cli.main import build as program
from pabal.lab.command import Performance, lab, prepare
from pabal.lab.show import Show
from pabal.lab.world import build
from tests.support.server import ROOT, environment

STAGES = {
    "submitted",
    "queued",
    "resolved",
    "connected",
    "sent",
    "received",
    "delivered",
    "fetched",
    "bounced",
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pabal", "lab", *arguments]


def with_temporary(path: Path) -> dict[str, str]:
    return {**environment(), "TMPDIR": str(path), "TERM": "xterm", "COLUMNS": "80"}


def processes_below(path: Path) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(path) in words:
            found.append(words)
    return found


def test_once_with_json_tells_the_whole_story(tmp_path: Path) -> None:
    done = subprocess.run(
        command("--once", "--json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=with_temporary(tmp_path),
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)  # one value and nothing else
    assert report["ok"] is True
    assert {h["stage"] for m in report["messages"] for h in m["hops"]} >= STAGES
    assert [m["outcome"] for m in report["messages"]] == [
        "delivered",
        "delivered",
        "bounced",
    ]
    asked = " ".join(name["asked"] for name in report["names"])
    for server in ("a.root-servers.test", "ns.nic.test", "mail.busan.test"):
        assert server in asked
    first = [n["answer"] for n in report["names"] if n["question"].startswith("www")]
    assert len({answer.split(", ")[0] for answer in first}) == 2
    answers = {n["question"]: n["answer"] for n in report["names"]}
    assert answers["busan.test. MX"] == "10 mail.busan.test"
    dialogue = [
        line
        for m in report["messages"]
        for h in m["hops"]
        for line in h.get("dialogue", ())
    ]
    assert any(line.startswith("C: MAIL FROM:") for line in dialogue)
    assert list(tmp_path.iterdir()) == []
    assert processes_below(tmp_path) == []


def test_on_a_terminal_it_stays_until_ctrl_c(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=with_temporary(tmp_path),
        cwd=ROOT,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        screen = read_until(ours, b"Ctrl-C ends it", 60)
        assert b"student@seoul.test" in screen
        assert len(processes_below(tmp_path)) >= 4
        process.send_signal(signal.SIGINT)
        read_until(ours, b"", 30)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"Traceback" not in screen
    assert list(tmp_path.iterdir()) == []
    assert processes_below(tmp_path) == []


def read_until(descriptor: int, wanted: bytes, seconds: float) -> bytes:
    """Return the output up to ``wanted``; with nothing wanted, up to the end."""
    screen = b""
    end = time.monotonic() + seconds
    while not wanted or wanted not in screen:
        ready, _, _ = select.select([descriptor], [], [], 1.0)
        assert time.monotonic() < end, screen.decode(errors="replace")
        if ready:
            try:
                data = os.read(descriptor, 65536)
            except OSError:  # the other end of a terminal is closed
                return screen
            screen += data
    return screen


def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("--once", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=with_temporary(tmp_path),
        cwd=ROOT,
    ) as process:
        end = time.monotonic() + 30
        while len(processes_below(tmp_path)) < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        process.terminate()
        out, _ = process.communicate(timeout=40)
        assert process.returncode == 1
    assert json.loads(out)["ok"] is False
    assert list(tmp_path.iterdir()) == []
    assert processes_below(tmp_path) == []


def test_a_lab_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "pabal.toml").write_text("mine")
    with pytest.raises(OperatorError, match="holds a lab already"):
        prepare(build(tmp_path))
    assert (tmp_path / "server" / "pabal.toml").read_text() == "mine"
    group = program()
    group.add_command(lab)
    found = CliRunner().invoke(group, ["lab", "--json", "--dir", str(tmp_path)])
    assert found.exit_code == 2
    assert json.loads(found.stdout)["ok"] is False
    assert "holds a lab already" in json.loads(found.stdout)["error"]


def test_an_unfinished_story_is_no_success_for_a_program(tmp_path: Path) -> None:
    show = Show(Console(quiet=True), dialogue=False)
    assert Performance(build(tmp_path), show, stay=False).exit_code == 1
    assert Performance(build(tmp_path), show, stay=True).exit_code == 0
