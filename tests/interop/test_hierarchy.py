"""A root, a top-level domain and domains, each a pabal of its own, signed.

pabal, Unbound and BIND resolve and validate them from the root's key down. Servers in
delegations have no port but 53, so this needs the right to bind that on loopback.
"""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from dns.dnssectypes import DSDigest

import dns.dnssec
from pabal.admin.layout import Layout
from pabal.dns.dnssec.keystate import Policy, Ring
from pabal.dns.zone.keystore import KeyStore
from tests.interop import unbound as beside
from tests.interop.peer import needs, path_of
from tests.support.ports import free_port
from tests.support.server import Server, eventually, own_address


def may_bind_53() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((own_address(), 53))
        except OSError:
            return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_bind_53(), reason="port 53 is not for us"),
]

HEAD = "$TTL 60\n@ SOA ns you 1 7200 900 604800 60\n@ NS ns\n"
SIGNED = {".": Policy(), "lab.": Policy(), "a.lab.": Policy(algorithm=15)}
SIGNED |= {"b.lab.": Policy(nsec3=True), "wrong.lab.": Policy()}


@dataclass(frozen=True)
class World:
    """Where the root is, and what vouches for it."""

    root: str
    anchor: str
    directory: Path

    @property
    def hints(self) -> str:
        return f". 3600000 NS ns.\nns. 3600000 A {self.root}\n"


def name_server(directory: Path, zones: dict[str, str]) -> Server:
    """Return a running pabal with ``zones`` at port 53."""
    server = Server(directory).init(accounts=())
    path = directory / "pabal.toml"
    text = path.read_text()
    path.write_text(text.replace(f"{server.address}:20053", f"{server.address}:53"))
    keys = KeyStore(Layout(directory / "data").dnssec)
    for origin, text in zones.items():
        file = "root" if origin == "." else origin.rstrip(".")
        lines = HEAD + text.replace("HERE", server.address)
        (directory / "zones" / f"{file}.zone").write_text(lines)
        if origin in SIGNED:
            with (of := keys.of(dns.name.from_text(origin))).locked():
                of.write(Ring(SIGNED[origin]))
    return server.start()


def ask(
    address: str,
    port: int,
    name: str,
    rdtype: str,
    *,
    cd: bool = False,
    wait_s: float = 20,
) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    if cd:
        query.flags |= dns.flags.CD
    answer, _ = dns.query.udp_with_fallback(query, address, wait_s, port)
    return answer


def delegation(server: Server, origin: str) -> str:
    """Return what the parent has to say of a zone of ``server``, once it is signed."""
    lines = [f"{origin} NS ns.{origin}", f"ns.{origin} A {server.address}"]
    if origin not in SIGNED:
        return "\n".join(lines) + "\n"
    return "\n".join([*lines, f"{origin} DS {ds(server, origin)}"]) + "\n"


def ds(server: Server, origin: str) -> str:
    name = dns.name.from_text(origin)
    found: list[dns.rrset.RRset] = []

    def is_signed() -> bool:
        with contextlib.suppress(dns.exception.DNSException):
            answer = ask(server.address, 53, origin, "DNSKEY", wait_s=1).answer
            found[:] = [r for r in answer if r.rdtype == dns.rdatatype.DNSKEY]
        return bool(found)

    eventually(is_signed)
    (key,) = (key for key in found[0] if key.flags & 1)
    return dns.dnssec.make_ds(name, key, DSDigest.SHA256).to_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("hierarchy")
    hosts = "ns A HERE\nwww A 192.0.2.80\n"
    domains = {
        "a.lab.": hosts + "alias CNAME www.b.lab.\nout CNAME www.plain.lab.\n",
        "b.lab.": hosts + "*.w TXT x\na.b.c A 192.0.2.81\n",
        "plain.lab.": hosts,
        "wrong.lab.": hosts,
    }
    with contextlib.ExitStack() as stack:
        below = stack.enter_context(name_server(directory / "domains", domains))
        top = "ns A HERE\n" + "".join(delegation(below, origin) for origin in domains)
        digest = ds(below, "wrong.lab.").split()[-1]
        top = top.replace(digest, digest[::-1])
        above = stack.enter_context(name_server(directory / "top", {"lab.": top}))
        text = "ns. A HERE\n" + delegation(above, "lab.")
        root = stack.enter_context(name_server(directory / "root", {".": text}))
        yield World(root.address, ds(root, "."), directory)


