"""The console as OpenSSH's client meets it."""

import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.peer import needs
from tests.support.server import PASSWORD, Server, eventually

pytestmark = [needs("ssh"), needs("ssh-keygen")]

ADMIN = "alice@a.test"


@dataclass(frozen=True)
class Client:
    """OpenSSH's client, and what it knows.

    Attributes:
        home: Where its keys are: ``good``, ``other``, ``rsa``.
        server: Whom it talks to.
    """

    home: Path
    server: Server

    def words(self, *more: str, user: str = "alice", key: str = "good") -> list[str]:
        known = f"UserKnownHostsFile={self.home / 'known_hosts'}"
        return [
            *("ssh", "-F", "none", "-p", str(self.server.port(22))),
            *("-i", str(self.home / key), "-o", "IdentitiesOnly=yes"),
            *("-o", "IdentityAgent=none", "-o", known, "-o", "LogLevel=INFO"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10"),
            *more[:-1],
            f"{user}@{self.server.address}",
            *more[-1:],
        ]

    def run(
        self,
        *more: str,
        stdin: str = "",
        user: str = "alice",
        key: str = "good",
        password: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command there: options, then the command (or a last empty word)."""
        environment = dict(os.environ)
        if password:
            asks = self.home / "asks"
            asks.write_text(f"#!/bin/sh\nprintf '%s\\n' '{password}'\n")
            asks.chmod(0o700)
            environment |= {"SSH_ASKPASS": str(asks), "SSH_ASKPASS_REQUIRE": "force"}
        words = self.words(*more, user=user, key=key)
        return subprocess.run(
            [word for word in words if word],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env=environment,
        )


def keygen(*words: str | Path) -> str:
    done = subprocess.run(
        ["ssh-keygen", *map(str, words)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    directory = tmp_path_factory.mktemp("ssh")
    with Server(directory / "s").init() as server:
        server.configure(f'administrators = ["{ADMIN}"]', table="ssh")
        for name, kind in (("good", "ed25519"), ("other", "ed25519"), ("rsa", "rsa")):
            keygen("-q", "-t", kind, "-N", "", "-C", name, "-f", directory / name)
        for name in ("good", "rsa"):
            server.run("account", "key", "add", ADMIN, directory / f"{name}.pub")
        server.run("account", "key", "add", "bob@a.test", directory / "other.pub")
        server.start()
        (name, key) = host_line(server)
        at = f"[{server.address}]:{server.port(22)}"
        (directory / "known_hosts").write_text(f"{at} {key}\n")
        assert name == server.hostname
        yield Client(directory, server)
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def host_line(server: Server) -> tuple[str, str]:
    """Return the host name and the public host key as ``pabal ssh`` prints them."""
    text = server.run("ssh").stdout
    found = re.search(r"^key +(\S+) (ssh-ed25519 \S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1], found[2]


def test_commands_their_output_and_exit_codes(client: Client) -> None:
    done = client.run("account list")
    assert (done.returncode, done.stderr) == (0, "")
    assert ADMIN in done.stdout
    done = client.run("pabal queue list --json", user=ADMIN)
    assert (done.returncode, done.stdout) == (0, '{"items": []}\n')
    done = client.run("queue show nosuch")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nosuch" in done.stderr
    done = client.run("nonsense")
    assert done.returncode == 2
    log = client.server.log()
    assert '"event": "logged in"' in log
    assert '"command": "pabal queue list --json"' in log


def test_commands_read_standard_input(client: Client) -> None:
    key = (client.home / "other.pub").read_text()
    done = client.run(f"account key add {ADMIN} -", stdin=key)
    assert done.returncode == 0, done.stderr
    done = client.run("", key="other", stdin="account key list\nqueue list\n")
    assert done.returncode == 0
    assert "The queue is empty." in done.stdout
    done = client.run(f"account key remove {ADMIN} other", key="other")
    assert done.returncode == 0
    assert client.run("queue list", key="other").returncode == 255
    secret = "a very new secret 42"
    done = client.run("account passwd bob@a.test --password-stdin", stdin=secret)
    assert done.returncode == 0
    assert secret not in client.server.log()


@pytest.mark.parametrize(("user", "key"), [("alice", "other"), ("bob", "other")])
def test_who_does_not_come_in(client: Client, user: str, key: str) -> None:
    done = client.run("queue list", user=user, key=key)
    assert done.returncode == 255
    assert "Permission denied (publickey)." in done.stderr
    assert done.stdout == ""


def test_passwords_are_not_taken_unless_allowed(client: Client) -> None:
    password = ("-o", "PreferredAuthentications=password,keyboard-interactive")
    done = client.run(*password, "queue list", password=PASSWORD)
    assert done.returncode == 255
    assert "Permission denied (publickey)." in done.stderr


def test_rsa_signs_with_sha2_only(client: Client) -> None:
    for algorithm, code in (("rsa-sha2-512", 0), ("ssh-rsa", 255)):
        only = ("-o", f"PubkeyAcceptedAlgorithms={algorithm}")
        done = client.run(*only, "queue list", key="rsa")
        assert done.returncode == code, done.stderr


def offered(kind: str) -> list[str]:
    done = subprocess.run(
        ["ssh", "-Q", kind], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


GOOD = {
    "kex": {
        "mlkem768x25519-sha256",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
    },
    "cipher": {"aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"},
    "mac": {"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"},
}
OPTIONS = {"kex": "KexAlgorithms", "cipher": "Ciphers", "mac": "MACs"}


@pytest.mark.parametrize("kind", GOOD)
def test_nothing_weak_is_spoken(client: Client, kind: str) -> None:
    """Everything OpenSSH knows but ours, at once: there is nothing in common."""
    others = [name for name in offered(kind) if name not in GOOD[kind]]
    assert len(others) > 5
    # A MAC is asked for with a cipher that needs one.
    more = ["-o", "Ciphers=aes256-ctr"] if kind == "mac" else []
    weak = ("-o", f"{OPTIONS[kind]}={','.join(others)}")
    done = client.run(*more, *weak, "queue list")
    assert done.returncode == 255
    assert "no matching" in done.stderr


@pytest.mark.slow
def test_every_good_one_is(client: Client) -> None:
    exchanges = sorted(GOOD["kex"] & set(offered("kex")))
    for kex, mac in zip(exchanges, sorted(GOOD["mac"]), strict=False):
        chosen = (f"KexAlgorithms={kex}", "Ciphers=aes256-ctr", f"MACs={mac}")
        options = [word for option in chosen for word in ("-o", option)]
        done = client.run(*options, "alias list")
        assert done.returncode == 0, done.stderr
    done = client.run("-o", "Ciphers=aes128-gcm@openssh.com", "-vv", "alias list")
    assert done.returncode == 0, done.stderr
    assert "kex-strict" in done.stderr


def test_the_zone_says_what_ssh_keygen_says(client: Client) -> None:
    name, key = host_line(client.server)
    public = client.home / "host.pub"
    public.write_text(key + "\n")
    wanted = {
        tuple(line.split()[3:])
        for line in keygen("-r", f"{name}.", "-f", public).splitlines()
        if line.split()[4] == "2"  # SHA-1 is left out
    }
    shown = client.server.run("zone", "show", "a.test").stdout
    records = [line for line in shown.splitlines() if " SSHFP " in f" {line} "]
    assert len(records) == 1
    assert "derived" in records[0]
    (rdata,) = {tuple(re.findall(r"\b4 2 ([0-9a-f]+)", line)) for line in records}
    assert {("4", "2", *rdata)} == wanted


@pytest.mark.slow
def test_nothing_but_sessions(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        number = sock.getsockname()[1]
    remote = ("-o", "ExitOnForwardFailure=yes", "-R", f"{number}:127.0.0.1:1", "-N")
    done = client.run(*remote, "")
    assert done.returncode == 255
    assert "remote port forwarding failed" in done.stderr
    target = f"{client.server.address}:{client.server.port(25)}"
    done = client.run("-W", target, "")
    assert "open failed" in done.stderr + done.stdout
    assert "220" not in done.stdout
    done = client.run("-s", "sftp")
    assert done.returncode == 255
    assert "subsystem request failed" in done.stderr
    done = client.run("-A", "-X", "queue list")
    assert done.returncode == 0
    sent = ("-o", "SetEnv=PYTHONPATH=/evil LC_ALL=xx")
    assert client.run(*sent, "queue list").returncode == 0


def test_something_that_is_not_ssh(client: Client) -> None:
    where = (client.server.address, client.server.port(22))
    with socket.create_connection(where, timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    assert answer.startswith(b"SSH-2.0-pabal\r\n")
    assert client.run("queue list").returncode == 0


class Terminal:
    """OpenSSH's client at a terminal of ours."""

    def __init__(self, words: Sequence[str], columns: int, rows: int) -> None:
        self.ours, theirs = os.openpty()
        self.size(columns, rows)
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKES_TERMINAL, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def size(self, columns: int, rows: int) -> None:
        packed = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, packed)

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def read(self, until: str, seconds: float = 20.0) -> str:
        end = time.monotonic() + seconds
        while until not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self.ours], [], [], 0.1)[0]:
                octets = os.read(self.ours, 65_536)
                self.shown += octets.decode("utf-8", "replace")
        text, found, self.shown = self.shown.partition(until)
        return text + found

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


