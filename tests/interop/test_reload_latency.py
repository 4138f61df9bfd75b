"""Clients of a server that exchanges a million records: as soon answered as before.

Measured beside BIND, which loads the same file, in the same run. Everybody is asked
200 questions a second for names at random, so nothing lies ready.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rdatatype
import pytest

from pabal.admin.layout import Layout
from pabal.dns.dnssec.keystate import Policy, Ring
from pabal.dns.zone.keystore import KeyStore
from tests.interop.peer import path_of
from tests.support.asker import Asker
from tests.support.large_zone import write
from tests.support.server import PORT_OFFSET, Server, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not path_of("named"), reason="BIND is not installed"),
]

RECORDS = int(os.environ.get("RELOAD_RECORDS", "1000000"))

SIGNED_NAMES = RECORDS // 10
"""Each has four records, two of them signatures."""

LATER_MAX_S = 0.005
"""Of a thousand answers 999 come as soon as before, and this."""

SHARE = 0.999

MEMORY_MAX_MB = 1024
"""Of the server and the process that reads for it, together."""

LOAD_MAX_S = 10.0
"""By the clock, where others have nothing to do; else twice of a processor's time is
what one of two that others want has."""

IDLE_S = 8.0

LOOPBACK = "127.0.0.1"
SECRET = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="
BIND_PORT, PRIMARY_PORT, PORT = 21053, 22053, 53 + PORT_OFFSET


def serial(address: str, port: int) -> int:
    """Return the zone's serial number there; -1: none is served."""
    query = dns.message.make_query("large.test.", "SOA")
    with contextlib.suppress(dns.exception.DNSException, OSError, IndexError):
        return int(dns.query.udp(query, address, 5, port).answer[0][0].serial)
    return -1


def memory_mb(pid: int) -> int:
    """Return what a process and those it started have at this moment, MB."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    pids = [pid, *(int(n) for each in children for n in each.read_text().split())]
    found = 0
    for each in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
            found += sum(int(ln.split()[1]) for ln in lines if ln.startswith("VmRSS"))
    return found // 1024


class Measured:
    """How late a server's answers are, before and while it is busy."""

    def __init__(self, what: str, address: str, port: int, names: int) -> None:
        self.what = what
        self.peak_mb = 0
        self.took_s = 0.0
        self._server = address, port
        self.idle = Asker(address, port, "large.test", names)
        self.busy = Asker(address, port, "large.test", names)

    def run(self, begin: Callable[[], object], pid: int) -> None:
        """Measure, ``begin``, and measure until the next serial number is served."""
        was = serial(*self._server)
        with self.idle:
            time.sleep(IDLE_S)
        with self.busy:
            time.sleep(0.5)
            began = time.monotonic()
            begin()
            while serial(*self._server) == was:
                self.peak_mb = max(self.peak_mb, memory_mb(pid))
                assert time.monotonic() < began + 300
                time.sleep(0.2)
            self.took_s = time.monotonic() - began
            time.sleep(3)  # the version before is freed
        for name, asker in (("idle", self.idle), ("busy", self.busy)):
            print(f"\n{self.what}, {name}: {asker}", end="")  # noqa: T201
        print(f"; {self.took_s:.1f} s, {self.peak_mb} MB")  # noqa: T201

    @property
    def later_s(self) -> float:
        """How much later than before the answers came."""
        return self.busy.within_s(SHARE) - self.idle.within_s(SHARE)


