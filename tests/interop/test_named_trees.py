"""Five trees of named.conf as people have them: BIND and pabal answer alike.

Each is taken over by ``pabal zone import`` as it stands; then both are asked the same
questions from the same addresses, signed or not, and for whole zones.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.xfr
import pytest
from typing_extensions import override

import dns.zone
from tests.interop.peer import needs, path_of
from tests.interop.test_transfer_bind import LOOPBACK
from tests.interop.test_views_bind import taken_over
from tests.support.ports import free_port
from tests.support.server import PORT_OFFSET, Server

pytestmark = [needs("named"), pytest.mark.slow]

TREES = Path(__file__).parent / "named"

Question = tuple[str, str]

PORTS = ("5300", "5301", "5302", "5303", "5304")
"""In the files; each becomes a free one."""


@dataclass(frozen=True)
class Asker:
    """Who asks: an address, perhaps with a key."""

    host: str
    key: dns.tsig.Key | None = None

    @override
    def __str__(self) -> str:
        return self.host + (f" signed by {self.key.name}" if self.key else "")


def key(name: str, secret: str) -> dns.tsig.Key:
    return dns.tsig.Key(name, secret, "hmac-sha256")


@dataclass(frozen=True)
class Tree:
    """A named.conf with its files, at a place of its own."""

    directory: Path
    ports: Mapping[str, int] = field(
        default_factory=lambda: {port: free_port() for port in PORTS}
    )

    def copy(self, name: str) -> "Tree":
        cache = self.directory / "cache"
        cache.mkdir(parents=True)
        for file in (TREES / name).iterdir():
            self.write(file.name, file.read_text())
        return self

    def write(self, name: str, text: str) -> None:
        text = text.replace("/etc/bind", str(self.directory))
        text = text.replace("/var/cache/bind", str(self.directory / "cache"))
        for port, ours in self.ports.items():
            text = text.replace(f"port {port} ", f"port {ours} ")
        (self.directory / name).write_text(text)

    @property
    def conf(self) -> Path:
        return self.directory / "named.conf"


@contextlib.contextmanager
def named(conf: Path) -> Iterator[None]:
    """Run BIND until the block ends."""
    words = [path_of("named"), "-g", "-n", "1", "-c", str(conf)]
    with conf.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def asked(at: str, port: int, asker: Asker, question: Question) -> str:
    """Return all that is to be alike of an answer; asked until somebody is there."""
    query = dns.message.make_query(*question)
    if asker.key is not None:
        query.use_tsig(asker.key)
    for _ in range(40):
        try:
            found = dns.query.udp(query, at, 3, port, source=asker.host)
        except (dns.exception.Timeout, OSError):
            continue
        flags = dns.flags.to_text(found.flags & (dns.flags.AA | dns.flags.RA))
        records = sorted(
            f"{rrset.name} {rrset.ttl} {rdata}"
            for rrset in found.answer
            for rdata in rrset
        )
        rcode = dns.rcode.to_text(found.rcode())
        return " ".join([rcode, flags, *records])
    return "silence"


def whole(at: str, port: int, asker: Asker, name: str) -> str:
    """Return how many sets of records a transfer has, or why there is none."""
    zone = dns.zone.Zone(dns.name.from_text(name))
    query, _ = dns.xfr.make_query(zone, use_edns=None)
    if asker.key is not None:
        query.use_tsig(asker.key)
    try:
        dns.query.inbound_xfr(at, zone, query, port, timeout=5, source=asker.host)
    except dns.xfr.TransferError as error:
        return dns.rcode.to_text(error.rcode)
    return str(sum(len(node) for node in zone.nodes.values()))


@contextlib.contextmanager
def both(tree: Tree, directory: Path) -> Iterator[Server]:
    """Run BIND on a tree, and pabal on what it takes over of it."""
    with named(tree.conf), Server(directory, "mail.our.test", "our.test") as ours:
        ours.init(accounts=())
        taken_over(ours, tree.conf)
        ours.start()
        time.sleep(0.5)
        yield ours


def differences(
    tree: Tree,
    ours: Server,
    askers: Sequence[Asker],
    questions: Sequence[Question],
    transfers: Sequence[str] = (),
) -> list[str]:
    """Return what is not answered alike."""
    port = tree.ports["5300"]
    found = []
    for asker in askers:
        for question in questions:
            theirs = asked(LOOPBACK, port, asker, question)
            mine = asked(ours.address, PORT_OFFSET + 53, asker, question)
            if mine != theirs:
                found.append(f"{asker} {question}: {mine} instead of {theirs}")
        for name in transfers:
            theirs = whole(LOOPBACK, port, asker, name)
            mine = whole(ours.address, PORT_OFFSET + 53, asker, name)
            if mine != theirs:
                found.append(f"{asker} AXFR {name}: {mine} instead of {theirs}")
    return found


def test_as_debian_lays_it_out(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "etc").copy("debian")
    askers = ["127.20.1.5", "127.20.1.66", "127.20.2.53", "127.20.3.1", LOOPBACK]
    questions = [
        *((f"{name}example.com", kind) for name in NAMES for kind in ("A", "TXT")),
        ("example.com", "MX"), ("example.com", "SOA"), ("example.com", "NS"),
        ("www.example.com", "AAAA"), ("localhost", "A"), ("localhost", "AAAA"),
        ("1.0.0.127.in-addr.arpa", "PTR"), ("9.0.0.127.in-addr.arpa", "PTR"),
        ("1.0.10.in-addr.arpa", "PTR"), ("1.16.172.in-addr.arpa", "SOA"),
        ("3.7.168.192.in-addr.arpa", "PTR"), ("77.7.168.192.in-addr.arpa", "PTR"),
        ("host3.intern.example.com", "A"), ("nohost.intern.example.com", "A"),
        ("intern.example.com", "SOA"), ("0.in-addr.arpa", "SOA"),
    ]  # fmt: skip
    transfers = ("example.com", "7.168.192.in-addr.arpa", "localhost")
    with both(tree, tmp_path / "s") as ours:
        found = differences(tree, ours, [*map(Asker, askers)], questions, transfers)
    assert found == []


NAMES = ("", "www.", "ftp.", "x.apps.", "x.y.apps.", "apps.", "no.", "mail.", "a.www.")


def test_a_name_with_two_worlds(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "etc").copy("horizon")
    hosts = [
        "127.21.1.5", "127.21.1.250", "127.21.2.5", "127.21.2.9", "127.21.2.200",
        "127.21.3.1",
    ]  # fmt: skip
    keys = (
        key("robot", "cm9ib3Qgb2YgdGhlIG9mZmljZSBuZXQ="),
        key("outer", "d2hvIGlzIG91dHNpZGUgb2YgaXQgYWxs"),
    )
    askers = [Asker(host, each) for host in hosts for each in (None, *keys)]
    questions = [
        ("www.example.org", "A"), ("wiki.example.org", "A"), ("example.org", "SOA"),
        ("laser.printers.example.org", "A"), ("printers.example.org", "SOA"),
        ("www.shared.example", "A"), ("no.shared.example", "A"),
    ]  # fmt: skip
    with both(tree, tmp_path / "s") as ours:
        transfers = ("example.org", "shared.example")
        found = differences(tree, ours, askers, questions, transfers)
    assert found == []


ZONES = [f"c{number}.customer{number % 7}.example" for number in range(200)]

UPSTREAM = """
options {{ directory "{directory}"; pid-file none; session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;
    dnssec-validation no; notify no; serial-query-rate 1000; transfers-out 100;
    {more} }};
