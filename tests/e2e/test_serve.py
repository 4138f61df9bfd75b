"""``pabal serve`` as an operator meets it."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.server import (
    PASSWORD,
    Server,
    environment,
    eventually,
    letter,
    pabal,
    subjects,
)

LOW = "127.0.0.1:25"


def test_starts_serves_and_stops(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 5, "a second is usual; machines are noisy"
        with server.submission("alice") as client:
            client.send_message(letter("alice@a.test", "bob@a.test", "안녕"))
        with server.imap("bob") as bob:
            assert len(subjects(bob)) == 1
            # What programs look for is there before they make one of their own.
            for name in ("Drafts", "Sent", "Junk", "Trash", "Archive"):
                seen = f'(\\HasNoChildren \\{name}) "/" {name}'
                assert bob.list('""', name)[1] == [seen.encode()]
                assert bob.lsub('""', name)[1] != [None]
        pop = server.pop3("bob")
        assert pop.stat()[0] == 1
        pop.quit()
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def test_several_processes_are_one_server(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2") as server:
        server.start()
        assert len(server.worker_pids()) >= 5
        devices = [server.imap("bob") for _ in range(6)]
        with server.submission("alice") as client:
            for number in range(6):
                client.send_message(letter("alice@a.test", "bob@a.test", f"n{number}"))
        for device in devices:
            eventually(lambda d=device: len(subjects(d)) == 6)
            device.logout()
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def test_a_change_is_in_force_within_a_second(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2") as server:
        server.start()
        server.run("account", "add", "new@a.test", "--password-stdin", stdin=PASSWORD)
        server.run("alias", "add", "team@a.test", "new@a.test", "bob@a.test")
        time.sleep(1)
        with server.smtp() as client:
            client.send_message(letter("x@else.test", "team@a.test", "for all"))
        for user in ("new", "bob"):
            with server.imap(user) as device:
                assert subjects(device) == ["for all"]
        assert server.stop() == 0


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        server.start()
        (pid,) = server.worker_pids()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: server.worker_pids() not in ([], [pid]))
        eventually(lambda: _greets(server))
        assert server.stop() == 0


def _greets(server: Server) -> bool:
    try:
        with server.smtp() as client:
            return client.noop()[0] == 250
    except OSError:
        return False


def test_a_port_in_use_is_one_clear_message(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        server.start()
        second = pabal("serve", "-c", server.directory, check=False)
        assert second.returncode == 2
        assert "another program has that port" in second.stderr
        assert f"{server.address}:{server.port(25)}" in second.stderr
        assert len(second.stderr.strip().splitlines()) == 1


def test_a_bad_certificate_is_one_clear_message(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        (server.directory / "tls" / "key.pem").write_text("nonsense")
        failed = server.run("serve", check=False)
        assert failed.returncode == 2
        assert "key.pem" in failed.stderr
        assert "Traceback" not in failed.stderr


def test_unreadable_data_is_one_clear_message(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        for name in ("queue.db", "trace.db", "directory.db"):
            path = server.directory / "data" / name
            before = path.read_bytes() if path.exists() else b""
            path.write_bytes(b"not a database" * 99)
            failed = server.run("serve", check=False)
            assert failed.returncode == 2
            assert name in failed.stderr
            assert "Traceback" not in failed.stderr
            path.write_bytes(before)


def test_a_port_only_root_may_have_is_one_clear_message(tmp_path: Path) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    setpriv = shutil.which("setpriv")
    if first <= 25 or setpriv is None:
        pytest.skip("everybody may have port 25 here, or setpriv is missing")
    with Server(tmp_path / "s").init() as server:
        path = server.directory / "pabal.toml"
        path.write_text(path.read_text().replace(f"{server.address}:20025", LOW))
        command = [sys.executable, "-m", "pabal", "serve", "-c", str(server.directory)]
        if not os.geteuid():
            command[:0] = [setpriv, "--bounding-set", "-net_bind_service"]
        failed = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env=environment(),
        )
        assert failed.returncode == 2
        assert f"smtp cannot listen on {LOW} (tcp)" in failed.stderr
        assert "ports below 1024 need root" in failed.stderr
        assert len(failed.stderr.strip().splitlines()) == 1


def test_refuses_to_start_with_the_report_of_check(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        server.configure('recieve = "x"', "workerz = 1")
        check = server.run("check", check=False)
        serve = server.run("serve", check=False)
        assert check.returncode == serve.returncode == 2
        assert "workerz" in check.stdout
        assert "did you mean `workers`?" in check.stdout
        assert "^^^^^^^" in check.stdout
        assert serve.stderr.strip() in check.stdout


def test_init_never_overwrites(tmp_path: Path) -> None:
    server = Server(tmp_path / "s").init(accounts=())
    before = (server.directory / "pabal.toml").read_bytes()
    again = pabal(
        "init",
        server.directory,
        "--hostname",
        "b.test",
        "--domain",
        "b.test",
        check=False,
    )
    assert again.returncode == 2
    assert "there already" in again.stderr
    assert (server.directory / "pabal.toml").read_bytes() == before


def test_everything_is_there_for_programs_too(tmp_path: Path) -> None:
    server = Server(tmp_path / "s").init()
    assert json.loads(server.run("domain", "list", "--json").stdout) == {
        "domains": ["a.test"]
    }
    accounts = json.loads(server.run("account", "list", "--json").stdout)["accounts"]
    assert [a["address"] for a in accounts] == ["alice@a.test", "bob@a.test"]
    assert json.loads(server.run("queue", "list", "--json").stdout) == {"items": []}
    records = json.loads(server.run("domain", "show", "a.test", "--json").stdout)
    assert {"MX", "TXT", "SRV", "A"} <= {r["type"] for r in records["records"]}
    zones = json.loads(server.run("zone", "list", "--json").stdout)["zones"]
    assert [z["zone"] for z in zones] == ["a.test."]
    assert json.loads(server.run("check", "--json").stdout)["ok"] is True
    missing = server.run("account", "remove", "nobody@a.test", "--yes", check=False)
    assert missing.returncode == 1


def test_wrong_usage_is_two(tmp_path: Path) -> None:
    assert pabal("nonsense", check=False).returncode == 2
    assert pabal("check", "-c", tmp_path, check=False).returncode == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_only_binds_and_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.is_relative_to(Path(tempfile.gettempdir())):
            folder.chmod(folder.stat().st_mode | 0o011)
    nobody = pwd.getpwnam("nobody")
    with Server(tmp_path / "s").init(accounts=("alice",)) as server:
        text = (server.directory / "pabal.toml").read_text()
        text = text.replace('user = ""', 'user = "nobody"')
        (server.directory / "pabal.toml").write_text(text)
        server.start()
        for pid in server.worker_pids():
            assert Path(f"/proc/{pid}").stat().st_uid == nobody.pw_uid
        # What root types meanwhile must not lock the server out.
        server.run("account", "add", "bob@a.test", "--password-stdin", stdin=PASSWORD)
        with server.submission("alice") as client:
            client.send_message(letter("alice@a.test", "bob@a.test", "for bob"))
        with server.imap("bob") as bob:
            assert subjects(bob) == ["for bob"]
        assert server.stop() == 0
        owners = {path.stat().st_uid for path in (server.directory / "data").rglob("*")}
        assert owners == {nobody.pw_uid}