class Bind:
    """A BIND with a zone, told what to do by rndc."""

    def __init__(self, directory: Path, port: int, zone: str) -> None:
        directory.mkdir()
        self.directory, self._port = directory, port
        key = f'key k {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
        (directory / "named.conf").write_text(
            f'{key}options {{ directory "{directory}"; pid-file none;'
            f" session-keyfile none; listen-on port {port} {{ {LOOPBACK}; }};"
            " listen-on-v6 { none; }; recursion no; dnssec-validation no; notify no;"
            " allow-transfer { any; }; };\n"
            f"controls {{ inet {LOOPBACK} port {port + 500} allow {{ any; }}"
            f' keys {{ k; }}; }};\nzone "large.test" {{ {zone} }};\n'
        )
        (directory / "rndc.conf").write_text(
            f"{key}options {{ default-key k; default-server {LOOPBACK};"
            f" default-port {port + 500}; }};\n"
        )

    def __enter__(self) -> Self:
        with (self.directory / "log").open("wb") as log:
            conf = str(self.directory / "named.conf")
            self._process = subprocess.Popen(
                [path_of("named"), "-g", "-c", conf], stdout=log, stderr=log
            )
        self.pid = self._process.pid
        eventually(lambda: serial(LOOPBACK, self._port) > 0, 300)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def rndc(self, word: str) -> None:
        conf = str(self.directory / "rndc.conf")
        words = [path_of("rndc"), "-c", conf, word, "large.test"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def primary(directory: Path) -> Iterator[Bind]:
    made = Bind(directory, PRIMARY_PORT, 'type primary; file "large.zone";')
    write(directory / "large.zone", 1, RECORDS)
    with made:
        yield made


def check(ours: Measured, theirs: Measured) -> None:
    assert ours.busy.lost == 0
    assert ours.peak_mb < MEMORY_MAX_MB
    as_before = ours.later_s < LATER_MAX_S
    assert as_before or ours.busy.within_s(SHARE) < theirs.busy.within_s(SHARE)


def test_a_changed_file(tmp_path: Path) -> None:
    server = Server(tmp_path / "pabal").init(accounts=())
    zone = server.directory / "zones" / "large.test.zone"
    write(zone, 1, RECORDS)
    ours = Measured("pabal reloads", server.address, PORT, RECORDS - 3)
    with server.start():
        (pid,) = server.worker_pids()
        write(tmp_path / "next", 2, RECORDS)
        ours.run(lambda: (tmp_path / "next").replace(zone), pid)
    theirs = Measured("BIND reloads", LOOPBACK, BIND_PORT, RECORDS - 3)
    bind = Bind(tmp_path / "bind", BIND_PORT, 'type primary; file "large.zone";')
    write(bind.directory / "large.zone", 1, RECORDS)
    with bind:
        write(bind.directory / "large.zone", 2, RECORDS)
        theirs.run(lambda: bind.rndc("reload"), bind.pid)
    check(ours, theirs)
    assert ours.took_s < max(LOAD_MAX_S, theirs.took_s)


def test_a_transfer(tmp_path: Path) -> None:
    server = Server(tmp_path / "pabal").init(accounts=())
    server.configure(
        f'secondary = ["large.test {LOOPBACK}:{PRIMARY_PORT}"]', table="dns"
    )
    ours = Measured("pabal copies", server.address, PORT, RECORDS - 3)
    theirs = Measured("BIND copies", LOOPBACK, BIND_PORT, RECORDS - 3)
    bind = Bind(
        tmp_path / "bind",
        BIND_PORT,
        f"type secondary; primaries port {PRIMARY_PORT} {{ {LOOPBACK}; }};"
        ' file "copy"; request-ixfr no;',
    )

    def notify() -> None:
        query = dns.message.make_query("large.test.", "SOA")
        query.set_opcode(dns.opcode.NOTIFY)
        query.flags |= dns.flags.AA
        dns.query.udp(query, server.address, 5, PORT, source=LOOPBACK)

    with primary(tmp_path / "primary") as source:
        with server.start():
            (pid,) = server.worker_pids()
            eventually(lambda: serial(server.address, PORT) == 1, 120)
            write(source.directory / "large.zone", 2, RECORDS)
            source.rndc("reload")
            eventually(lambda: serial(LOOPBACK, PRIMARY_PORT) == 2, 120)
            ours.run(notify, pid)
        with bind:
            write(source.directory / "large.zone", 3, RECORDS)
            source.rndc("reload")
            eventually(lambda: serial(LOOPBACK, PRIMARY_PORT) == 3, 120)
            theirs.run(lambda: bind.rndc("refresh"), bind.pid)
    check(ours, theirs)


def test_a_signed_zone(tmp_path: Path) -> None:
    """All records change, so all is signed anew, and read by who answers."""
    server = Server(tmp_path / "pabal").init(workers="2", accounts=())
    zone = server.directory / "zones" / "large.test.zone"
    write(zone, 1, SIGNED_NAMES + 3)
    keys = KeyStore(Layout(server.directory / "data").dnssec).of(
        dns.name.from_text("large.test.")
    )
    with keys.locked():
        keys.write(Ring(Policy()))
    ours = Measured("pabal signs", server.address, PORT, SIGNED_NAMES)

    def is_signed() -> bool:
        query = dns.message.make_query("large.test.", "SOA", want_dnssec=True)
        answer = dns.query.udp(query, server.address, 5, PORT).answer
        return any(each.rdtype == dns.rdatatype.RRSIG for each in answer)

    with server.start():
        eventually(is_signed, 300)
        time.sleep(5)  # the others have it, too
        write(tmp_path / "next", 1000, SIGNED_NAMES + 3)
        pid = server.worker_pids()[0]
        ours.run(lambda: (tmp_path / "next").replace(zone), pid)
    assert ours.busy.lost == 0
    assert ours.later_s < LATER_MAX_S
