"""``kill -9`` at any moment: what got its 250 is there, and the databases are whole.

Two clients submit to a mailbox here and to a next hop, a third appends by IMAP; nobody
tries anything twice. Meanwhile a process, all of them or the supervisor is killed and
started again.
"""

import base64
import contextlib
import os
import random
import signal
import smtplib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from tests.support.server import (
    PASSWORD,
    Server,
    eventually,
    is_open,
    letter,
    own_address,
    subjects,
)
from tests.support.sink import Sink

SINK_PORT = 20_026
LEASE_SECONDS = 60
"""``QueueSettings.lease_s``: how long a claim outlives its crashed owner."""


@dataclass
class Site:
    """A server, its next hop, and what was promised to clients."""

    server: Server
    sink: Sink
    local: set[str] = field(default_factory=set)
    remote: set[str] = field(default_factory=set)
    sent: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self) -> None:
        self._over.clear()
        for work in (self._submit, self._submit, self._append):
            thread = threading.Thread(target=self._keep_at, args=(work,))
            self._threads.append(thread)
            thread.start()

    def rest(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        self._threads.clear()

    def _name(self) -> str:
        with self._lock:
            self.sent += 1
            return f"m{self.sent:06d}"

    def _keep_at(self, work: object) -> None:
        assert callable(work)
        while not self._over.is_set():
            with contextlib.suppress(OSError, EOFError, smtplib.SMTPException):
                work()
            time.sleep(0.05)

    def _submit(self) -> None:
        with self.server.submission("alice") as client:
            while not self._over.is_set():
                name = self._name()
                to = ["bob@a.test", "you@sink.remote.test"]
                if name.endswith(("3", "6", "9")):
                    del to[random.randrange(2)]
                message = letter("alice@a.test", ", ".join(to), name, "text\n" * 800)
                client.send_message(message, to_addrs=to)
                if "bob@a.test" in to:
                    self.local.add(name)
                if "you@sink.remote.test" in to:
                    self.remote.add(name)

    def _append(self) -> None:
        # A few lines of IMAP: imaplib leaves its socket open when the server dies.
        address = self.server.address, self.server.port(143)
        with socket.create_connection(address, 15) as sock, sock.makefile("rb") as file:
            file.readline()
            secret = base64.b64encode(f"\0bob@a.test\0{PASSWORD}".encode())
            sock.sendall(b"a AUTHENTICATE PLAIN " + secret + b"\r\n")
            name = ""
            while not self._over.is_set():
                while not (line := file.readline()).startswith(b"a "):
                    if not line:
                        raise EOFError
                assert line.startswith(b"a OK"), line
                if name:
                    self.local.add(name)
                name = self._name()
                octets = letter("bob@a.test", "bob@a.test", name).as_bytes()
                octets = octets.replace(b"\n", b"\r\n")
                command = b"a APPEND INBOX {%d+}\r\n" % len(octets)
                sock.sendall(command + octets + b"\r\n")

    def check_databases(self) -> None:
        paths = [*(self.server.directory / "data").rglob("*.db")]
        assert len(paths) >= 4
        for path in paths:
            connection = apsw.Connection(str(path))
            try:
                found = connection.execute("PRAGMA integrity_check").fetchall()
            finally:
                connection.close()
            assert found == [("ok",)], path.name

    def check_mailbox(self) -> None:
        with self.server.imap("bob") as bob:
            found = Counter(subjects(bob))
        assert not self.local - found.keys(), "acknowledged and lost"
        twice = {name: count for name, count in found.items() if count > 1}
        assert all(count == 2 for count in twice.values()), twice

    def check_sink(self, seconds: float) -> None:
        """Everything acknowledged was sent, or is still in the queue."""

        def missing() -> int:
            queued = _queued(self.server.directory / "data" / "queue.db")
            return len(self.remote - self.sink.subjects.keys()) - queued

        eventually(lambda: missing() <= 0, seconds)
        more = [name for name, count in self.sink.subjects.items() if count > 2]
        assert not more, more


def _queued(path: Path) -> int:
    connection = apsw.Connection(str(path))
    try:
        row = connection.execute("SELECT count(*) FROM item").fetchone()
    finally:
        connection.close()
    return int(row[0]) if row else 0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    address = own_address()
    with Sink(address, SINK_PORT) as sink:
        server = Server(tmp_path / "s").init(workers="2")
        server.add_hosts({"sink": address}, SINK_PORT, "remote.test")
        with server.start():
            yield Site(server, sink)


def kill_worker(server: Server) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(random.choice(server.worker_pids()), signal.SIGKILL)


def kill_all(server: Server) -> None:
    server.kill()
    server.start()


def kill_supervisor(server: Server) -> None:
    left = server.kill_supervisor()
    # Orphans end by themselves, or nobody could start the server again.
    eventually(lambda: not any(_alive(pid) for pid in left), 25)
    server.start()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _serves(server: Server) -> bool:
    return all(
        is_open(server.address, server.port(port)) for port in (25, 587, 143, 993)
    )


def test_killed_three_times_under_load(site: Site) -> None:
    site.load()
    try:
        for kill in (kill_worker, kill_all, kill_supervisor):
            promised = len(site.local)
            eventually(lambda n=promised: len(site.local) > n + 5, 20)
            time.sleep(random.uniform(0, 0.3))
            kill(site.server)
    finally:
        site.rest()
    eventually(lambda: _serves(site.server), 20)
    assert site.local
    assert site.remote
    site.check_mailbox()
    site.check_sink(5)
    with site.server.submission("alice") as client:
        client.send_message(letter("alice@a.test", "you@sink.remote.test", "after"))
    eventually(lambda: "after" in site.sink.subjects, 20)
    assert site.server.stop() == 0
    site.check_databases()
    assert "Traceback" not in site.server.log()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_many_times_under_load(site: Site) -> None:
    for number in range(40):
        site.load()
        try:
            time.sleep(random.uniform(0.3, 2.0))
            # One kill a start: the supervisor waits longer after each.
            (kill_worker, kill_all, kill_supervisor)[number % 3](site.server)
            time.sleep(random.uniform(0.0, 1.0))
        finally:
            site.rest()
        kill_all(site.server)
        site.check_mailbox()
        site.server.kill()
        site.check_databases()
        site.server.start()
    time.sleep(LEASE_SECONDS)
    eventually(lambda: not site.remote - site.sink.subjects.keys(), 30)
    site.check_sink(1)
    assert not _queued(site.server.directory / "data" / "queue.db")
    assert "Traceback" not in site.server.log()
