"""A full disk: refused for now, nothing half-written, and on it goes with room.

The data directory is a file system of a few megabytes; a ballast file fills it.
"""

import contextlib
import os
import smtplib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from tests.support.server import Server, eventually, letter, own_address, subjects
from tests.support.sink import Sink

SINK_PORT = 20_028
DISK_OCTETS = 24 * 1024 * 1024
TRIES_MAX = 60
"""Messages that may still fit into files that have room inside."""

LARGE_OCTETS = 3 * 1024 * 1024
"""Above what a spool keeps in memory."""


@dataclass
class Site:
    server: Server
    sink: Sink

    @property
    def data(self) -> Path:
        return self.server.directory / "data"

    @property
    def ballast(self) -> Path:
        return self.data / "ballast"

    def fill(self, left_octets: int = 0) -> None:
        """Leave no more than ``left_octets`` of room."""
        free = os.statvfs(self.data)
        size = free.f_bavail * free.f_frsize - left_octets
        descriptor = os.open(self.ballast, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            # The server writes as well: what is left may be less by now.
            with contextlib.suppress(OSError):
                while size > 0:
                    size -= os.write(descriptor, bytes(min(size, 65_536)))
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        self.ballast.unlink()

    def send(self, subject: str, to: str, size: int = 100_000) -> tuple[int, bytes]:
        """Return the reply to a message's end."""
        body = ("x" * 70 + "\n") * (size // 71)
        message = letter("alice@a.test", to, subject, body)
        with self.server.submission("alice") as client:
            try:
                client.send_message(message)
            except smtplib.SMTPResponseException as refused:
                text = refused.smtp_error
                return (
                    refused.smtp_code,
                    text if isinstance(text, bytes) else text.encode(),
                )
        return 250, b""

    def inbox(self) -> list[str]:
        bob = self.server.imap("bob")
        found = subjects(bob)
        bob.logout()
        return found

    def queued(self) -> int:
        connection = apsw.Connection(str(self.data / "queue.db"))
        try:
            rows = connection.execute("SELECT id FROM item").fetchall()
        finally:
            connection.close()
        return len(rows)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    server = Server(tmp_path_factory.mktemp("full") / "s")
    data = server.directory / "data"
    data.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs", str(data)]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small file system can only be mounted by root")
    address = own_address()
    try:
        server.init()
        server.add_hosts({"sink": address}, SINK_PORT, "remote.test")
        with Sink(address, SINK_PORT) as sink, server.start():
            yield Site(server, sink)
            assert server.stop() == 0
            assert "Traceback" not in server.log()
    finally:
        subprocess.run(["umount", str(data)], check=True)


@pytest.fixture(autouse=True)
def room(site: Site) -> Iterator[None]:
    yield
    site.ballast.unlink(missing_ok=True)


def check_databases(site: Site) -> None:
    for path in site.data.rglob("*.db"):
        connection = apsw.Connection(str(path))
        try:
            found = connection.execute("PRAGMA integrity_check").fetchall()
        finally:
            connection.close()
        assert found == [("ok",)], path.name


@pytest.mark.parametrize(
    ("to", "size"),
    [
        ("bob@a.test", 100_000),
        ("you@sink.remote.test", 100_000),
        ("bob@a.test, you@sink.remote.test", 100_000),
        ("bob@a.test", LARGE_OCTETS),
        ("you@sink.remote.test", LARGE_OCTETS),
    ],
)
def test_refused_for_now_and_taken_when_there_is_room(
    site: Site, to: str, size: int
) -> None:
    name = f"{to.count('@')}-{'bob' in to}-{size}"
    assert site.send(f"{name} before", to, size)[0] == 250
    eventually(lambda: site.queued() == 0)
    before = site.inbox()
    site.fill()
    taken: list[str] = []
    code, text = 250, b""
    for number in range(TRIES_MAX):
        code, text = site.send(f"{name} full{number}", to, size)
        if code != 250:
            break
        # Room inside the files that are there already is room.
        taken.append(f"{name} full{number}")
    assert (code, text[:5]) == (452, b"4.3.1"), text
    inbox = site.inbox()
    expected = [*before, *taken] if "bob" in to else before
    assert inbox[: len(expected)] == expected
    # A mailbox may have its copy though the queue has none, or the other way round:
    # the client tries again, and twice is better than never.
    both = "bob" in to and "sink" in to
    assert len(inbox) <= len(expected) + both
    site.make_room()
    eventually(lambda: site.send(f"{name} after", to, size)[0] == 250, 5)
    if "bob" in to:
        assert site.inbox()[-1] == f"{name} after"
    if "sink" in to:
        wanted = {*taken, f"{name} after"}
        eventually(lambda: wanted <= site.sink.subjects.keys(), 75)
        sent = {one for one in site.sink.subjects if one.startswith(f"{name} full")}
        assert len(sent - {*taken}) <= both
    eventually(lambda: not [*(site.data / "spool").iterdir()])
    check_databases(site)


def test_append_is_refused_and_reading_goes_on(site: Site) -> None:
    site.fill()
    bob = site.server.imap("bob")
    before = subjects(bob)
    octets = letter("bob@a.test", "bob@a.test", "draft", "x\n" * 50_000).as_bytes()
    octets = octets.replace(b"\n", b"\r\n")
    taken, status = 0, "OK"
    for _ in range(TRIES_MAX):
        status, _ = bob.append("INBOX", "", "", octets)
        if status != "OK":
            break
        taken += 1
    assert status == "NO"
    assert subjects(bob) == [*before, *["draft"] * taken]
    site.make_room()
    status, text = bob.append("INBOX", "", "", octets)
    assert status == "OK", text
    bob.logout()
    check_databases(site)


def test_what_was_queued_is_sent_though_the_disk_is_full(site: Site) -> None:
    site.fill(left_octets=500_000)
    assert site.send("nearly full", "you@sink.remote.test", 50_000)[0] == 250
    site.fill()
    eventually(lambda: "nearly full" in site.sink.subjects)
    site.make_room()
    eventually(lambda: site.queued() == 0, 100)
    assert site.sink.subjects["nearly full"] <= 2
    check_databases(site)
