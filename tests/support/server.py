"""A real pabal in a temporary directory, on a loopback address of its own."""

import base64
import contextlib
import imaplib
import os
import poplib
import random
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from pabal.app.office import administration
from pabal.config.load import load_or_raise
from pabal.message.address import Mailbox

PORT_OFFSET = 20_000
READY_SECONDS = 20.0
DOMAIN = "a.test"
HOSTNAME = "mail.a.test"
PASSWORD = "corréct hörse 비밀"
ROOT = Path(__file__).parents[2]


def own_address() -> str:
    """Return a loopback address nobody else uses: 16 million to choose from."""
    octets = random.randint(1, 250), random.randint(0, 255), random.randint(2, 254)
    return "127." + ".".join(map(str, octets))


def pabal(
    *arguments: str | Path, stdin: str = "", check: bool = True, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pabal", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=check,
        timeout=seconds,
        env=environment(),
        cwd=ROOT,
    )


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


class Server:
    """One server; a context manager that leaves nothing behind.

    Attributes:
        directory: Its pabal directory.
        address: Where it listens.
    """

    def __init__(
        self, directory: Path, hostname: str = HOSTNAME, domain: str = DOMAIN
    ) -> None:
        self.directory = directory
        self.hostname = hostname
        self.domain = domain
        self.address = own_address()
        self.process: subprocess.Popen[str] | None = None

    def init(
        self, *, workers: str = "1", accounts: tuple[str, ...] = ("alice", "bob")
    ) -> Self:
        pabal(
            "init",
            self.directory,
            "--hostname",
            self.hostname,
            "--domain",
            self.domain,
            "--address",
            self.address,
            "--port-offset",
            str(PORT_OFFSET),
        )
        self.configure(f"workers = {workers}", 'user = ""', 'log_level = "info"')
        # Not by commands: each costs the start of a program (their tests do that).
        with administration(load_or_raise(self.directory)) as office:
            for account in accounts:
                mailbox = Mailbox.parse(f"{account}@{self.domain}")
                office.directory.add_account(mailbox, PASSWORD)
        return self

    def configure(self, *lines: str, table: str = "") -> None:
        """Put lines into a table of the configuration."""
        path = self.directory / "pabal.toml"
        text = path.read_text()
        added = "\n".join(lines) + "\n"
        if not table:
            text = added + text
        elif f"[{table}]\n" in text:
            text = text.replace(f"[{table}]\n", f"[{table}]\n{added}")
        else:
            text += f"\n[{table}]\n{added}"
        path.write_text(text)

    def add_hosts(self, hosts: dict[str, str], port: int, domain: str) -> None:
        """Let ``name.domain`` be a mail host at an address, in a zone of our own."""
        lines = [
            "$TTL 60",
            f"@ IN SOA ns.{domain}. hostmaster.{domain}. 1 7200 900 604800 60",
            f"@ IN NS ns.{domain}.",
            f"ns IN A {self.address}",
            *(f"{name} IN A {address}" for name, address in hosts.items()),
        ]
        zone = self.directory / "zones" / f"{domain}.zone"
        zone.write_text("\n".join(lines) + "\n")
        self.configure(f"port = {port}", table="mta")

    def run(
        self,
        *arguments: str | Path,
        stdin: str = "",
        check: bool = True,
        seconds: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on this server's directory."""
        words = (*arguments, "-c", self.directory)
        return pabal(*words, stdin=stdin, check=check, seconds=seconds)

    def start(self) -> Self:
        log = (self.directory / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pabal", "serve", "-c", str(self.directory)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(),
            cwd=ROOT,
        )
        log.close()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "ready\n":
            self.kill()
            raise AssertionError(f"not ready: {self.log()}")
        return self

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        process = self.process
        assert process is not None
        self.process = None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(30)
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def kill(self) -> None:
        """SIGKILL the supervisor and everything it started, at once."""
        process = self.process
        assert process is not None
        self.process = None
        process.send_signal(signal.SIGSTOP)  # so that it starts nothing meanwhile
        for pid in [*worker_pids(process.pid), process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()

    def kill_supervisor(self) -> list[int]:
        """SIGKILL the supervisor alone; return the processes it leaves."""
        process = self.process
        assert process is not None
        self.process = None
        left = worker_pids(process.pid)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
        return left

    def worker_pids(self) -> list[int]:
        """Return the processes the supervisor started."""
        assert self.process is not None
        return worker_pids(self.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process:
            self.stop()

    def port(self, standard: int) -> int:
        return standard + PORT_OFFSET

    def smtp(self, standard: int = 25) -> smtplib.SMTP:
        return smtplib.SMTP(
            self.address, self.port(standard), "client.test", timeout=15
        )

    def submission(self, user: str) -> smtplib.SMTP:
        client = self.smtp(587)
        client.starttls(context=unverified())
        client.ehlo()
        # smtplib encodes passwords as ASCII in AUTH; RFC 4616 says UTF-8.
        secret = base64.b64encode(self.plain(user)).decode()
        code, text = client.docmd("AUTH", f"PLAIN {secret}")
        assert code == 235, text
        return client

    def plain(self, user: str) -> bytes:
        """Return SASL PLAIN; the library's ``login`` knows ASCII only."""
        return f"\0{user}@{self.domain}\0{PASSWORD}".encode()

    def imap(self, user: str, mailbox: str = "INBOX") -> imaplib.IMAP4_SSL:
        client = imaplib.IMAP4_SSL(
            self.address, self.port(993), ssl_context=unverified(), timeout=15
        )
        # imaplib's login is ASCII only.
        client.authenticate("PLAIN", lambda _: self.plain(user))
        client.select(mailbox)
        return client

    def pop3_refusal(self, user: str) -> bytes:
        """Return why ``user`` cannot log in by POP3."""
        client = poplib.POP3_SSL(
            self.address, self.port(995), context=unverified(), timeout=15
        )
        client.encoding = "UTF-8"
        try:
            client.user(f"{user}@{self.domain}")
            client.pass_(PASSWORD)
        except poplib.error_proto as refused:
            return bytes(refused.args[0])
        finally:
            client.close()
        return b""

    def pop3(self, user: str) -> poplib.POP3_SSL:
        client = poplib.POP3_SSL(
            self.address, self.port(995), context=unverified(), timeout=15
        )
        client.encoding = "UTF-8"
        client.user(f"{user}@{self.domain}")
        client.pass_(PASSWORD)
        return client


def worker_pids(pid: int) -> list[int]:
    """Return the children of a process."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def resident_octets(pid: int) -> int:
    """Return the memory a process has (VmRSS)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def letter(sender: str, to: str, subject: str, text: str = "text\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    return message


def subjects(client: imaplib.IMAP4) -> list[str]:
    """Return the subjects in the open mailbox."""
    client.noop()
    _, data = client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    return [
        part[1].decode().removeprefix("Subject: ").strip()
        for part in data
        if isinstance(part, tuple)
    ]


def eventually(holds: object, seconds: float = 10.0) -> None:
    """Wait until the callable ``holds`` is true."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def is_open(address: str, port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex((address, port)) == 0
