"""``pabal account import`` as a process: killed at any moment, and over real TLS."""

import contextlib
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import apsw
import pytest

from tests.migration.places import drop, make_maildir
from tests.support.issuer import Issuer
from tests.support.server import PASSWORD, ROOT, Server, environment, letter

MESSAGES = 3_000
KILLS = 3


def octets_of(number: int) -> bytes:
    return b"Subject: %d\n\n" % number + b"text of %d\n" % number * (number % 50)


def count(path: Path) -> int:
    """Return how many messages are committed; 0 when there is no file yet."""
    if not path.exists():
        return 0
    try:
        with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) as connection:
            rows = connection.execute("SELECT count(*) FROM entry").fetchall()
    except apsw.Error:
        return 0  # the tables are being made
    return int(str(rows[0][0]))


def kill_when_more(server: Server, root: Path, rng: random.Random) -> int:
    """Run an import, kill it when something more was written; return how much is."""
    path = server.directory / "data" / "mail" / "1" / "mailbox.db"
    before = count(path)
    words = ("account", "import", "alice@a.test", str(root), "-c")
    process = subprocess.Popen(
        [sys.executable, "-m", "pabal", *words, str(server.directory)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        cwd=ROOT,
    )
    end = time.monotonic() + 30
    try:
        while process.poll() is None and count(path) <= before:
            assert time.monotonic() < end
            time.sleep(0.005)
        # Somewhere in the batch behind.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, 0.15))
    finally:
        process.kill()
        process.wait()
    return count(path)


@pytest.mark.slow
def test_killed_again_and_again_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    root = make_maildir(tmp_path / "Maildir")
    for number in range(MESSAGES):
        drop(root, f"16{number:05}.x.h:2,S", octets_of(number), 1.6e9 + number)
    rng = random.Random(5)
    with Server(tmp_path / "s").init(accounts=("alice",)) as server:
        there = [kill_when_more(server, root, rng) for _ in range(KILLS)]
        assert 0 < there[0] < MESSAGES, there
        server.run("account", "import", "alice@a.test", root)
        server.run("account", "import", "alice@a.test", root, "--verify")
        out = tmp_path / "out"
        server.run("account", "export", "alice@a.test", out)
        found = Counter(
            path.read_bytes()
            for part in ("cur", "new")
            for path in (out / part).iterdir()
        )
        assert found == Counter(map(octets_of, range(MESSAGES)))


def test_from_a_server_over_tls(tmp_path: Path) -> None:
    issuer, trust = Issuer(), tmp_path / "ca.pem"
    trust.write_bytes(issuer.pem())
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(Issuer().pem())
    with Server(tmp_path / "s").init() as server:
        files = server.directory / "tls"
        issuer.issue(files / "cert.pem", files / "key.pem", server.address)
        server.start()
        for number in range(3):
            with server.smtp() as client:
                text = letter("you@else.test", "alice@a.test", f"number {number}")
                client.send_message(text)
        with server.imap("alice") as alice:
            alice.store("2", "+FLAGS", "(\\Flagged)")
        source = f"imaps://alice%40a.test@{server.address}:{server.port(993)}/"
        words = ("account", "import", "bob@a.test", source, "--password-stdin")
        refused = server.run(
            *words, "--tls-trust", stranger, stdin=PASSWORD, check=False
        )
        assert refused.returncode == 1
        assert "certificate" in refused.stderr.lower(), refused.stderr
        for added in (3, 0):
            found = server.run(*words, "--tls-trust", trust, "--json", stdin=PASSWORD)
            assert f'"added": {added}' in found.stdout, found.stdout
        with server.imap("alice") as alice, server.imap("bob") as bob:
            fetch = "(FLAGS INTERNALDATE BODY.PEEK[])"
            theirs, ours = (one.fetch("1:*", fetch) for one in (alice, bob))
        assert re.sub(r" ?\\+Recent", "", repr(ours)) == repr(theirs)
        assert "Flagged" in repr(ours)
