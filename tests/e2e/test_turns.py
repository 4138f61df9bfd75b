"""Long commands of one client leave others their turn, and cost bounded memory."""

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.peers import Imap
from tests.support.server import PASSWORD, Server, resident_octets

DOUBLINGS = 10
"""Of 100 messages: 102,400 are there in a second or two."""

PATIENCE_S = 0.25
"""A slice takes some milliseconds; the rest is for a machine with other work."""

MIB = 1024 * 1024
STUCK_MAX_OCTETS = 16 * MIB
"""What a client that takes nothing may cost: its buffers, and a slice being made."""


class Alice(Imap):
    """Reads octets, not lines: the test shall not be what takes the time."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, log_in=False)
        secret = base64.b64encode(f"\0alice@a.test\0{PASSWORD}".encode())
        self.do(b"AUTHENTICATE PLAIN " + secret)
        self.do(b"SELECT INBOX")

    def do(self, command: bytes) -> int:
        """Send a command that must end in OK; return the octets of its answer."""
        self.send(b"a " + command + b"\r\n")
        tail, total = b"\r\n", 0
        while b"\r\na " not in tail or not tail.endswith(b"\r\n"):
            octets = self.socket.recv(MIB)
            assert octets, tail
            total += len(octets)
            tail = (tail + octets)[-1000:]
        assert b"\r\na OK" in tail, tail
        return total


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    text = b"Subject: turn\r\nFrom: a@a.test\r\n\r\n" + b"One line of text.\r\n" * 100
    with Server(tmp_path_factory.mktemp("turns") / "s").init() as server:
        server.start()
        with Alice(server) as alice:
            alice.do(b"APPEND INBOX" + b" {%d+}\r\n%b" % (len(text), text) * 100)
            for _ in range(DOUBLINGS):
                alice.do(b"COPY 1:* INBOX")
            alice.do(b"CREATE other")
        yield server
        assert server.stop() == 0


@contextmanager
def neighbour(server: Server) -> Iterator[list[float]]:
    """Let another client ask all the time; yield how long it waited, each time."""
    waited: list[float] = []
    begun_asking, over = threading.Event(), threading.Event()

    def ask() -> None:
        with Imap(server) as bob:
            while not over.is_set():
                begun = time.monotonic()
                assert bob.said(b"NOOP").startswith(b"a OK")
                waited.append(time.monotonic() - begun)
                begun_asking.set()
                time.sleep(0.002)

    thread = threading.Thread(target=ask)
    thread.start()
    assert begun_asking.wait(20)
    try:
        yield waited
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "command",
    [
        b"FETCH 1:* (UID FLAGS)",
        b"FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)",
        b"SEARCH UNSEEN LARGER 10",
        pytest.param(b'SEARCH TEXT "not there at all"', marks=pytest.mark.slow),
        pytest.param(b"SORT (SUBJECT REVERSE DATE) UTF-8 ALL", marks=pytest.mark.slow),
        pytest.param(b"THREAD REFERENCES UTF-8 ALL", marks=pytest.mark.slow),
        b"COPY 1:* other",
    ],
)
def test_others_have_their_turn(server: Server, command: bytes) -> None:
    with Alice(server) as alice, neighbour(server) as waited:
        waited.clear()
        alice.do(command)
    assert max(waited) < PATIENCE_S


def test_a_client_that_takes_nothing_costs_little(server: Server) -> None:
    (pid,) = server.worker_pids()
    with Alice(server) as alice, neighbour(server) as waited:
        alice.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        waited.clear()
        before = resident_octets(pid)
        alice.send(b"a FETCH 1:* (FLAGS BODY.PEEK[])\r\n")  # 200 MB
        time.sleep(0.5)
        grown = resident_octets(pid) - before
    assert grown < STUCK_MAX_OCTETS
    assert max(waited) < PATIENCE_S
    assert "Traceback" not in server.log()
