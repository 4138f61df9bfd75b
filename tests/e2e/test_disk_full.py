"""A full disk: refused for now, nothing half-written, and on it goes with room.

The data directory is a file system of a few megabytes; a ballast file fills it.
"""

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
        with self.ballast.open("ab") as file:
            file.write(bytes(size))

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
    for number in range(3):
        code, text = site.send(f"{name} full{number}", to, size)
        assert (code, text[:5]) == (452, b"4.3.1"), text
    assert site.inbox() == before
    assert site.queued() == 0
    site.make_room()
    eventually(lambda: site.send(f"{name} after", to, size)[0] == 250, 5)
    if "bob" in to:
        assert site.inbox() == [*before, f"{name} after"]
    if "sink" in to:
        eventually(lambda: f"{name} after" in site.sink.subjects)
    assert not [one for one in site.sink.subjects if "full" in one and name in one]
    assert not [*(site.data / "spool").iterdir()]
    check_databases(site)


def test_append_is_refused_and_reading_goes_on(site: Site) -> None:
    site.fill()
    bob = site.server.imap("bob")
    before = subjects(bob)
    octets = letter("bob@a.test", "bob@a.test", "draft", "x\n" * 50_000).as_bytes()
    status, text = bob.append("INBOX", "", "", octets.replace(b"\n", b"\r\n"))
    assert status == "NO", text
    assert b"Traceback" not in b"".join(part for part in text if part)
    assert subjects(bob) == before
    site.make_room()
    status, text = bob.append("INBOX", "", "", octets.replace(b"\n", b"\r\n"))
    assert status == "OK", text
    bob.logout()
    check_databases(site)


def test_what_was_queued_is_sent_though_the_disk_is_full(site: Site) -> None:
    site.fill(left_octets=500_000)
    assert site.send("nearly full", "you@sink.remote.test", 50_000)[0] == 250
    site.fill()
    eventually(lambda: "nearly full" in site.sink.subjects)
    site.make_room()
    eventually(lambda: site.queued() == 0, 75)
    assert site.sink.subjects["nearly full"] <= 2
    check_databases(site)
