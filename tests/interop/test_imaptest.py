"""Dovecot's imaptest: every scripted group passes, or an RFC says why it does not."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server import PASSWORD, ROOT, Server

EXPLAINED = {
    "append-binary": "RFC 3516 §4.4",
    "esearch": "RFC 9051 §9",
    "notify": "RFC 5465 §5",
}
"""Groups that fail, and what says that they must; ``docs/imaptest.md`` has the rest."""

FAILED = re.compile(r"^\*\*\* Test (\S+) command", re.MULTILINE)
SECONDS = 240.0


def scripts() -> Path | None:
    """Return the folder of the scripted tests, if there is one."""
    program = shutil.which("imaptest")
    if program is None:
        return None
    named = os.environ.get("IMAPTEST_TESTS")
    folder = Path(named) if named else Path(program).parent / "tests"
    return folder if folder.is_dir() else None


def test_each_failure_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs" / "imaptest.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|(.*)$", text, re.MULTILINE))
    assert rows.keys() == EXPLAINED.keys()
    for group, source in EXPLAINED.items():
        assert source in rows[group]


@pytest.mark.slow
@pytest.mark.skipif(scripts() is None, reason="imaptest and its tests are not here")
def test_scripted_groups(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(accounts=("a1", "a2", "a3")) as server:
        server.start()
        done = subprocess.run(
            [
                *("imaptest", f"host={server.address}", f"port={server.port(143)}"),
                *(f"user=a1@{server.domain}", f"pass={PASSWORD}", f"test={scripts()}"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        told = done.stdout + done.stderr
        assert set(FAILED.findall(told)) == set(EXPLAINED), told[-4000:]
        assert server.stop() == 0
        assert "Traceback" not in server.log()
