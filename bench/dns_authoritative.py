"""Answers a second out of a zone, pabal beside BIND, one process each.

    python bench/dns_authoritative.py [--rounds 3] [--seconds 3] [--json]

Both serve the same zone on loopback and are asked in turns by the same generator
(dnsperf where it is installed, else the one below). Two numbers a server: answers a
second as the client counts them, and answers a second of CPU the server burnt. The
latter does not suffer from a generator on the same cores, and scales with processes.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import dns.message
import uvloop

from pabal.base.clock import SystemClock
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind

HOSTS: Final = 2000
CLIENTS: Final = 4
IN_FLIGHT: Final = 200
START_SECONDS: Final = 10.0

KINDS: Final = ("positive", "nxdomain", "random", "referral")
"""``nxdomain`` asks the same missing names again, ``random`` ever new ones."""


@dataclass
class Server:
    """A running server and what was measured."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu_rates: dict[str, list[float]] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        text = Path(f"/proc/{self.process.pid}/stat").read_text("ascii")
        ticks = text.rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def write_zone(directory: Path) -> None:
    lines = ["$TTL 3600", "@ SOA ns1 hostmaster 1 7200 3600 1209600 300", "@ NS ns1"]
    lines += ["ns1 A 192.0.2.1", "child NS ns.child", "ns.child A 192.0.2.2"]
    lines += [f"h{i} A 198.51.{i // 250}.{i % 250 + 1}" for i in range(HOSTS)]
    directory.mkdir()
    (directory / "example.com.zone").write_text("\n".join(lines) + "\n")


def names_of(kind: str) -> list[str]:
    if kind == "positive":
        return [f"h{i}.example.com" for i in range(HOSTS)]
    if kind == "nxdomain":
        return [f"no{i}.example.com" for i in range(HOSTS)]
    if kind == "referral":
        return [f"x{i}.child.example.com" for i in range(HOSTS)]
    return [f"r{i}x{time.time_ns()}.example.com" for i in range(400_000)]


async def serve(port: int, directory: Path) -> None:
    """Be the pabal under test: what a ``dns`` process of ``pabal serve`` is."""
    clock = SystemClock()
    zones = Zones(DirectorySource(directory), None, "ns1.example.com", clock)
    server = NameServer(DnsSettings("ns1.example.com"), zones, None, clock)
    await server.reload()
    endpoint = Endpoint("127.0.0.1", port)
    await server.start([bind(endpoint, "dns", udp=True)], [])
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await server.stop()


def start_pabal(directory: Path, port: int) -> Server:
    command = [sys.executable, __file__, "--serve", str(port), str(directory)]
    return Server("pabal", port, subprocess.Popen(command))


def start_bind(named: str, directory: Path, port: int) -> Server:
    # Minimal responses, as pabal gives them: without it BIND has more to do.
    configuration = directory.parent / "named.conf"
    configuration.write_text(
        f"""options {{ directory "{directory}"; recursion no; minimal-responses yes;
        listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
        pid-file none; session-keyfile none; dnssec-validation no; }};
        controls {{ }};
        zone "example.com" {{ type primary; file "example.com.zone"; }};
        """
    )
    command = [named, "-f", "-n", "1", "-c", str(configuration)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return Server("BIND", port, process)


def wait_until_up(server: Server) -> None:
    query = dns.message.make_query("h1.example.com", "A").to_wire()
    deadline = time.monotonic() + START_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", server.port))
        client.settimeout(0.2)
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                client.send(query)
                if dns.message.from_wire(client.recv(4096)).answer:
                    return
            time.sleep(0.1)
    sys.exit(f"{server.name} does not answer on port {server.port}")


def generate_dnsperf(port: int, file: Path, seconds: float) -> float:
    command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(file)]
    command += ["-l", str(int(seconds)), "-c", str(CLIENTS), "-q", str(IN_FLIGHT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    match = re.search(r"Queries completed:\s+(\d+)", done.stdout)
    return float(match[1]) if match else 0.0


def generate_python(port: int, file: Path, seconds: float) -> float:
    """Return how many answers came; for machines without dnsperf."""
    names = [line.split()[0] for line in file.read_text().splitlines()]
    wires = [dns.message.make_query(name, "A", id=7).to_wire() for name in names]
    share = max(1, len(wires) // 2)
    jobs = [(port, wires[:share], seconds), (port, wires[share:], seconds)]
    with multiprocessing.Pool(2) as pool:
        return float(sum(pool.starmap(_client, jobs)))


def _client(port: int, wires: list[bytes], seconds: float) -> int:
    """Keep ``IN_FLIGHT`` questions under way; return how many answers came."""
    count, position, free = 0, 0, IN_FLIGHT // 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.setblocking(False)  # noqa: FBT003  the method knows no keyword
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for _ in range(free):
                client.send(wires[position % len(wires)])
                position += 1
            free = 0
            if not select.select([client], [], [], 0.2)[0]:
                free = IN_FLIGHT // 2  # all were lost: start again
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.recv(4096)
                    free += 1
                    count += 1
    return count


def measure(server: Server, kind: str, file: Path, seconds: float) -> None:
    generate = generate_dnsperf if shutil.which("dnsperf") else generate_python
    cpu, begun = server.cpu_seconds(), time.monotonic()
    answers = generate(server.port, file, seconds)
    elapsed = time.monotonic() - begun
    burnt = max(server.cpu_seconds() - cpu, 0.01)
    server.rates.setdefault(kind, []).append(answers / elapsed)
    server.cpu_rates.setdefault(kind, []).append(answers / burnt)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(directory: Path) -> Iterator[list[Server]]:
    zones = directory / "zones"
    write_zone(zones)
    servers = [start_pabal(zones, free_port())]
    named = shutil.which("named") or shutil.which("named", path="/usr/sbin")
    if named:
        servers.append(start_bind(named, zones, free_port()))
    try:
        for server in servers:
            wait_until_up(server)
        yield servers
    finally:
        for server in servers:
            server.process.terminate()
            server.process.wait()


def rows(servers: list[Server], kinds: list[str]) -> list[dict[str, float | str]]:
    found: list[dict[str, float | str]] = []
    for kind in kinds:
        row: dict[str, float | str] = {"row": f"dns authoritative, {kind}"}
        for server in servers:
            row[f"{server.name} answers/s"] = round(median(server.rates[kind]))
            row[f"{server.name} answers/CPU s"] = round(median(server.cpu_rates[kind]))
        if len(servers) == 2:
            ours, theirs = servers
            for unit, rates in (("s", "rates"), ("CPU s", "cpu_rates")):
                ratio = median(getattr(ours, rates)[kind]) / median(
                    getattr(theirs, rates)[kind]
                )
                row[f"ratio by {unit}"] = round(ratio, 2)
        found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "DIR"))
    arguments = parser.parse_args()
    if arguments.serve:
        port, zones = arguments.serve
        uvloop.run(serve(int(port), Path(zones)))
        return
    with tempfile.TemporaryDirectory() as place, running(Path(place)) as servers:
        for _ in range(arguments.rounds):
            for kind in arguments.kinds:
                for server in servers:
                    file = Path(place) / f"{kind}.txt"
                    file.write_text("".join(f"{n} A\n" for n in names_of(kind)))
                    measure(server, kind, file, arguments.seconds)
    if arguments.json:
        print(json.dumps(rows(servers, arguments.kinds)))
        return
    for row in rows(servers, arguments.kinds):
        print(row.pop("row"))
        for key, value in row.items():
            print(f"    {key:<24} {value:>12,}")


if __name__ == "__main__":
    main()
