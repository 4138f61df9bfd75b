"""10,000 messages taken from the server by getmail and fetchmail."""

import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from tests.interop.many import SECRET, bring, here, run, same, unix
from tests.interop.peer import needs
from tests.support.server import Server, own_address

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BOTH = pytest.mark.parametrize(("kind", "port"), [("IMAP", 143), ("POP3", 110)])
NOTED = re.compile(rb"^(?:Return-Path: <unknown>|X-getmail-.*)\n", re.MULTILINE)
"""What getmail writes into what it takes."""
ENVELOPE = re.compile(rb"(?:\.\r\n)?MAIL FROM:.*\r\nRCPT TO:.*\r\nDATA\r\n")
"""What fetchmail writes before each message of a batch, behind the end of another."""


class Lmtp(socketserver.ThreadingTCPServer):
    """Takes messages by LMTP (RFC 2033), each for one recipient."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), LmtpHandler)
        self.messages: list[bytes] = []
        self.address = address
        self.port: int = self.socket.getsockname()[1]


class LmtpHandler(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                assert isinstance(self.server, Lmtp)
                self.server.messages.append(
                    b"".join(x.removeprefix(b".") for x in lines)
                )
            self.wfile.write(b"250 yes\r\n")


@pytest.fixture
def lmtp() -> Iterator[Lmtp]:
    with Lmtp(own_address()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@needs("getmail")
@BOTH
def test_getmail(
    full: Server,
    lmtp: Lmtp,
    sent: frozenset[bytes],
    tmp_path: Path,
    kind: str,
    port: int,
) -> None:
    """By LMTP: for every other destination it forks and waits for a signal.

    Where the child ends before it waits, it waits in vain.
    """
    user = f"getmail-{kind}".lower()
    bring(full, user)
    (tmp_path / "rc").write_text(f"""
[retriever]
type = Simple{kind}Retriever
server = {full.address}
port = {full.port(port)}
username = {user}@a.test
password = {SECRET}
[destination]
type = MDA_lmtp
host = {lmtp.address}
port = {lmtp.port}
override = somebody@b.test
[options]
delivered_to = false
received = false
delete = true
verbose = 0
""")
    run("getmail", "--getmaildir", tmp_path, "--rcfile", "rc")
    same([NOTED.sub(b"", unix(octets)) for octets in lmtp.messages], sent)
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
