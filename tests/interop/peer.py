"""Other people's programs: found, run, and skipped by name where they are missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
RUN_SECONDS = 30

MESSAGE = (
    b"From: alice@a.test\r\n"
    b"To: bob@a.test\r\n"
    b"Subject: =?utf-8?B?7ZqM7J2Y?=\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n"
    b"\r\n"
    b".a line that begins with a dot\r\n"
    b"..two\r\n"
    b".\r\n" + "회의는 내일입니다.\r\n".encode() + b"\r\nend\r\n"
)
"""What must come out as it went in: dots, Korean, an empty line."""


def path_of(program: str) -> str:
    """Return where ``program`` is, empty if nowhere."""
    return shutil.which(program, path=SYSTEM_PATH) or ""


def needs(program: str) -> pytest.MarkDecorator:
    """Return the mark that skips tests where ``program`` is missing."""
    return pytest.mark.skipif(
        not path_of(program), reason=f"{program} is not installed"
    )


def run(
    program: str, *arguments: str | Path, check: bool = True, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run ``program``; its output is in the failure if it fails."""
    done = subprocess.run(
        [path_of(program), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    if check:
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done