controls {{ }};
"""


def upstream(
    directory: Path, port: int, zones: Mapping[str, str], more: str = ""
) -> Path:
    """Write a BIND that serves zones; return its configuration."""
    directory.mkdir(parents=True)
    head = UPSTREAM.format(directory=directory, port=port, more=more)
    lines = []
    for number, (name, text) in enumerate(zones.items()):
        (directory / f"{number}.db").write_text(HEAD + text)
        lines.append(f'zone "{name}" {{ type primary; file "{number}.db"; }};\n')
    (directory / "named.conf").write_text(head + "".join(lines))
    return directory / "named.conf"


HEAD = (
    "$TTL 600\n@ SOA ns.hosting.example. admin.hosting.example. 3 3600 600 86400 60\n"
    "@ NS ns.hosting.example.\n"
)


def test_a_secondary_of_two_hundred_zones(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "etc").copy("hosting")
    lines = (
        f'zone "{zone}" {{ type slave; masters {{ all; }}; file "{zone}"; }};\n'
        for zone in ZONES
    )
    tree.write("zones.conf", "".join(lines))
    served = {zone: f"www A 192.0.2.{n}\n* MX 5 www\n" for n, zone in enumerate(ZONES)}
    served["customers.example"] = "secret A 192.0.2.250\n"
    conf = upstream(tmp_path / "first", tree.ports["5301"], served)
    secret = "dHJhbnNmZXJzIG9mIHRoZSBob3N0aW5n"
    keys = (
        f'key "xfer.hosting.example" {{ algorithm hmac-sha256; secret "{secret}"; }};'
    )
    conf.write_text(f"{keys}\n{conf.read_text()}")
    questions = [(f"www.{zone}", "A") for zone in ZONES]
    questions += [(f"x.{zone}", "MX") for zone in ZONES[::20]]
    questions += [("secret.customers.example", "A"), ("customers.example", "SOA")]
    hosts = ["127.22.1.9", "127.22.2.9"]
    askers = [*map(Asker, hosts), Asker(hosts[1], key("xfer.hosting.example", secret))]
    with named(conf), both(tree, tmp_path / "s") as ours:
        settle(tree, ours, [(zone, "SOA") for zone in [*ZONES, "customers.example"]])
        transfers = ("customers.example", ZONES[3])
        found = differences(tree, ours, askers, questions, transfers)
    assert found == []


def settle(tree: Tree, ours: Server, questions: Sequence[Question]) -> None:
    """Wait until both have what they are asked for."""
    asker = Asker("127.22.1.9")
    until = time.monotonic() + 90
    for question in questions:
        for place in ((LOOPBACK, tree.ports["5300"]), (ours.address, PORT_OFFSET + 53)):
            while time.monotonic() < until:
                if asked(*place, asker, question).startswith("NOERROR"):
                    break
                time.sleep(0.1)


def test_a_resolver_of_two_networks(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "etc").copy("recursive")
    world = {".": "www.example A 192.0.2.7\nalias.example CNAME www.example.\n"}
    lab = {"lab.example": "a A 10.9.9.9\n* TXT any\n"}
    questions = [
        ("www.example", "A"), ("alias.example", "A"), ("no.example", "A"),
        ("www.example", "AAAA"), ("a.lab.example", "A"), ("b.lab.example", "TXT"),
        ("c.lab.example", "A"), ("1.0.0.127.in-addr.arpa", "PTR"),
        ("2.0.0.127.in-addr.arpa", "PTR"), ("1.1.168.192.in-addr.arpa", "PTR"),
    ]  # fmt: skip
    askers = [*map(Asker, ("127.23.4.1", "127.23.7.1", "127.23.7.13", "127.23.8.1"))]
    first = upstream(tmp_path / "world", tree.ports["5301"], world)
    second = upstream(tmp_path / "lab", tree.ports["5302"], lab)
    with named(first), named(second), both(tree, tmp_path / "s") as ours:
        found = differences(tree, ours, askers, questions)
    assert found == []


def test_what_operators_add(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "etc").copy("operations")
    signed = key("rndc-key", "cmVtb3RlIG5hbWUgZGFlbW9uIGNvbnRyb2w=")
    hosts = ("127.24.0.1", "127.24.0.7", "127.25.0.1", LOOPBACK)
    askers = [Asker(host, each) for host in hosts for each in (None, signed)]
    questions = [
        ("example.net", "SOA"), ("a.example.net", "A"), ("example.net", "CAA"),
        ("_sip._tcp.example.net", "SRV"), ("x.closed.example.net", "A"),
        ("x.admin.example.net", "A"), ("no.admin.example.net", "A"),
        ("www.example.com", "A"),
    ]  # fmt: skip
    transfers = ("example.net", "admin.example.net", "closed.example.net")
    with both(tree, tmp_path / "s") as ours:
        found = differences(tree, ours, askers, questions, transfers)
        said = ours.run("zone", "import", tree.conf, "--dry-run").stdout
    assert found == []
    assert "pabal has no such setting" not in said
