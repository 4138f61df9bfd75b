"""Private instances on loopback: pabal, Postfix, Dovecot, BIND, Unbound, Knot."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.measure import cpu_seconds, memory_octets
from tests.interop.peer import path_of
from tests.interop.postfix import Postfix, can_run
from tests.support.ports import free_port
from tests.support.server import PASSWORD, Server, own_address

USERS: Final = tuple(f"user{number}" for number in range(8))
START_SECONDS: Final = 15.0
MAIL_UID: Final = 8
"""``mail``, on every Debian."""


@dataclass(frozen=True)
class Side:
    """A server, or servers that do one work, under measurement.

    Attributes:
        name: In the table.
        address: Where it listens.
        ports: By protocol.
        roots: First processes of its trees.
    """

    name: str
    address: str
    ports: dict[str, int]
    roots: Sequence[int]

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.roots)

    def memory_octets(self) -> int:
        return memory_octets(self.roots)


def cores() -> int:
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def pabal(
    directory: Path,
    *,
    mta: Sequence[str] = (),
    dns: Sequence[str] = (),
    prepare: Callable[[Server], None] | None = None,
) -> Iterator[Side]:
    """Run pabal with a process a role and core; ``prepare`` is called before."""
    with Server(directory).init(workers=str(cores()), accounts=USERS) as server:
        server.configure(*mta, table="mta")
        server.configure(*dns, table="dns")
        if prepare is not None:
            prepare(server)
        server.start()
        assert server.process is not None
        ports = {
            name: server.port(number)
            for name, number in (("smtp", 25), ("submission", 587), ("imap", 143),
                                 ("pop3", 110), ("dns", 53))
        }  # fmt: skip
        yield Side("pabal", server.address, ports, [server.process.pid])


class Dovecot:
    """IMAP, POP3 and LMTP over Maildir; defaults but for what a bench has to say."""

    def __init__(self, directory: Path, address: str) -> None:
        self.directory = directory
        self.address = address
        self.lmtp = directory / "run" / "lmtp"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        directory = self.directory
        directory.mkdir()
        (directory / "home").mkdir()
        shutil.chown(directory / "home", MAIL_UID, MAIL_UID)
        (directory / "users").write_text(
            "".join(f"{user}@a.test:{{PLAIN}}{PASSWORD}\n" for user in USERS)
        )
        (directory / "dovecot.conf").write_text(f"""
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/log
protocols = imap pop3 lmtp
listen = {self.address}
ssl = no
disable_plaintext_auth = no
postmaster_address = postmaster@a.test
first_valid_uid = 1
mail_max_userip_connections = 0
default_process_limit = 1000
default_client_limit = 4000
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = uid={MAIL_UID} gid={MAIL_UID} home={directory}/home/%n
}}
mail_location = maildir:~/Maildir
namespace inbox {{
  inbox = yes
  separator = /
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = 20143
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = 20110
  }}
}}
""")
        for path in (directory, *directory.parents):
            if path in {Path("/tmp"), Path("/")}:
                break
            path.chmod(path.stat().st_mode | 0o011)
        self.process = subprocess.Popen(
            [path_of("dovecot"), "-F", "-c", str(directory / "dovecot.conf")]
        )
        wait_for_port(self.address, 20143)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()

    def delivered(self) -> int:
        """Return how many messages are in Maildirs."""
        places = self.directory.glob("home/*/Maildir/new")
        return sum(1 for place in places for _ in place.iterdir())


@contextlib.contextmanager
def dovecot(directory: Path) -> Iterator[Side]:
    server = Dovecot(directory, own_address())
    try:
        server.start()
        assert server.process is not None
        yield Side(
            "Dovecot",
            server.address,
            {"imap": 20143, "pop3": 20110},
            [server.process.pid],
        )
    finally:
        server.stop()


@contextlib.contextmanager
def postfix_to(address: str, **settings: str) -> Iterator[tuple[Side, Postfix]]:
    with Postfix(address, 20025) as server:
        server.configure(**settings)
        server.start()
        wait_for_port(address, 20025)
        yield Side("Postfix", address, {"smtp": 20025}, [server.pid()]), server


@contextlib.contextmanager
def bind(directory: Path, configuration: str, threads: int) -> Iterator[Side]:
    """Run BIND; ``configuration`` goes behind its options."""
    directory.mkdir(exist_ok=True)
    # BIND listens on addresses that interfaces have; 127.0.0.1 is the only one.
    address, port, file = "127.0.0.1", free_port(), directory / "named.conf"
    file.write_text(
        configuration.replace(
            "options {",
            f'options {{ directory "{directory}";'
            f" listen-on port {port} {{ {address}; }};"
            " listen-on-v6 { none; }; pid-file none; session-keyfile none;"
            " dnssec-validation no; minimal-responses yes; ",
        )
        + "\ncontrols { };\n"
    )
    command = [path_of("named"), "-f", "-n", str(threads), "-c", str(file)]
    with name_server("BIND", command, address, port) as side:
        yield side


@contextlib.contextmanager
def unbound(
    directory: Path, forwarder: tuple[str, int], threads: int
) -> Iterator[Side]:
    """Run Unbound; it asks ``forwarder`` and checks nothing, as the others here."""
    directory.mkdir(exist_ok=True)
    address, port, file = "127.0.0.1", free_port(), directory / "unbound.conf"
    file.write_text(f"""server:
  interface: {address}@{port}
  num-threads: {threads}
  so-reuseport: yes
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "test." transparent
  minimal-responses: yes
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {forwarder[0]}@{forwarder[1]}
""")
    command = [path_of("unbound"), "-d", "-c", str(file)]
    with name_server("Unbound", command, address, port) as side:
        yield side


@contextlib.contextmanager
def knot(directory: Path, files: Mapping[str, Path], threads: int) -> Iterator[Side]:
    """Run Knot DNS; it serves ``files``, by origin, as they are."""
    directory.mkdir(exist_ok=True)
    address, port, file = "127.0.0.1", free_port(), directory / "knot.conf"
    zones = "".join(
        f"  - domain: {origin}\n    file: {path}\n"
        "    zonefile-sync: -1\n    journal-content: none\n"
        for origin, path in files.items()
    )
    file.write_text(f"""server:
    rundir: {directory}
    listen: {address}@{port}
    udp-workers: {threads}
    tcp-workers: 1
