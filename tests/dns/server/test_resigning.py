from dataclasses import replace
from pathlib import Path

import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from pabal.dns.dnssec.algorithm import load as load_key
from pabal.dns.dnssec.record import record
from pabal.dns.dnssec.signature import Effort, check
from pabal.dns.server.pools import pools_of
from pabal.dns.server.resigning import Resigner
from pabal.dns.settings import PoolSettings
from pabal.dns.wire import codes
from pabal.dns.wire.response import Response
from pabal.dns.wire.rrset import RRset, to_dnspython
from pabal.dns.zone.lookup import lookup
from pabal.dns.zone.tree import Zone
from tests.dns.zone.signed_world import NAME, SignedWorld
from tests.support.zones import octets

WWW = octets("www.example.com.")
LIVES, DEAD = bytes((192, 0, 2, 2)), bytes((192, 0, 2, 3))


class World(SignedWorld):
    """A signed zone with a pool, one host of which is dead."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, split=True)
        settings = PoolSettings("web", ("www.example.com",), probe="tcp:80", fall=1)
        self.pools = pools_of([settings])
        (pool,) = self.pools.all
        pool.seen([LIVES, DEAD])
        pool.note(pool.hosts[DEAD], well=False)
        self.sign()
        self.resigner = Resigner(self.pools, self, self.store, self.clock)

    def sign(self) -> None:
        self.signer.turn({self.own.origin: self.own})

    def find(self, name: bytes, rdtype: int) -> Zone | None:
        """Return the only zone there is."""
        return self.served if name.endswith(self.own.origin) and rdtype else None

    def ask(self) -> tuple[RRset, RRset]:
        answer = lookup(self, WWW, codes.A, dnssec_ok=True)
        assert answer is not None
        response: Response = self.pools.adjusted(answer.response, answer.zone.origin)
        addresses, signature = response.answer
        return addresses, signature

    def validate(self, addresses: RRset, signature: RRset) -> None:
        """Fail if the addresses are not signed by the zone's keys."""
        dnskeys = self.served.apex[codes.DNSKEY].rdatas
        found = [
            load_key(record(DNSKEY, dns.rdatatype.DNSKEY, rdata)) for rdata in dnskeys
        ]
        keys = [key for key in found if key is not None]
        made = [record(RRSIG, dns.rdatatype.RRSIG, r) for r in signature.rdatas]
        whole = replace(addresses, ttl_s=1800)
        check(to_dnspython(whole), made, NAME, keys, self.at, Effort())


async def test_what_is_left_is_signed_by_the_keys_of_the_zone(tmp_path: Path) -> None:
    world = World(tmp_path)
    addresses, signature = world.ask()
    assert set(addresses.rdatas) == {LIVES, DEAD}
    world.validate(addresses, signature)
    assert await world.resigner.refresh()
    assert not await world.resigner.refresh()
    addresses, signature = world.ask()
    assert addresses.rdatas == (LIVES,)
    world.validate(addresses, signature)


async def test_a_zone_signed_anew_has_its_parts_signed_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.resigner.refresh()
    _, before = world.ask()
    world.clock.at += 12 * 86_400
    world.sign()
    assert len(world.ask()[0].rdatas) == 2
    assert await world.resigner.refresh()
    addresses, after = world.ask()
    assert addresses.rdatas == (LIVES,)
    assert before.rdatas != after.rdatas
    world.validate(addresses, after)
    # Back again: nothing is kept of it.
    world.pools.all[0].hosts[DEAD].is_well = True
    assert await world.resigner.refresh()
    assert world.pools.signed == {}


async def test_without_the_keys_the_set_stays_whole(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.resigner.store = type(world.store)(tmp_path / "elsewhere")
    assert not await world.resigner.refresh()
    assert len(world.ask()[0].rdatas) == 2


class Nothing:
    """What everybody sees, where only a view has the zone."""

    @staticmethod
    def find(name: bytes, rdtype: int) -> Zone | None:
        return None


async def test_what_is_left_of_a_set_of_a_view_is_signed_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.resigner = Resigner(
        world.pools, Nothing(), world.store, world.clock, (world,)
    )
    assert await world.resigner.refresh()
    addresses, signature = world.ask()
    assert addresses.rdatas == (LIVES,)
    world.validate(addresses, signature)
