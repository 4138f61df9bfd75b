"""The resolver validates a hierarchy that BIND signs and serves.

Zones are signed by dnssec-signzone with different algorithms and kinds of denial; one
BIND serves the root, another what is below. Tampering happens on the way.
"""

import asyncio
import contextlib
import dataclasses
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest

from pabal.base.clock import SystemClock
from pabal.base.ids import SecureChance
from pabal.dns.ports import ResolutionError, Resolved, Security, Steps
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.keeper import AnchorKeeper
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind as bind_socket
from tests.support.ports import free_port
from tests.support.zones import MemorySource

PLACES = "/usr/sbin:/usr/bin:/sbin"
NAMED = shutil.which("named", path=PLACES)
KEYGEN = shutil.which("dnssec-keygen", path=PLACES)
SIGNZONE = shutil.which("dnssec-signzone", path=PLACES)
DELV = shutil.which("delv", path=PLACES)
pytestmark = pytest.mark.skipif(
    None in (NAMED, KEYGEN, SIGNZONE), reason="BIND and its tools are not installed"
)

ROOT, BELOW = "192.0.2.1", "192.0.2.2"
LEAF = """@ NS ns.test.
    www A 192.0.2.80
    *.wild A 192.0.2.81
    x.wild TXT "closer"
    a.b.c.deep A 192.0.2.82
    alias CNAME www
    away CNAME www.rsa.test.
    old DNAME rsa.test.
    @ MX 10 www
    weird\\.label TXT "Quoted" "UPPER"
    @ CAA 0 issue "ca.example.test"
    MiXed SRV 1 2 3 WWW.rsa.test.
    cut NS ns.test.
    """
EXTRA = {"optout.test.": "bare NS ns.test."}


@dataclass(frozen=True)
class Kind:
    """How a zone is signed: the algorithm of its keys, and further options."""

    algorithm: str
    options: tuple[str, ...] = ()


LEAVES = {
    "nsec.test.": Kind("ECDSAP256SHA256"),
    "rsa.test.": Kind("RSASHA256"),
    "rsa512.test.": Kind("RSASHA512", ("-3", "-")),
    "p384.test.": Kind("ECDSAP384SHA384", ("-3", "abcd", "-H", "5")),
    "ed.test.": Kind("ED25519", ("-3", "-")),
    "ed448.test.": Kind("ED448"),
    "optout.test.": Kind("ECDSAP256SHA256", ("-3", "-", "-A")),
    "many.test.": Kind("ECDSAP256SHA256", ("-3", "-", "-H", "120")),
    "expired.test.": Kind(
        "ECDSAP256SHA256", ("-s", "20200101000000", "-e", "20200201000000")
    ),
}
UNSIGNED = ("plain.test.", "cut.nsec.test.", "bare.optout.test.", "cut.ed.test.")
SOA = "@ SOA ns.test. you 1 1 1 1 60\n"


