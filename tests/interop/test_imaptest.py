"""Dovecot's imaptest: every scripted group passes, or an RFC says why it does not.

Its random clients, all of one mailbox or each group of its own, find nothing wrong.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.interop.imaptest import Imaptest, find
from tests.support.server import PASSWORD, ROOT, Server

EXPLAINED = {
    "append-binary": "RFC 3516 §4.4",
    "esearch": "RFC 9051 §9",
    "notify": "RFC 5465 §5",
}
"""Groups that fail, and what says that they must; ``docs/imaptest.md`` has the rest."""

FAILED = re.compile(r"^\*\*\* Test (\S+) command", re.MULTILINE)
WRONG = re.compile(r"^(?:Error|Panic|Fatal|Warning): .*", re.MULTILINE)
SECONDS = 240.0
STRESS_SECONDS = 60
CLIENTS = 20
USERS = 5


@pytest.fixture(scope="module")
def imaptest(tmp_path_factory: pytest.TempPathFactory) -> Imaptest:
    return find(tmp_path_factory.mktemp("imaptest"))


def test_each_failure_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs" / "imaptest.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|(.*)$", text, re.MULTILINE))
    assert rows.keys() == EXPLAINED.keys()
    for group, source in EXPLAINED.items():
        assert source in rows[group]


def run(imaptest: Imaptest, server: Server, *arguments: str) -> str:
    """Return what imaptest says."""
    done = subprocess.run(
        [
            *(str(imaptest.program), f"host={server.address}"),
            *(f"port={server.port(143)}", f"pass={PASSWORD}", *arguments),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=SECONDS,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
def test_scripted_groups(imaptest: Imaptest, tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(accounts=("a1", "a2", "a3")) as server:
        server.start()
        told = run(
            imaptest, server, f"user=a1@{server.domain}", f"test={imaptest.scripts}"
        )
        assert set(FAILED.findall(told)) == set(EXPLAINED), told[-4000:]
        assert server.stop() == 0
        assert "Traceback" not in server.log()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("users", [1, USERS])
@pytest.mark.parametrize("manner", [(), ("qresync",)], ids=["plain", "qresync"])
def test_random_clients(
    imaptest: Imaptest, tmp_path: Path, users: int, manner: tuple[str, ...]
) -> None:
    """Two processes serve them, so that changes come from the other one too."""
    accounts = tuple(f"a{number}" for number in range(1, users + 1))
    with Server(tmp_path / "s").init(workers="2", accounts=accounts) as server:
        server.start()
        told = run(
            *(imaptest, server, f"user=a%d@{server.domain}", f"users=1-{users}"),
            *(f"mbox={imaptest.messages}", f"clients={CLIENTS}"),
            *(f"secs={STRESS_SECONDS}", *manner),
        )
        assert WRONG.findall(told) == [], told[-4000:]
        assert "Totals:" in told
        assert server.stop() == 0
        assert "Traceback" not in server.log()
