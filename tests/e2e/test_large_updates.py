"""A signed zone of 100,000 names is updated: soon everywhere, in little memory."""

import socket
import statistics
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from pabal.admin.layout import Layout
from pabal.dns.dnssec.keystate import Policy, Ring
from pabal.dns.zone.keystore import KeyStore
from tests.support.server import Server, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = 100_000

SECRET = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="

ROUNDS = 8

TOOK_MAX_S = 1.0
"""From an update's answer until every process answers with it, signed: 0.08 s on two
processors that others use as well; with the whole file read again it was 8 s."""

GROWTH_MAX_MB = 40
"""What a process may take more at its height, the journal that it then reads included;
with the whole file read again it was 180."""

ASKERS = 24
"""Sockets: the kernel spreads them over the processes."""


def peak_mb(pid: int) -> int:
    """Return the most memory a process ever had, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(
        int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")
    )


@pytest.mark.parametrize("nsec3", [False, True])
def test_an_update_is_soon_everywhere(tmp_path: Path, *, nsec3: bool) -> None:
    server = Server(tmp_path / "s").init(workers="2", accounts=())
    with (server.directory / "zones" / "big.test.zone").open("w") as stream:
        stream.write("$TTL 3600\n@ SOA ns h 1 7200 3600 1209600 300\n@ NS ns\n")
        stream.write("ns A 192.0.2.1\n")
        for number in range(NAMES):
            stream.write(f"h{number} A 10.0.{number >> 8 & 255}.{number & 255}\n")
    server.configure(
        f'keys = ["hmac-sha256:k:{SECRET}"]',
        'allow_update = ["big.test key k zonesub"]',
        table="dns",
    )
    keys = KeyStore(Layout(server.directory / "data").dnssec).of(
        dns.name.from_text("big.test.")
    )
    with keys.locked():
        keys.write(Ring(Policy(nsec3=nsec3)))
    askers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(ASKERS)]
    for asker in askers:
        asker.bind(("127.0.0.1", 0))
        asker.setblocking(False)

    def ask(name: str, rdtype: str, asker: socket.socket) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, want_dnssec=True)
        query.flags &= ~dns.flags.RD
        return dns.query.udp(query, server.address, 10, server.port(53), sock=asker)

    def is_signed(name: str, rdtype: str) -> bool:
        return all(
            any(s.rdtype == dns.rdatatype.RRSIG for s in ask(name, rdtype, a).answer)
            for a in askers
        )

    def update(message: dns.update.UpdateMessage) -> float:
        answer = dns.query.tcp(message, server.address, 30, server.port(53))
        assert answer.rcode() == dns.rcode.NOERROR
        return time.monotonic()

    def message() -> dns.update.UpdateMessage:
        ring = dns.tsigkeyring.from_text({"k.": SECRET})
        return dns.update.UpdateMessage(
            "big.test.", keyring=ring, keyalgorithm=dns.tsig.HMAC_SHA256
        )

    with server.start():
        eventually(lambda: is_signed("big.test", "DNSKEY"), 400)
        time.sleep(3)
        before = {pid: peak_mb(pid) for pid in server.worker_pids()}
        took_s: list[float] = []
        for number in range(ROUNDS):
            change = message()
            change.add(f"new{number}", 300, "A", "192.0.2.9")
            answered = update(change)
            eventually(lambda n=number: is_signed(f"new{n}.big.test", "A"), 60)
            took_s.append(time.monotonic() - answered)
        growth = {pid: peak_mb(pid) - was for pid, was in before.items()}
        print(f"\nms: {[round(1000 * s) for s in took_s]}; MB more: {growth}")  # noqa: T201
        assert statistics.median(took_s[1:]) < TOOK_MAX_S
        assert max(growth.values()) < GROWTH_MAX_MB
        change = message()
        change.delete("new0")
        update(change)
        eventually(
            lambda: all(
                ask("new0.big.test", "A", a).rcode() == dns.rcode.NXDOMAIN
                for a in askers
            )
        )
    for asker in askers:
        asker.close()