def run(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout.strip()


def sign(directory: Path, origin: str, text: str, kind: Kind) -> tuple[str, str]:
    """Sign a zone; return its file and its DS records."""
    assert KEYGEN is not None
    assert SIGNZONE is not None
    file = directory / f"{origin.strip('.') or 'root'}.zone"
    lines = "\n".join(line.strip() for line in text.splitlines())
    keys = []
    for flags in ((), ("-f", "KSK")):
        size = ("-b", "2048") if kind.algorithm.startswith("RSA") else ()
        keys.append(
            run(KEYGEN, "-a", kind.algorithm, *size, *flags, origin, cwd=directory)
        )
    includes = "\n".join(f"$INCLUDE {directory}/{key}.key" for key in keys)
    file.write_text(f"$TTL 300\n$ORIGIN {origin}\n{SOA}{lines}\n{includes}\n")
    run(SIGNZONE, "-P", "-o", origin, "-S", "-K", str(directory), "-d", str(directory),
        "-f", f"{file}.signed", *kind.options, str(file), cwd=directory)  # fmt: skip
    ds = (directory / f"dsset-{origin}").read_text()
    return f"{file}.signed", ds


@contextlib.contextmanager
def bind(directory: Path, files: dict[str, str]) -> Iterator[int]:
    assert NAMED is not None
    port = free_port()
    zones = "\n".join(
        f'zone "{origin}" {{ type primary; file "{file}"; }};'
        for origin, file in files.items()
    )
    configuration = directory / "named.conf"
    configuration.write_text(
        f'options {{ directory "{directory}"; pid-file none; recursion no;'
        f" listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"
        f" dnssec-validation no; allow-query {{ any; }};"
        f' session-keyfile "{directory}/key"; }};\ncontrols {{ }};\n{zones}\n'
    )
    log = (directory / "log").open("wb")
    process = subprocess.Popen(
        [NAMED, "-g", "-n", "1", "-c", str(configuration)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            log.write(line)
            if line.rstrip().endswith(b" running"):
                break
        else:
            pytest.fail((directory / "log").read_text()[-2000:])
        yield port
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(10)
        log.close()


@dataclass(frozen=True)
class World:
    ports: dict[str, int]
    anchor: str
    directory: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("zones")
    below: dict[str, str] = {}
    test = f"@ NS ns\nns A {BELOW}\nplain NS ns\n"
    for origin, kind in LEAVES.items():
        text = LEAF + EXTRA.get(origin, "")
        below[origin], ds = sign(directory, origin, text, kind)
        test += f"{origin} NS ns\n{ds}"
    for origin in UNSIGNED:
        file = directory / f"{origin}zone"
        file.write_text(f"$TTL 300\n{SOA}@ NS ns.test.\nwww A 192.0.2.90\n")
        below[origin] = str(file)
    below["test."], ds = sign(directory, "test.", test, Kind("ECDSAP256SHA256"))
    root = f"@ NS a.root.\na.root. A {ROOT}\ntest. NS ns.test.\nns.test. A {BELOW}\n"
    signed_root, anchor = sign(directory, ".", root + ds, Kind("RSASHA256"))
    with contextlib.ExitStack() as stack:
        ports = {
            ROOT: stack.enter_context(
                bind(tmp_path_factory.mktemp("r"), {".": signed_root})
            ),
            BELOW: stack.enter_context(bind(tmp_path_factory.mktemp("b"), below)),
        }
        yield World(ports, anchor, directory)


OURS = "127.99.53.1"
"""An address of our own: a port that is free for UDP is then free for TCP."""

Reply = dns.message.Message
Tamper = Callable[[dns.message.Message], None]


class Way:
    """To BIND at each address, with somebody sitting on the way."""

    def __init__(self, ports: dict[str, int], tamper: Tamper | None = None) -> None:
        self._ports = ports
        self._tamper = tamper
        self._network = NetworkExchange()
        self.asked = 0

    async def exchange(self, query: Query) -> bytes:
        self.asked += 1
        place = Server("", "127.0.0.1", self._ports[query.server.address])
        octets = await self._network.exchange(dataclasses.replace(query, server=place))
        if self._tamper is None or octets[2] & 0x02:
            return octets
        message = dns.message.from_wire(octets)
        self._tamper(message)
        changed = message.to_wire(max_size=65535)
        end = 12 + len(query.name.to_wire() or b"")
        return changed[:12] + octets[12:end] + changed[end:]


def resolver_of(world: World, way: Way) -> IterativeResolver:
    settings = ResolverSettings(
        root_hints=(Server("a.root.", ROOT),), ipv6=False, trust_anchors=world.anchor
    )
    return IterativeResolver(settings, way, SystemClock(), SecureChance())


async def ask(resolver: IterativeResolver, name: str, rdtype: str = "A") -> Resolved:
    return await resolver.resolve(
        dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    )


QUESTIONS = (
    ("www", "A", 0), ("www", "MX", 0), ("nobody", "A", 3), ("a.nobody", "A", 3),
    ("x.y.wild", "A", 0), ("y.wild", "MX", 0), ("x.wild", "A", 0), ("c.deep", "A", 0),
    ("alias", "A", 0), ("away", "A", 0), ("www.old", "A", 0), ("", "MX", 0),
    ("", "SOA", 0), ("", "DNSKEY", 0), ("", "DS", 0), ("", "NS", 0), ("cut", "DS", 0),
    ("weird\\.label", "TXT", 0), ("mixed", "SRV", 0), ("", "CAA", 0),
)  # fmt: skip


@pytest.mark.parametrize("origin", [z for z in LEAVES if z != "expired.test."])
async def test_secure(world: World, origin: str) -> None:
    resolver = resolver_of(world, Way(world.ports))
    for name, rdtype, rcode in QUESTIONS:
        for _ in range(2):  # from the servers, then from the cache
            resolved = await ask(resolver, f"{name}.{origin}".strip("."), rdtype)
            assert resolved.rcode == rcode, (name, rdtype)
            secure = resolved.security is Security.SECURE
            weak = origin == "many.test." and not (
                resolved.answer or (rdtype == "DS" and not name)
            )
            wild = origin == "many.test." and "wild" in name
            opted = origin == "optout.test." and (
                (not resolved.answer and name not in {"www", "x.wild", "c.deep", ""})
                or ("wild" in name and name != "x.wild")
            )
            assert secure != (weak or wild or opted), (name, rdtype, resolved.security)
    await resolver.stop()


async def test_insecure(world: World) -> None:
    resolver = resolver_of(world, Way(world.ports))
    for origin in UNSIGNED:
        for name in ("www", "nobody"):
            resolved = await ask(resolver, f"{name}.{origin}")
            assert resolved.security is Security.INSECURE, origin
    await resolver.stop()


async def test_expired_is_bogus(world: World) -> None:
    resolver = resolver_of(world, Way(world.ports))
    told = r"ended \d+ days ago, on 2020-02-01"
    with pytest.raises(ResolutionError, match=told) as caught:
        await ask(resolver, "www.expired.test.")
    assert caught.value.code == 7
    await resolver.stop()


class Kept:
    """The state of trust anchors, in memory."""

    def __init__(self) -> None:
        self.text = ""

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        self.text = text


async def test_trust_anchors_are_looked_at(world: World) -> None:
    store = Kept()
    resolver = resolver_of(world, Way(world.ports, without("RRSIG")))
    await AnchorKeeper(resolver, store, SystemClock()).look()
    assert " valid " not in store.text
    await resolver.stop()
    store.text = ""
    resolver = resolver_of(world, Way(world.ports))
    await AnchorKeeper(resolver, store, SystemClock()).look()
    # The key for the keys is the configured one; that for the rest is none to trust.
    states = [line.split()[1] for line in store.text.splitlines() if line[0] == "."]
    assert states == ["look", "valid"]
    resolved = await ask(resolver, "www.ed.test.")
    assert resolved.security is Security.SECURE
    await resolver.stop()


def change_address(message: dns.message.Message) -> None:
    for place, rrset in enumerate(message.answer):
        if rrset.rdtype == dns.rdatatype.A:
            message.answer[place] = dns.rrset.from_text(
                rrset.name, rrset.ttl, "IN", "A", "203.0.113.1"
            )


def without(*rdtypes: str) -> Tamper:
    wanted = {dns.rdatatype.from_text(rdtype) for rdtype in rdtypes}

    def tamper(message: dns.message.Message) -> None:
        for section in (message.answer, message.authority):
            section[:] = [
                r for r in section if r.rdtype not in wanted and r.covers not in wanted
            ]

    return tamper


def deny(message: dns.message.Message) -> None:
    if any(r.rdtype == dns.rdatatype.A for r in message.answer):
        message.answer.clear()
        message.set_rcode(dns.rcode.NXDOMAIN)


def flip_signatures(message: dns.message.Message) -> None:
    for place, rrset in enumerate(message.answer):
        if rrset.rdtype == dns.rdatatype.RRSIG:
            changed = [
                rdata.replace(signature=bytes(64) + rdata.signature[64:])
                for rdata in rrset
            ]
            message.answer[place] = dns.rrset.from_rdata_list(
                rrset.name, rrset.ttl, changed
            )


@pytest.mark.parametrize(
    "tamper",
    [
        change_address,
        deny,
        flip_signatures,
        without("RRSIG"),
        without("DS"),
        without("DNSKEY"),
        without("RRSIG", "DS", "DNSKEY", "NSEC", "NSEC3"),
    ],
)
@pytest.mark.parametrize("origin", ["nsec.test.", "ed.test."])
async def test_tampering_is_bogus(world: World, origin: str, tamper: Tamper) -> None:
    resolver = resolver_of(world, Way(world.ports, tamper))
    with pytest.raises(ResolutionError, match="bogus"):
        await ask(resolver, f"www.{origin}")
    await resolver.stop()


@pytest.mark.parametrize("origin", ["nsec.test.", "ed.test."])
async def test_absence_without_proof_is_bogus(world: World, origin: str) -> None:
    resolver = resolver_of(world, Way(world.ports))
    await ask(resolver, f"www.{origin}")
    resolver._exchange = Way(world.ports, without("NSEC", "NSEC3"))
    for name in ("nobody", "x.y.wild"):
        with pytest.raises(ResolutionError, match="bogus"):
            await ask(resolver, f"{name}.{origin}")
    await resolver.stop()


def delv(anchor: Path, origin: str, port: int) -> str:
    assert DELV is not None
    done = subprocess.run(
        [DELV, "-a", str(anchor), f"+root={origin}", "@127.0.0.1", "-p", str(port),
         f"www.{origin}", "A"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.skipif(DELV is None, reason="delv is not installed")
async def test_delv_agrees(world: World, tmp_path: Path) -> None:
    """What we say of our own keys, BIND's validator says as well."""
    resolver = resolver_of(world, Way(world.ports))
    for origin, word in (("nsec.test.", "fully validated"), ("ed.test.", "fully")):
        resolved = await ask(resolver, f"{origin}", "DNSKEY")
        assert resolved.security is Security.SECURE
        anchor = tmp_path / "anchor"
        ds = next(rdata for rdata in (await ask(resolver, origin, "DS")).answer[0])
        tag, algorithm, kind, digest = str(ds).split(maxsplit=3)
        anchor.write_text(
            f'trust-anchors {{ "{origin}" static-ds {tag} {algorithm} {kind}'
            f' "{digest}"; }};\n'
        )
        told = await asyncio.to_thread(delv, anchor, origin, world.ports[BELOW])
        assert word in told, told
    await resolver.stop()


async def test_the_chain_is_explained(world: World) -> None:
    resolver = resolver_of(world, Way(world.ports))
    steps = Steps()
    await resolver.resolve(dns.name.from_text("www.p384.test."), dns.rdatatype.A, steps)
    told = [
        f"{step.name} {step.rdtype}"
        for step in steps.taken
        if step.server == "chain of trust"
    ]
    assert told == [
        ". DNSKEY",
        "test. DS",
        "test. DNSKEY",
        "p384.test. DS",
        "p384.test. DNSKEY",
        "www.p384.test. A",
    ]
    await resolver.stop()


@contextlib.asynccontextmanager
async def serving(resolver: IterativeResolver) -> AsyncIterator[int]:
    """Run our name server with ``resolver`` behind it and yield its port."""
    clock = SystemClock()
    zones = Zones(MemorySource(), None, "ns.test", clock)
    server = NameServer(DnsSettings("ns.test"), zones, resolver, clock)
    udp = bind_socket(Endpoint(OURS, 0), "dns", udp=True)
    port = int(udp.getsockname()[1])
    await server.start([udp], [bind_socket(Endpoint(OURS, port), "dns")])
    try:
        yield port
    finally:
        await server.stop()
        await resolver.stop()


def delv_through(port: int, anchor: Path, name: str, rdtype: str) -> str:
    assert DELV is not None
    done = subprocess.run(
        [DELV, "-a", str(anchor), "+root=.", f"@{OURS}", "-p", str(port), name,
         rdtype],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.skipif(DELV is None, reason="delv is not installed")
async def test_delv_validates_through_us(world: World, tmp_path: Path) -> None:
    """Signatures, keys and proofs all reach a client that checks them itself."""
    anchor = tmp_path / "anchor"
    _, _, _, tag, algorithm, kind, digest = world.anchor.split(maxsplit=6)
    digest = digest.replace(" ", "").strip()
    anchor.write_text(
        f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{digest}"; }};\n'
    )
    names = ("www", "nobody", "x.y.wild", "c.deep", "alias", "away", "www.old")
    async with serving(resolver_of(world, Way(world.ports))) as port:
        for origin in ("nsec.test.", "ed.test.", "p384.test."):
            for name in names:
                for rdtype in ("A", "MX"):
                    told = await asyncio.to_thread(
                        delv_through, port, anchor, f"{name}.{origin}", rdtype
                    )
                    assert "fully validated" in told, (name, origin, rdtype, told)
        told = await asyncio.to_thread(
            delv_through, port, anchor, "www.plain.test.", "A"
        )
        assert "unsigned answer" in told
        told = await asyncio.to_thread(
            delv_through, port, anchor, "www.expired.test.", "A"
        )
        assert "resolution failed" in told


async def exchange(port: int, name: str, flags: int, *, dnssec: bool = False) -> Reply:
    query = dns.message.make_query(name, "A", use_edns=0, want_dnssec=dnssec)
    query.flags |= flags
    return await dns.asyncquery.udp(query, OURS, port=port, timeout=10)


async def test_clients_see_ad_cd_and_why(world: World) -> None:
    ad, cd = dns.flags.AD, dns.flags.CD
    async with serving(resolver_of(world, Way(world.ports))) as port:
        for _ in range(2):
            secure = await exchange(port, "www.nsec.test.", ad)
            assert secure.flags & ad
            assert len(secure.answer) == 1
            signed = await exchange(port, "www.nsec.test.", 0, dnssec=True)
            assert signed.flags & ad
            assert len(signed.answer) == 2
            assert not (await exchange(port, "www.plain.test.", ad)).flags & ad
            bogus = await exchange(port, "www.expired.test.", 0)
            assert bogus.rcode() == dns.rcode.SERVFAIL
            (why,) = [o for o in bogus.options if o.otype == dns.edns.OptionType.EDE]
            assert isinstance(why, dns.edns.EDEOption)
            assert why.code == 7
            raw = await exchange(port, "www.expired.test.", cd)
            assert raw.rcode() == dns.rcode.NOERROR
            assert raw.answer
            assert not raw.flags & ad
