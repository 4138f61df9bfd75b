"""A running pabal signs its zones; delv and our own resolver believe it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pytest

from pabal.admin.layout import Layout
from pabal.base.clock import SystemClock
from pabal.base.ids import SecureChance
from pabal.dns.dnssec.keystate import Policy, Ring
from pabal.dns.ports import Resolved, Security
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server as NameServerAt
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from pabal.dns.zone.keystore import KeyStore
from tests.interop.peer import needs, path_of
from tests.support.server import DOMAIN, HOSTNAME, Server, eventually

QUICK = Policy(dnskey_ttl_s=1, propagation_s=0, parent_propagation_s=0)
HEAD = "$TTL 1\n@ SOA ns.test. you.test. 1 7200 900 604800 1\n@ NS ns.test.\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "s").init(workers="2", accounts=()) as made:
        yield made


def ask(server: Server, name: str, rdtype: str) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    query.flags &= ~dns.flags.RD
    return dns.query.udp(query, server.address, 5, server.port(53))


def signed(server: Server, name: str) -> bool:
    answer = ask(server, name, "DNSKEY").answer
    return any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in answer)


def facts(server: Server, zone: str, *words: str) -> dict[str, object]:
    said = server.run("zone", "dnssec", zone, *words, "--json").stdout
    value: dict[str, object] = json.loads(said)
    return value


def test_an_alias_at_the_apex_has_signed_addresses(server: Server) -> None:
    lines = f"{HEAD}@ ALIAS {HOSTNAME}.\n"
    (server.directory / "zones" / "c.test.zone").write_text(lines)
    keys = KeyStore(Layout(server.directory / "data").dnssec)
    with (of := keys.of(dns.name.from_text("c.test."))).locked():
        of.write(Ring(Policy()))
    server.start()
    eventually(lambda: signed(server, "c.test"))
    found = ask(server, "c.test", "A").answer
    assert [rrset.rdtype for rrset in found] == [dns.rdatatype.A, dns.rdatatype.RRSIG]
    assert found[0][0].to_text() == server.address


@needs("delv")
def test_delv_validates_what_was_signed_by_one_command(
    server: Server, tmp_path: Path
) -> None:
    server.start()
    server.run("zone", "dnssec", DOMAIN, "enable")
    eventually(lambda: signed(server, DOMAIN))
    keys = ask(server, DOMAIN, "DNSKEY").answer[0]
    (key,) = (key for key in keys if key.flags == 257)
    words = key.to_text().split(maxsplit=3)
    anchor = tmp_path / "anchor"
    anchor.write_text(
        f'trust-anchors {{ "{DOMAIN}" static-key {words[0]} {words[1]} {words[2]}'
        f' "{words[3]}"; }};\n'
    )
    for name, rdtype in (
        (DOMAIN, "MX"), (HOSTNAME, "A"), (f"none.{DOMAIN}", "A"), (DOMAIN, "AAAA"),
    ):  # fmt: skip
        done = subprocess.run(
            [path_of("delv"), "-a", anchor, f"+root={DOMAIN}", f"@{server.address}",
             "-p", str(server.port(53)), name, rdtype],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        assert "fully validated" in done.stdout, (name, rdtype, done.stdout)
    # Several processes answer, each with the same octets.
    answers = {ask(server, DOMAIN, "MX").to_text().split("\n", 1)[1] for _ in range(20)}
    assert len(answers) == 1


class Registrar:
    """Serves root, test and b.test by one pabal; carries DS records upwards."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.zones = server.directory / "zones"
        store = KeyStore(Layout(server.directory / "data").dnssec)
        for text in (".", "test.", "b.test."):
            keys = store.of(dns.name.from_text(text))
            with keys.locked():
                keys.write(Ring(QUICK))
        self.ds: dict[str, list[str]] = {"test.": [], "b.test.": []}
        self.write()

    def write(self) -> None:
        address = self.server.address
        (self.zones / "root.zone").write_text(
            HEAD + f"test. NS ns.test.\nns.test. A {address}\n"
            + "".join(f"{line}\n" for line in self.ds["test."])
        )  # fmt: skip
        (self.zones / "test.zone").write_text(
            HEAD + f"ns A {address}\nb NS ns\n"
            + "".join(f"{line}\n" for line in self.ds["b.test."])
        )  # fmt: skip
        (self.zones / "b.test.zone").write_text(
            HEAD + "www A 192.0.2.1\nwww A 192.0.2.2\n*.w TXT x\n"
        )

    def carry(self, zone: str) -> None:
        """Do what the zone's ``ds`` says, and let it look."""
        found = facts(self.server, zone, "ds")["ds"]
        assert isinstance(found, list)
        if found and found != self.ds[zone]:
            self.ds[zone] = found
            self.write()
            eventually(lambda: len(self.parents(zone)) == len(found))
        facts(self.server, zone, "checkds")

    def parents(self, zone: str) -> list[str]:
        shown = ask(self.server, zone, "DS").answer
        have = {
            rdata.to_text()
            for rrset in shown
            if rrset.rdtype == dns.rdatatype.DS
            for rdata in rrset
        }
        return [line for line in self.ds[zone] if line.split(" DS ")[1] in have]

    def keys(self, zone: str) -> list[tuple[int, str]]:
        """Return tag and algorithm of each key."""
        found = facts(self.server, zone)["keys"]
        assert isinstance(found, list)
        return [(key["key"], key["algorithm"]) for key in found]

    def state(self, zone: str) -> object:
        return facts(self.server, zone)["state"]


async def resolve(resolver: IterativeResolver, name: str, rdtype: str) -> Resolved:
    return await resolver.resolve(
        dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    )


def resolver_of(server: Server, anchor: str) -> IterativeResolver:
    place = NameServerAt("ns.test.", server.address, server.port(53))
    settings = ResolverSettings(
        root_hints=(place,), ipv6=False, trust_anchors=anchor, port=server.port(53)
    )
    return IterativeResolver(settings, NetworkExchange(), SystemClock(), SecureChance())


@pytest.mark.slow
async def test_a_hierarchy_is_secure_while_its_keys_roll(server: Server) -> None:
    registrar = Registrar(server)
    server.start()

    def secure(zone: str) -> bool:
        registrar.carry(zone)
        return registrar.state(zone) == "secure" and bool(registrar.ds[zone])

    for zone in ("test.", "b.test."):
        await asyncio.to_thread(eventually, lambda z=zone: secure(z), 60)
    found = facts(server, ".")["ds"]
    assert isinstance(found, list)
    anchor = str(found[0]["record"])
    lasting = resolver_of(server, anchor)

    async def believes() -> None:
        for resolver in (lasting, resolver_of(server, anchor)):
            for name, rdtype in (
                ("www.b.test.", "A"), ("none.b.test.", "A"), ("x.w.b.test.", "TXT"),
            ):  # fmt: skip
                found = await resolve(resolver, name, rdtype)
                assert found.security is Security.SECURE, (name, rdtype)
            if resolver is not lasting:
                await resolver.stop()

    await believes()
    for words in (["rollover"], ["algorithm", "ed25519"]):
        before = registrar.keys("b.test.")
        facts(server, "b.test.", *words)
        assert len(registrar.keys("b.test.")) == len(before) + 1
        async with asyncio.timeout(120):
            while len(registrar.keys("b.test.")) != 1:
                await believes()
                await asyncio.to_thread(registrar.carry, "b.test.")
        assert registrar.keys("b.test.") != before
    await believes()
    assert registrar.keys("b.test.")[0][1] == "ED25519"
    await lasting.stop()
