"""A zone that is really signed while time passes, and every cache there could be.

The parent follows the CDS that the zone really publishes. Whatever a cache may hold,
older data from different moments included, is validated with ``pabal.dns.dnssec``.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from pabal.dns.dnssec.algorithm import load as load_key
from pabal.dns.dnssec.digest import matches
from pabal.dns.dnssec.keystate import Policy, Ring, Role
from pabal.dns.dnssec.record import record
from pabal.dns.dnssec.rollover import adopt, is_settled, roll
from pabal.dns.dnssec.signature import Effort, check, signatures_of
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset, to_dnspython
from pabal.dns.zone.denial import signatures
from pabal.dns.zone.keystore import KeyStore
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signer import ZoneSigner
from pabal.dns.zone.tree import Zone
from tests.dns.dnssec.world import Versions
from tests.support.zones import FixedClock, octets, zone

NAME = dns.name.from_text("example.com.")
TTL_S = 1800
DS_TTL_S = 7200
TICK_S = 1800
LATE_S = 900
POLICY = Policy(
    dnskey_ttl_s=1200, propagation_s=LATE_S, parent_propagation_s=LATE_S,
    zsk_lifetime_s=0,
)  # fmt: skip
TEXT = (
    f"$TTL {TTL_S}\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\n"
    "ns A 192.0.2.1\nwww A 192.0.2.2\nwww A 192.0.2.3\n*.w TXT x\na.b.c A 192.0.2.4\n"
)
LOOKED_AT = (("www.example.com.", codes.A), ("example.com.", codes.SOA))

Signed = tuple[RRset, tuple[RRset, ...]]
"""A set and its signatures, as a cache keeps them."""


class SignedWorld:
    """One zone, its signer, its parent and the caches."""

    def __init__(self, directory: Path, text: str = TEXT, **policy: Any) -> None:
        self.clock = FixedClock(1_800_000_000)
        self.own = zone(text)
        self.store = KeyStore(directory)
        self.files = SignedZones(directory)
        self.signer = ZoneSigner(self.store, self.files, self.clock)
        self.keys = self.store.of(NAME)
        with self.keys.locked():
            self.keys.write(Ring(replace(POLICY, **policy)))
        self.ds: Versions[tuple[bytes, ...]] = Versions(DS_TTL_S + LATE_S, ())
        self.dnskeys: Versions[Signed | None] = Versions(1200 + LATE_S, None)
        self.sets = [Versions[Signed | None](TTL_S + LATE_S, None) for _ in LOOKED_AT]
        self.is_secure = False
        self.obeys = True
        self.versions = 0
        self.tick_s = TICK_S
        self._valid: dict[tuple[object, object, object], None] = {}

    @property
    def at(self) -> int:
        return int(self.clock.at)

    @property
    def ring(self) -> Ring:
        ring = self.keys.read()
        assert ring is not None
        return ring

    @property
    def served(self) -> Zone:
        self.files.begin()
        return self.files(self.own, None)

    def adopt(self, **policy: Any) -> None:
        """Change the policy, as the command line does."""
        with self.keys.locked():
            self.keys.write(adopt(self.ring, replace(self.ring.policy, **policy)))

    def roll(self, *roles: Role) -> None:
        with self.keys.locked():
            self.keys.write(roll(self.ring, roles))

    def tick(self) -> None:
        if NAME in self.signer.watched():
            records = [record(DS, dns.rdatatype.DS, rdata) for rdata in self.ds.now]
            self.signer.saw(NAME, records, DS_TTL_S if records else 0)
        turn = self.signer.turn({self.own.origin: self.own})
        self.versions += len(turn.changed)
        self._publish(self.served)
        self.check()
        self.clock.at += self.tick_s

    def _publish(self, served: Zone) -> None:
        self.dnskeys.put(_signed(served, "example.com.", codes.DNSKEY), self.at)
        for versions, (owner, rdtype) in zip(self.sets, LOOKED_AT, strict=True):
            versions.put(_signed(served, owner, rdtype), self.at)
        cds = served.apex.get(codes.CDS)
        if cds is not None and self.obeys:
            # RFC 7344 §6.1: what it asks for must validate before the parent obeys.
            wanted = () if cds.rdatas == (bytes(5),) else cds.rdatas
            self.ds.put(wanted, self.at)

    def check(self) -> None:
        """Fail if some cache's mixture of old and new is not secure."""
        for ds in self.ds.held(self.at):
            assert ds or not self.is_secure, "the chain of trust is gone"
            if not ds:
                continue
            for keys in self.dnskeys.held(self.at):
                for versions in self.sets:
                    for signed in versions.held(self.at):
                        assert keys is not None, "a DS without DNSKEY records"
                        assert signed is not None
                        self._validate(ds, keys, signed)

    def _validate(self, ds: tuple[bytes, ...], keys: Signed, signed: Signed) -> None:
        mixture = (ds, keys, signed)
        if mixture not in self._valid:
            validate(ds, keys, signed, self.at)
            self._valid[mixture] = None

    def run(self, holds: Callable[["SignedWorld"], bool], hours: int = 24 * 40) -> int:
        begin = self.at
        while not holds(self):
            self.tick()
            assert self.at < begin + hours * 3600, self.ring
        return self.at - begin

    def settle(self) -> int:
        """Let time pass until nothing is under way."""
        return self.run(lambda world: settled(world.ring))


def settled(ring: Ring) -> bool:
    """Whether every key is wanted and known everywhere."""
    return bool(ring.keys) and all(key.wanted and is_settled(key) for key in ring.keys)


def _signed(served: Zone, owner: str, rdtype: int) -> Signed | None:
    rrsets = served.nodes[octets(owner)]
    rrset = rrsets.get(rdtype)
    return None if rrset is None else (rrset, signatures(rrsets, rrset))


def validate(ds: tuple[bytes, ...], keys: Signed, signed: Signed, at: float) -> None:
    """Check ``signed`` from the DS set down, as a validator does; raises if bogus.

    Stricter: the DNSKEY set holds by every algorithm of the DS set, and the records by
    every algorithm of the DNSKEY set (RFC 6840 §5.11 lets a validator be content).
    """
    dnskeys = to_dnspython(keys[0])
    over_keys = [to_dnspython(each) for each in keys[1]]
    records = [record(DS, dns.rdatatype.DS, rdata) for rdata in ds]
    loaded = [load_key(each) for each in dnskeys if isinstance(each, DNSKEY)]
    known = [key for key in loaded if key is not None]
    for algorithm in {int(each.algorithm) for each in records}:
        trusted = [
            key
            for key in known
            if key.algorithm == algorithm
            and any(matches(each, NAME, key.dnskey) for each in records)
        ]
        found = signatures_of(over_keys, NAME, dns.rdatatype.DNSKEY)
        check(dnskeys, found, NAME, trusted, at, Effort())
    rrset = to_dnspython(signed[0])
    over_set = [to_dnspython(each) for each in signed[1]]
    for algorithm in {key.algorithm for key in known}:
        found = signatures_of(over_set, rrset.name, rrset.rdtype)
        mine = [each for each in found if each.algorithm == algorithm]
        check(rrset, mine, NAME, known, at, Effort())
