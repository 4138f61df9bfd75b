"""What docs/upkeep.md promises: a snapshot, or the directory of a stopped server, is a
backup; the copy comes up elsewhere with all that was acknowledged.

A snapshot is one moment of all files. Here the server stands still (SIGSTOP) while it
is copied: what it had not written then is not in the copy, as in a real one.
"""

import contextlib
import imaplib
import os
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.support.server import Server, letter, own_address, subjects

pytestmark = pytest.mark.slow

SNAPSHOTS = 3
PAUSE_SECONDS = 0.5
AWAY = "someone@closed.b.test"


class Uploads:
    """A client that appends one message after the other.

    Attributes:
        acknowledged: Subjects of those the server said OK to.
    """

    def __init__(self, server: Server) -> None:
        self.acknowledged: list[str] = []
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _keep_on(self) -> None:
        with self._server.imap("alice") as client:
            while not self._over.is_set():
                subject = f"n{len(self.acknowledged)}"
                text = letter("b@b.test", "alice@a.test", subject, "회의\n")
                answer, _ = client.append("INBOX", "", "", text.as_bytes())
                assert answer == "OK"
                self.acknowledged.append(subject)


@contextlib.contextmanager
def standing_still(server: Server) -> Iterator[None]:
    assert server.process is not None
    pids = [server.process.pid, *server.worker_pids()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def moved(directory: Path, original: Server) -> Server:
    """Return a server of the copy in ``directory``, at an address of its own."""
    server = Server(directory)
    path = directory / "pabal.toml"
    path.write_text(path.read_text().replace(original.address, server.address))
    return server


def begun(server: Server) -> None:
    """Start, and put a message into the queue that cannot leave it for now."""
    server.add_hosts({"closed": own_address()}, 9, "b.test")
    server.start()
    with server.submission("alice") as client:
        client.send_message(letter("alice@a.test", AWAY, "held"))


def is_queued(server: Server) -> bool:
    return AWAY in server.run("queue", "list", "--json").stdout


def whole(client: imaplib.IMAP4) -> object:
    """Return all a client remembers of the open mailbox."""
    return (
        client.response("UIDVALIDITY"),
        client.fetch("1:*", "(UID FLAGS INTERNALDATE MODSEQ BODY.PEEK[])"),
    )


def test_a_snapshot_of_a_running_server_has_all_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    with Server(tmp_path / "pabal").init(workers="2") as server:
        begun(server)
        with Uploads(server) as uploads:
            for number in range(SNAPSHOTS):
                time.sleep(PAUSE_SECONDS)
                with standing_still(server):
                    time.sleep(PAUSE_SECONDS)  # what is on its way arrives
                    before = list(uploads.acknowledged)
                    place = tmp_path / f"copy{number}"
                    subprocess.run(["cp", "-a", server.directory, place], check=True)
                assert before, "nothing was uploaded"
                with moved(place, server) as copy:
                    assert copy.run("check", check=False).returncode == 0
                    copy.start()
                    with copy.imap("alice") as reader:
                        there = subjects(reader)
                    # One more may have been stored whose OK was not written yet.
                    assert there[: len(before)] == before
                    assert len(there) <= len(before) + 1
                    assert is_queued(copy)


def test_an_archive_of_a_stopped_server_goes_on_elsewhere(tmp_path: Path) -> None:
    with Server(tmp_path / "pabal").init() as server:
        begun(server)
        with server.imap("alice") as client:
            for number in range(20):
                octets = letter("b@b.test", "alice@a.test", f"n{number}").as_bytes()
                client.append("INBOX", r"(\Flagged wichtig)", "", octets)
            client.select("INBOX")
            before = whole(client)
        keys = server.run("zone", "show", server.domain).stdout
        assert server.stop() == 0
        archive = tmp_path / "backup.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(server.directory, arcname="pabal")
        with tarfile.open(archive) as tar:
            tar.extractall(tmp_path / "elsewhere", filter="tar")
        with moved(tmp_path / "elsewhere" / "pabal", server) as copy:
            copy.start()
            with copy.imap("alice") as client:
                assert whole(client) == before
            assert is_queued(copy)
            shown = copy.run("zone", "show", server.domain).stdout
            dkim = [line for line in keys.splitlines() if "DKIM1" in line]
            assert dkim
            assert [line for line in shown.splitlines() if "DKIM1" in line] == dkim