@contextlib.contextmanager
def pabal(world: World) -> Iterator[tuple[str, int]]:
    directory = world.directory / "resolver"
    with Server(directory).init(accounts=()) as server:
        (directory / "hints").write_text(world.hints)
        server.configure(
            f'root_hints = "hints"\ntrust_anchors = [". DS {world.anchor}"]',
            table="dns",
        )
        server.start()
        yield server.address, server.port(53)


def unbound(
    world: World, more: str = ""
) -> contextlib.AbstractContextManager[tuple[str, int]]:
    (world.directory / "hints").write_text(world.hints)
    lines = f"""root-hints: "{world.directory}/hints"
        trust-anchor: ". DS {world.anchor}"
        do-ip6: no"""
    return beside.unbound(world.directory, f"{lines}\n{more}")


@contextlib.contextmanager
def bind(world: World, more: str = "") -> Iterator[tuple[str, int]]:
    port, directory = free_port(), world.directory
    (directory / "hints").write_text(world.hints)
    tag, algorithm, kind, digest = world.anchor.split()
    file = directory / "named.conf"
    file.write_text(f"""options {{ directory "{directory}"; pid-file none;
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion yes; dnssec-validation yes; session-keyfile none; {more} }};
controls {{ }};
trust-anchors {{ "." static-ds {tag} {algorithm} {kind} "{digest}"; }};
zone "." {{ type hint; file "hints"; }};
""")
    with running([path_of("named"), "-4", "-f", "-n", "1", "-c", str(file)]):
        yield "127.0.0.1", port


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


QUESTIONS = (
    ("www.a.lab", "A", "NOERROR", True),
    ("www.b.lab", "A", "NOERROR", True),
    ("alias.a.lab", "A", "NOERROR", True),
    ("x.w.b.lab", "TXT", "NOERROR", True),
    ("a.b.c.b.lab", "A", "NOERROR", True),
    ("a.lab", "DNSKEY", "NOERROR", True),
    ("lab", "DS", "NOERROR", True),
    ("nobody.a.lab", "A", "NXDOMAIN", True),
    ("nobody.b.lab", "A", "NXDOMAIN", True),
    ("www.a.lab", "MX", "NOERROR", True),
    ("b.c.b.lab", "A", "NOERROR", True),
    ("nowhere", "A", "NXDOMAIN", True),
    ("plain.lab", "DS", "NOERROR", True),
    ("www.plain.lab", "A", "NOERROR", False),
    ("nobody.plain.lab", "A", "NXDOMAIN", False),
    ("out.a.lab", "A", "NOERROR", False),
    ("www.wrong.lab", "A", "SERVFAIL", False),
)
"""What is asked, what comes, and whether it is vouched for (AD)."""


@pytest.mark.parametrize(
    "resolver",
    [
        pytest.param(pabal, id="pabal"),
        pytest.param(unbound, id="unbound", marks=needs("unbound")),
        pytest.param(bind, id="bind", marks=needs("named")),
    ],
)
def test_it_is_resolved_and_validated(world: World, resolver: object) -> None:
    assert callable(resolver)
    with resolver(world) as (address, port):

        def is_there() -> bool:
            with contextlib.suppress(OSError, dns.exception.DNSException):
                answer = ask(address, port, "lab", "SOA", wait_s=1)
                return answer.rcode() == dns.rcode.NOERROR
            return False

        eventually(is_there, 20)
        found = []
        for name, rdtype, _, _ in QUESTIONS:
            answer = ask(address, port, name, rdtype)
            rcode = dns.rcode.to_text(answer.rcode())
            found.append((name, rdtype, rcode, bool(answer.flags & dns.flags.AD)))
        assert found == list(QUESTIONS)
        # The data are there all the same for who checks by himself.
        assert ask(address, port, "www.wrong.lab", "A", cd=True).answer
