"""Zones signed while they are served, before other people's servers and checkers.

BIND transfers them, Unbound validates them, BIND's and Knot's tools check them.
"""

import asyncio
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.tsig
import dns.xfr
import pytest

import dns.zone
from pabal.base.clock import SystemClock
from pabal.dns.dnssec.delegation import ds_of
from pabal.dns.dnssec.keystate import Policy, Ring
from pabal.dns.dnssec.rollover import adopt
from pabal.dns.server.nameserver import NameServer
from pabal.dns.server.resigning import Resigner
from pabal.dns.settings import DnsSettings, PoolSettings
from pabal.dns.zone.keystore import KeyStore
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signer import ZoneSigner
from tests.interop.peer import needs, path_of
from tests.interop.test_transfer_bind import (
    KEY,
    LOOPBACK,
    PORT,
    SECRET,
    Place,
    named,
    pabal,
    reaches,
    serial,
    until,
    whole,
)
from tests.interop.unbound import stub_zone, unbound
from tests.support.ports import free_port
from tests.support.server import own_address

NAME = dns.name.from_text("a.test.")
NOW = Policy(dnskey_ttl_s=0, propagation_s=0, parent_propagation_s=0)
TEXT = (
    "$TTL 0\n@ SOA ns hostmaster 5 3 2 1209600 60\n@ NS ns\nns A 192.0.2.1\n"
    "@ MX 10 mail\nmail AAAA 2001:db8::25\nwww A 192.0.2.2\nwww A 192.0.2.3\n"
    "*.w TXT x\nhere.w A 192.0.2.4\nbig.Letters A 192.0.2.9\nold DNAME new\n"
    "child NS ns.child\nns.child A 192.0.2.5\nchild DS 1 13 2 " + "ab" * 32 + "\n"
    "plain NS ns.plain\nns.plain A 192.0.2.6\nalias CNAME www\na.b.c A 192.0.2.7\n"
    '_s._tcp SRV 0 1 2 Mail\n@ CAA 0 issue "ca.test"\nodd TYPE65280 \\# 2 abcd\n'
)


class Signing:
    """A server whose zone is signed by hand, turn by turn."""

    def __init__(self, server: NameServer, directory: Path, policy: Policy) -> None:
        self.server = server
        self.zones = server._loader.zones
        files = self.zones.finish = SignedZones(directory)
        store = KeyStore(directory)
        self.keys = store.of(NAME)
        self.signer = ZoneSigner(store, files, SystemClock())
        with self.keys.locked():
            self.keys.write(Ring(policy))

    @property
    def ring(self) -> Ring:
        ring = self.keys.read()
        assert ring is not None
        return ring

    async def turn(self) -> None:
        await asyncio.to_thread(self.signer.turn, self.zones.owners)
        await self.server.reload()

    async def obey(self) -> None:
        """Do a turn, and be the parent that follows CDS at once."""
        await self.turn()
        wanted = [ds_of(NAME, key) for key in self.ring.keys if key.is_for_parent]
        self.signer.saw(NAME, wanted, 0)
        ring = self.ring
        # Waits at the parent are for its TTL at least: time passes in the state.
        keys = [replace(k, ds=replace(k.ds, since=k.ds.since and 1)) for k in ring.keys]
        with self.keys.locked():
            self.keys.write(replace(ring, keys=tuple(keys)))

    @property
    def serial(self) -> int:
        zone = self.zones.get(NAME)
        assert zone is not None
        return zone.serial


def prepared(directory: Path, text: str = TEXT) -> Path:
    zones = directory / "zones"
    zones.mkdir(parents=True)
    file = zones / "a.test.zone"
    file.write_text(text)
    return file


