"""Signed and numbered views before other people's validators and secondaries.

Who stands inside and who outside is told by the address that a peer asks from.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest

from tests.interop.nsd import nsd
from tests.interop.peer import needs, path_of
from tests.interop.unbound import stub_zone, unbound
from tests.support.ports import free_port
from tests.support.server import Server, eventually

ZONE = "v.test"
INSIDE, OUTSIDE = "127.0.0.2", "127.0.0.1"
"""From where peers ask."""

TEXT = (
    "$TTL 1\n@ SOA ns hostmaster 7 1 1 604800 1\n@ NS ns\nns A 192.0.2.1\n"
    "www A 192.0.2.2\n*.w TXT outside\n"
)
DIFFERS = "$TTL 1\nwww A 10.0.0.2\nonly A 10.0.0.3\n"


class Views(Server):
    """A server with one zone and a view of it."""

    def begin(self, **files: str) -> None:
        self.init(workers="2", accounts=())
        inside = self.directory / "inside"
        inside.mkdir()
        self.file = inside / f"{ZONE}.zone"
        self.file.write_text(files.get("inside", DIFFERS))
        (self.directory / "zones" / f"{ZONE}.zone").write_text(TEXT)
        self.configure(
            f'clients = ["{INSIDE}"]', 'zones = "inside"', table="dns.view.inside"
        )

    def ask(self, client: str, name: str, rdtype: str) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, want_dnssec=True)
        query.flags &= ~dns.flags.RD
        return dns.query.udp(query, self.address, 5, self.port(53), source=client)

    def serial(self, client: str) -> int:
        answer = self.ask(client, ZONE, "SOA").answer
        return int(answer[0][0].serial) if answer else 0

    def is_signed(self, client: str) -> bool:
        answer = self.ask(client, ZONE, "SOA").answer
        return any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in answer)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Views]:
    with Views(tmp_path / "s") as made:
        yield made


def signed(server: Views) -> str:
    """Let the zone be signed; return its key as the flags, 3, algorithm, base 64."""
    server.start()
    server.run("zone", "dnssec", ZONE, "enable")
    eventually(lambda: all(map(server.is_signed, (INSIDE, OUTSIDE))))
    texts = {
        key.to_text()
        for client in (INSIDE, OUTSIDE)
        for key in server.ask(client, ZONE, "DNSKEY").answer[0]
    }
    (text,) = texts
    return str(text)


QUESTIONS = [
    ("www", "A"), ("ns", "A"), ("only", "A"), ("x.w", "TXT"), ("none", "A"),
    ("www", "TXT"),
]  # fmt: skip


@needs("delv")
@pytest.mark.parametrize(
    "text",
    [
        DIFFERS,
        pytest.param(TEXT.replace("192.0.2", "10.0.0"), marks=pytest.mark.slow),
    ],
)
def test_delv_believes_every_view(server: Views, tmp_path: Path, text: str) -> None:
    server.begin(inside=text)
    words = signed(server).split(maxsplit=3)
    anchor = tmp_path / "anchor"
    anchor.write_text(
        f'trust-anchors {{ "{ZONE}" static-key {words[0]} {words[1]} {words[2]}'
        f' "{words[3]}"; }};\n'
    )
    for client in (INSIDE, OUTSIDE):
        for name, rdtype in QUESTIONS:
            done = subprocess.run(
                [path_of("delv"), "-a", anchor, f"+root={ZONE}", "-b", client,
                 f"@{server.address}", "-p", str(server.port(53)),
                 f"{name}.{ZONE}", rdtype],
                capture_output=True, text=True, check=False, timeout=20,
            )  # fmt: skip
            assert "fully validated" in done.stdout, (client, name, done.stdout)
            inside = "\t10.0.0.2" in done.stdout
            assert inside == (client == INSIDE and (name, rdtype) == ("www", "A"))


def validating(
    directory: Path, server: Views, client: str, anchor: str
) -> AbstractContextManager[tuple[str, int]]:
    """Run an Unbound that asks us from ``client`` and knows the key of our zone."""
    lines = f"""outgoing-interface: {client}
        do-ip6: no
        module-config: "validator iterator"
        trust-anchor: "{ZONE}. DNSKEY {anchor}"
        local-zone: "test." nodefault
        cache-max-ttl: 0"""
    return unbound(directory, lines, stub_zone(ZONE, server.address, server.port(53)))


def validated(port: int, name: str, rdtype: str) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    return dns.query.udp(query, "127.0.0.1", 5, port)


@needs("unbound")
@pytest.mark.slow
def test_unbound_validates_what_it_sees_from_either_side(
    server: Views, tmp_path: Path
) -> None:
    server.begin()
    anchor = signed(server)
    for client, www in ((INSIDE, "10.0.0.2"), (OUTSIDE, "192.0.2.2")):
        with validating(tmp_path / client, server, client, anchor) as (_, port):
            eventually(lambda at=port: answers(at))
            for name, rdtype in QUESTIONS:
                found = validated(port, f"{name}.{ZONE}", rdtype)
                assert found.flags & dns.flags.AD, (client, name, found.to_text())
            found = validated(port, f"www.{ZONE}", "A")
            assert found.answer[0][0].to_text() == www


def answers(port: int) -> bool:
    with contextlib.suppress(dns.exception.DNSException, OSError):
        return bool(validated(port, ZONE, "SOA").answer)
    return False


SECONDARY = """
options {{ directory "{directory}"; pid-file none; session-keyfile none;
  listen-on port {port} {{ {client}; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; query-source address {client};
  transfer-source {client}; notify no; minimal-responses yes; }};
controls {{ }};
zone "{ZONE}" {{ type secondary; primaries {{ {address} port {primary}; }};
  file "copy"; masterfile-format text; min-refresh-time 600; }};
"""


@contextlib.contextmanager
def bind(directory: Path, server: Views, client: str, port: int) -> Iterator[None]:
    directory.mkdir()
    conf = directory / "named.conf"
    conf.write_text(
        SECONDARY.format(
            directory=directory, port=port, client=client, ZONE=ZONE,
            address=server.address, primary=server.port(53),
        )
    )  # fmt: skip
    with (directory / "log").open("wb") as log:
        words = [path_of("named"), "-g", "-n", "1", "-c", str(conf)]
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def has(at: str, port: int, name: str) -> bool:
    query = dns.message.make_query(f"{name}.{ZONE}", "A")
    with contextlib.suppress(dns.exception.DNSException, OSError):
        return bool(dns.query.udp(query, at, 1, port).answer)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["named", "nsd"])
@pytest.mark.parametrize("secure", [False, True])
def test_a_secondary_in_a_view_hears_of_what_only_the_view_changed(
    server: Views, tmp_path: Path, kind: str, *, secure: bool
) -> None:
    if not path_of(kind):
        pytest.skip(f"no {kind}")
    # Both listen at addresses of interfaces only: this time it is them who are inside.
    at, port = OUTSIDE, free_port()
    server.begin()
    toml = server.directory / "pabal.toml"
    toml.write_text(toml.read_text().replace(f'"{INSIDE}"', f'"{at}"'))
    server.configure(f'notify = ["{at}:{port}"]', 'allow_transfer = ["any"]',
                     table="dns.view.inside")  # fmt: skip
    server.start()
    if secure:
        server.run("zone", "dnssec", ZONE, "enable")
        eventually(lambda: server.is_signed(at))
    peer = (
        bind(tmp_path / "p", server, at, port)
        if kind == "named"
        else nsd(tmp_path / "p", port, f'zone:\n    name: "{ZONE}"\n'
                 f"    allow-notify: {server.address} NOKEY\n"
                 f"    request-xfr: {server.address}@{server.port(53)} NOKEY\n"
                 f"    outgoing-interface: {at}\n")
    )  # fmt: skip
    with peer:
        eventually(lambda: has(at, port, "only"), 20)
        before = server.serial(at)
        outside = server.serial("127.0.0.3")
        server.file.write_text(DIFFERS + "later A 10.0.0.4\n")
        # SOA timers of BIND are ten minutes here: it is the NOTIFY that counts.
        eventually(lambda: has(at, port, "later"), 15)
        assert server.serial(at) > before
        assert server.serial("127.0.0.3") == outside