database:
    storage: {directory}
zone:
{zones}""")
    command = [path_of("knotd"), "-c", str(file)]
    with name_server("Knot", command, address, port) as side:
        yield side


@contextlib.contextmanager
def name_server(
    name: str, command: Sequence[str], address: str, port: int
) -> Iterator[Side]:
    """Run a peer's name server, once it listens, until the end of the block."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_port(address, port)
        yield Side(name, address, {"dns": port}, [process.pid])
    finally:
        process.terminate()
        process.wait()


def wait_for_port(address: str, port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as sock:
            if sock.connect_ex((address, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens at {address}:{port}")


def has_postfix() -> bool:
    return can_run()


def has_dovecot() -> bool:
    return bool(path_of("dovecot")) and os.geteuid() == 0


def has_bind() -> bool:
    return bool(path_of("named"))


def versions() -> dict[str, str]:
    """Return the peers' own words about themselves."""
    found = {}
    for name, command in (
        ("Postfix", ("postconf", "-h", "mail_version")),
        ("Dovecot", ("dovecot", "--version")),
        ("BIND", ("named", "-v")),
        ("Unbound", ("unbound", "-V")),
        ("Knot", ("knotd", "--version")),
        ("dnsperf", ("dnsperf", "-h")),
    ):
        if path_of(command[0]):
            done = subprocess.run(
                [path_of(command[0]), *command[1:]],
                capture_output=True,
                text=True,
                check=False,
            )
            number = re.search(r"\d+\.\d+[.\d]*", done.stdout + done.stderr)
            found[name] = number[0] if number else "?"
    return found
