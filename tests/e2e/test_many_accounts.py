"""Ten thousand accounts on one machine: start, delivery, open handles, memory.

Their rows are copies of one made by the program: a password costs what it should.
"""

import smtplib
import sys
import time
from pathlib import Path

import apsw
import pytest

from pabal.store.sqlite.store import OPEN_ACCOUNTS_MAX
from tests.support.server import Server, letter, resident_octets, subjects

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ACCOUNTS = 10_000
AT_ONCE = 100
"""Recipients of a message (RFC 5321 §4.5.3.1.8)."""

START_S = 5.0
EACH_S = 0.050
"""A first delivery makes directory, tables and INBOX, each on disk."""

HANDLES = 9 * OPEN_ACCOUNTS_MAX + 100
MEMORY_OCTETS = 300 * 1024 * 1024
"""More than at the start: what is open is; 220 MB were measured."""
SECOND_ROUND_OCTETS = 32 * 1024 * 1024
"""More than after the first round: what was closed leaves nothing."""


def multiply(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "WITH RECURSIVE s(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM s WHERE n < ?)"
        " INSERT INTO account (id, address, domain)"
        " SELECT n, 'user' || n || '@a.test', 'a.test' FROM s",
        (ACCOUNTS,),
    )
    connection.execute(
        "INSERT INTO credential SELECT a.id, argon2, scram_salt, scram_iterations,"
        " scram_stored_key, scram_server_key FROM account a, credential"
        " WHERE account_id = 1 AND a.id > 1"
    )
    connection.execute("COMMIT")
    connection.close()


def handles(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def deliver(server: Server, subject: str) -> int:
    """Send a message to every account but the first; return the most handles open."""
    (pid,) = server.worker_pids()
    most = 0
    with smtplib.SMTP(server.address, server.port(25), timeout=120) as client:
        for first in range(2, ACCOUNTS + 1, AT_ONCE):
            last = min(first + AT_ONCE, ACCOUNTS + 1)
            to = [f"user{number}@a.test" for number in range(first, last)]
            text = letter("you@else.test", "everybody@a.test", subject)
            assert client.send_message(text, "you@else.test", to) == {}
            most = max(most, handles(pid))
    return most


def test_mail_for_everybody(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(accounts=("user1",)) as server:
        multiply(server.directory / "data" / "directory.db")
        begun = time.perf_counter()
        server.start()
        started = time.perf_counter() - begun
        (pid,) = server.worker_pids()
        before = resident_octets(pid)
        rounds, grown = [], []
        most = 0
        for subject in ("first", "second"):
            begun = time.perf_counter()
            most = max(most, deliver(server, subject))
            rounds.append((time.perf_counter() - begun) / ACCOUNTS)
            grown.append(resident_octets(pid) - before)
        sys.stdout.write(
            f"start {started:.2f} s, a delivery {rounds[0] * 1e3:.1f} ms, then"
            f" {rounds[1] * 1e3:.1f} ms, {most} handles,"
            f" {grown[0] / 1e6:.0f} MB more, then {grown[1] / 1e6:.0f} MB\n"
        )
        for number in (2, 5_000, ACCOUNTS):
            with server.imap(f"user{number}") as client:
                assert subjects(client) == ["first", "second"]
        assert started <= START_S
        assert max(rounds) <= EACH_S
        assert most <= HANDLES
        assert grown[1] - grown[0] <= SECOND_ROUND_OCTETS
        assert max(grown) <= MEMORY_OCTETS