async def checked(place: Place, file: Path) -> None:
    """Let the tools of BIND and Knot check the zone as it is transferred."""
    keys = {dns.name.from_text("xfr.test"): dns.tsig.Key("xfr.test", SECRET)}
    zone = dns.zone.Zone("a.test", relativize=False)
    query, _ = dns.xfr.make_query(zone, keyring=keys, keyname=next(iter(keys)))
    await dns.asyncquery.inbound_xfr(place[0], zone, query, place[1])
    file.write_text(zone.to_text(relativize=False))
    for words in (
        ["dnssec-verify", "-z", "-o", "a.test.", str(file)],
        ["kzonecheck", "-o", "a.test.", "--dnssec", "on", str(file)],
    ):
        if path_of(words[0]):
            done = await asyncio.to_thread(run, words)
            assert done.returncode == 0, done.stdout + done.stderr


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [path_of(words[0]), *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@needs("named")
@pytest.mark.slow
@pytest.mark.parametrize("nsec3", [False, True])
async def test_a_secondary_follows_signatures_and_roll_overs(
    tmp_path: Path, *, nsec3: bool
) -> None:
    ours, theirs = (own_address(), PORT), (LOOPBACK, free_port())
    file = prepared(tmp_path / "pabal")
    settings = DnsSettings(
        "ns.test",
        keys=(KEY,),
        allow_transfer=("key xfr.test",),
        notify=(f"{LOOPBACK}:{theirs[1]} key xfr.test",),
    )
    conf = f"""zone "a.test" {{ type secondary; file "a.test.copy";
        masterfile-format text; allow-transfer {{ key xfr.test; }};
        primaries port {PORT} {{ {ours[0]} key xfr.test; }}; }};"""
    async with pabal(tmp_path / "pabal", ours[0], settings) as server:
        signing = Signing(server, tmp_path / "dnssec", replace(NOW, nsec3=nsec3))
        await signing.turn()
        assert signing.serial == 5
        with named(tmp_path / "bind", theirs[1], conf):
            await reaches(theirs, 5)
            assert await whole(ours) == await whole(theirs)
            await checked(ours, tmp_path / "first")
            file.write_text(TEXT + "new A 192.0.2.77\n")
            await server.reload()
            await signing.turn()
            await reaches(theirs, signing.serial)
            assert signing.serial > 5
            assert await whole(ours) == await whole(theirs)
            with signing.keys.locked():
                changed = replace(signing.ring.policy, algorithm=15)
                signing.keys.write(adopt(signing.ring, changed))
            seen = {signing.serial}
            while {key.algorithm for key in signing.ring.keys} != {15}:
                await signing.obey()
                await checked(ours, tmp_path / "then")
                seen.add(signing.serial)
            await signing.turn()
            await reaches(theirs, signing.serial)
            assert await whole(ours) == await whole(theirs)
            assert len(seen) >= 4
    log = (tmp_path / "bind" / "log").read_text()
    assert "Transfer status: success" in log


def validating(
    directory: Path, zone_at: Place, anchor: str
) -> AbstractContextManager[Place]:
    """Run an Unbound that knows the key of our zone and remembers nothing."""
    lines = f"""harden-algo-downgrade: yes
        module-config: "validator iterator"
        trust-anchor: "{anchor}"
        local-zone: "test." nodefault
        cache-max-ttl: 0
        cache-max-negative-ttl: 0"""
    return unbound(directory, lines, stub_zone("a.test", *zone_at))


QUESTIONS = [
    ("a.test", "SOA"), ("a.test", "MX"), ("www.a.test", "A"), ("none.a.test", "A"),
    ("www.a.test", "MX"), ("x.w.a.test", "TXT"), ("x.w.a.test", "A"),
    ("here.w.a.test", "TXT"), ("alias.a.test", "A"), ("child.a.test", "DS"),
    ("plain.a.test", "DS"), ("b.c.a.test", "A"), ("a.test", "DNSKEY"),
    ("a.test", "CDS"), ("BIG.letters.A.test", "A"), ("_s._tcp.a.test", "SRV"),
    ("a.test", "CAA"), ("odd.a.test", "TYPE65280"), ("old.a.test", "DNAME"),
]  # fmt: skip


async def validated(place: Place, name: str, rdtype: str) -> bool:
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    answer = await dns.asyncquery.tcp(query, place[0], 10, place[1])
    assert answer.rcode() in (0, 3), (name, rdtype, answer.to_text())
    return bool(answer.flags & dns.flags.AD)


@needs("unbound")
@pytest.mark.parametrize("nsec3", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_unbound_validates_everything(tmp_path: Path, *, nsec3: bool) -> None:
    ours = own_address(), PORT
    prepared(tmp_path / "pabal")
    async with pabal(tmp_path / "pabal", ours[0], DnsSettings("ns.test")) as server:
        policy = replace(NOW, nsec3=nsec3, split=True)
        signing = Signing(server, tmp_path / "dnssec", policy)
        await signing.turn()
        ksk = next(key for key in signing.ring.keys if key.role.is_sep)
        anchor = f"a.test. IN DS {ds_of(NAME, ksk).to_text()}"
        with validating(tmp_path / "unbound", ours, anchor) as place:

            async def answers() -> bool:
                return await serial(place) == signing.serial

            await until(answers)
            for name, rdtype in QUESTIONS:
                for _ in range(3):  # round robin turns what is signed
                    assert await validated(place, name, rdtype), (name, rdtype)


@needs("unbound")
async def test_unbound_validates_what_is_left_of_a_set(tmp_path: Path) -> None:
    ours = own_address(), PORT
    prepared(tmp_path / "pabal")
    pool = PoolSettings("web", ("www.a.test",), ("192.0.2.2 3",), "tcp:9", fall=1)
    settings = DnsSettings("ns.test", pools=(pool,))
    async with pabal(tmp_path / "pabal", ours[0], settings) as server:
        signing = Signing(server, tmp_path / "dnssec", replace(NOW, split=True))
        await signing.turn()
        store = KeyStore(tmp_path / "dnssec")
        resigner = Resigner(server.pools, signing.zones, store, SystemClock())
        (mine,) = server.pools.all
        mine.seen(server.pool_addresses(mine))
        ksk = next(key for key in signing.ring.keys if key.role.is_sep)
        anchor = f"a.test. IN DS {ds_of(NAME, ksk).to_text()}"
        with validating(tmp_path / "unbound", ours, anchor) as place:

            async def answers() -> bool:
                return await serial(place) == signing.serial

            await until(answers)
            for dead in (None, bytes((192, 0, 2, 2)), bytes((192, 0, 2, 3))):
                if dead is not None:
                    assert mine.note(mine.hosts[dead], well=False)
                await resigner.refresh()
                server.pool_changed()
                for name in ("www.a.test", "alias.a.test"):
                    assert await validated(place, name, "A")
                left = await addresses(ours)
                if dead is None:
                    # Weights say who stands first, also beside signatures.
                    firsts = [(await addresses(ours))[0] for _ in range(8)]
                    assert firsts.count("192.0.2.2") == 6
                elif dead[3] == 2:
                    assert left == ["192.0.2.3"]
                else:
                    assert len(left) == 2, "with nobody left all are said"


async def addresses(place: Place) -> list[str]:
    query = dns.message.make_query("www.a.test", "A", want_dnssec=True)
    answer = await dns.asyncquery.udp(query, place[0], 5, place[1])
    return [rdata.to_text() for rdata in answer.answer[0]]