TAKES_TERMINAL = (
    "import os, sys; os.open(os.ttyname(0), os.O_RDWR);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


@pytest.fixture
def terminal(client: Client) -> Iterator[Terminal]:
    made = Terminal([w for w in client.words("-tt", "") if w], 100, 30)
    yield made
    made.close()


def children(client: Client) -> list[int]:
    """Return the processes of commands that run now."""
    found = []
    for pid in client.server.worker_pids():
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def widest(text: str) -> int:
    return max(map(len, text.splitlines()[:-1]))


def test_the_prompt(client: Client, terminal: Terminal) -> None:
    assert "Tab completes" in terminal.read("pabal> ")
    terminal.type("acc\tlist\r")
    text = terminal.read(ADMIN)
    assert "\x1b[1mID" in text
    terminal.read("pabal> ")
    terminal.type("help\r")
    terminal.read("Usage:")
    wide = terminal.read("pabal> ")
    terminal.size(50, 30)
    time.sleep(0.3)  # the size has a way to go
    terminal.type("help\r")
    terminal.read("Usage:")
    narrow = terminal.read("pabal> ")
    assert widest(narrow) <= 50 < widest(wide)
    terminal.type("account passwd bob@a.test\r")
    terminal.read("Password for bob@a.test: ")
    time.sleep(0.3)
    terminal.type("\x03")
    assert "Aborted" in terminal.read("pabal> ")
    terminal.type("\x04")
    terminal.read("closed")
    assert terminal.process.wait(20) == 1, "of the last command"


def test_a_client_that_is_killed_takes_its_command_along(
    client: Client, terminal: Terminal
) -> None:
    terminal.read("pabal> ")
    (child,) = children(client)
    terminal.process.send_signal(signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{child}").exists())
    assert children(client) == []


def test_a_command_without_a_terminal_goes_too(client: Client) -> None:
    process = subprocess.Popen(
        client.words(f"account key add {ADMIN} -"), stdin=subprocess.PIPE
    )
    try:
        eventually(lambda: children(client))
        (child,) = children(client)
        process.kill()
        eventually(lambda: not Path(f"/proc/{child}").exists())
    finally:
        process.kill()
        process.communicate()


PASSWORDS = ("-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts")


@pytest.mark.slow
def test_guesses_are_throttled(tmp_path: Path) -> None:
    """In a server of several processes, whose console is the one of the web."""
    with Server(tmp_path / "s").init(workers="2") as server:
        server.configure(
            f'administrators = ["{ADMIN}"]', "passwords = true", table="ssh"
        )
        server.start()
        key = host_line(server)[1]
        at = f"[{server.address}]:{server.port(22)}"
        (tmp_path / "known_hosts").write_text(f"{at} {key}\n")
        client = Client(tmp_path, server)
        keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "good")
        one = (*PASSWORDS[:-1], f"{PASSWORDS[-1]}=1")
        done = client.run(*one, "queue list", password=PASSWORD)
        assert done.returncode == 0, done.stderr
        began = time.monotonic()
        for _ in range(5):  # each is a connection and a password
            done = client.run(*one, "queue list", password="wrong")
            assert "Permission denied" in done.stderr
        assert time.monotonic() - began > 5, "each is answered late"
        done = client.run(*one, "queue list", password=PASSWORD)
        assert done.returncode == 255
        assert "too many failures" in done.stderr
        assert server.stop() == 0
        log = server.log()
        assert "Traceback" not in log
        assert PASSWORD not in log
        assert '"event": "password refused"' in log
