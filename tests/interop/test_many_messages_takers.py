"""10,000 messages taken from the server by getmail and fetchmail."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.interop.many import MANY, SECONDS, SECRET, bring, here, run, same, unix
from tests.interop.peer import needs, path_of
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BETWEEN = "--between--"
NOTED = re.compile(rb"^(?:Return-Path: <unknown>|X-getmail-[^\n]*)\n", re.MULTILINE)
"""What getmail writes into what it takes."""
AT_ONCE = 500
"""Messages getmail takes in a session: at most what one that fails takes in vain."""
BOTH = pytest.mark.parametrize(("kind", "port"), [("IMAP", 143), ("POP3", 110)])
ENVELOPE = re.compile(rb"(?:\.\r\n)?MAIL FROM:.*\r\nRCPT TO:.*\r\nDATA\r\n")
"""What fetchmail writes before each message of a batch, behind the end of another."""


def getmail(home: Path) -> bool:
    """Take ``AT_ONCE`` messages; return whether getmail noticed that it had them.

    It forks for each message and then waits for the signal of the child's end. A
    child that ended before is waited for in vain.
    """
    done = subprocess.run(
        [path_of("getmail"), "--getmaildir", str(home), "--rcfile", "rc"],
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 0 or "waiting child pid" in told, told[-3000:]
    return done.returncode == 0


@needs("getmail")
@BOTH
def test_getmail(
    full: Server, sent: frozenset[bytes], tmp_path: Path, kind: str, port: int
) -> None:
    user = f"getmail-{kind}".lower()
    bring(full, user)
    # As root it refuses to write files itself.
    (tmp_path / "rc").write_text(f"""
[retriever]
type = Simple{kind}Retriever
server = {full.address}
port = {full.port(port)}
username = {user}@a.test
password = {SECRET}
timeout = 20
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {tmp_path}/got; echo {BETWEEN} >> {tmp_path}/got")
allow_root_commands = true
[options]
delivered_to = false
received = false
delete = true
max_messages_per_session = {AT_ONCE}
verbose = 0
""")
    failed = 0
    for _ in range(0, MANY, AT_ONCE):
        while not getmail(tmp_path):
            failed += 1
    taken = (tmp_path / "got").read_bytes().split(BETWEEN.encode() + b"\n")[:-1]
    got = [NOTED.sub(b"", octets) for octets in taken]
    assert set(got) == sent
    assert len(got) <= MANY + failed * AT_ONCE
    assert here(full, user, tmp_path) == []


@needs("fetchmail")
@BOTH
def test_fetchmail(
    full: Server, sent: frozenset[bytes], tmp_path: Path, kind: str, port: int
) -> None:
    user = f"fetchmail-{kind}".lower()
    bring(full, user)
    control = tmp_path / "rc"
    control.write_text(
        "set no bouncemail\nset invisible\n"
        f"poll {full.address} service {full.port(port)} protocol {kind}"
        f' user "{user}@a.test" password "{SECRET}" sslproto ""'
        f' fetchall no keep no rewrite bsmtp "{tmp_path}/got"\n'
    )
    control.chmod(0o600)
    run("fetchmail", "-s", "-f", control, "--pidfile", tmp_path / "pid", "--nosyslog")
    batch = (tmp_path / "got").read_bytes().removesuffix(b".\r\n")
    nothing, *got = ENVELOPE.split(batch)
    assert not nothing
    same([unix(octets) for octets in got], sent)
    assert here(full, user, tmp_path) == []
