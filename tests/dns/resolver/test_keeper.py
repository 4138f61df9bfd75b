import asyncio

import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.ports import ResolutionError, Security
from pabal.dns.resolver.anchors import TrustAnchor
from pabal.dns.resolver.anchorstate import (
    ADD_HOLD_S,
    DAY_S,
    HOUR_S,
    RETRY_S,
    Sighting,
)
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.keeper import AnchorKeeper
from pabal.dns.resolver.settings import ResolverSettings
from tests.dns.resolver.test_anchorstate import (
    CONFIGURED,
    NEW,
    OLD,
    ROOT,
    revoked,
    sight,
)
from tests.scenario.dns.network import FakeChance, FakeClock, FakeNetwork, FakeServer
from tests.scenario.dns.signed import SignedZone, ds_text


class MemoryStore:
    def __init__(self, text: str = "") -> None:
        self.text = text
        self.broken = False

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        if self.broken:
            raise OSError("no room")
        self.text = text


class FakeResolver:
    """Shows what ``seen`` says, and notes what it is to trust."""

    def __init__(self, seen: Sighting | None) -> None:
        self.configured = {ROOT: CONFIGURED}
        self.seen = seen
        self.asked = 0
        self.trusted: TrustAnchor | None = None

    def trust(self, zone: dns.name.Name, anchor: TrustAnchor | None) -> None:
        assert zone == ROOT
        self.trusted = anchor

    async def fetch(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Claim:
        self.asked += 1
        if self.seen is None:
            raise ResolutionError("away")
        signatures = [
            dns.rrset.from_rdata_list(name, 60, [one]) for one in self.seen.signatures
        ]
        return Claim(name, rdtype, self.seen.rrset, evidence=tuple(signatures))

    def vouches(self, key: object) -> bool:
        return self.trusted is not None and self.trusted.vouches_for(key)  # type: ignore[arg-type]  # a DNSKEY


async def test_a_roll_over_takes_thirty_days_and_survives_a_restart() -> None:
    clock, store = FakeClock(1_000_000.0), MemoryStore()
    resolver = FakeResolver(sight([OLD, NEW], [OLD]))
    keeper = AnchorKeeper(resolver, store, clock)
    await keeper.restore()
    assert resolver.vouches(OLD.dnskey)
    begun = clock.now()
    while clock.now() - begun < ADD_HOLD_S:
        assert not resolver.vouches(NEW.dnskey)
        clock.pass_(await keeper.look() + 1)
        # Another process, or this one after a restart, goes on where it was.
        keeper = AnchorKeeper(resolver, store, clock)
    await keeper.look()
    assert resolver.vouches(NEW.dnskey)
    assert resolver.asked < 40
    gone = revoked(OLD)
    resolver.seen = sight([gone, NEW], [gone, NEW])
    clock.pass_(2 * DAY_S)
    await keeper.look()
    assert not resolver.vouches(OLD.dnskey)
    fresh = FakeResolver(None)
    await AnchorKeeper(fresh, store, clock).restore()
    assert fresh.vouches(NEW.dnskey)
    assert not fresh.vouches(OLD.dnskey)


async def test_nothing_is_asked_before_its_time() -> None:
    clock, store = FakeClock(1_000_000.0), MemoryStore()
    resolver = FakeResolver(sight([OLD], [OLD]))
    keeper = AnchorKeeper(resolver, store, clock)
    assert await keeper.look() == DAY_S
    clock.pass_(HOUR_S)
    assert await keeper.look() == DAY_S - HOUR_S
    assert resolver.asked == 1


async def test_what_cannot_be_seen_changes_nothing() -> None:
    clock, store = FakeClock(1_000_000.0), MemoryStore()
    resolver = FakeResolver(sight([OLD, NEW], [OLD]))
    keeper = AnchorKeeper(resolver, store, clock)
    await keeper.look()
    for seen in (None, sight([NEW], [NEW]), sight([OLD, NEW], [])):
        resolver.seen = seen
        clock.pass_(ADD_HOLD_S)
        assert await keeper.look() == RETRY_S
        assert resolver.vouches(OLD.dnskey)
        assert not resolver.vouches(NEW.dnskey)


async def test_a_store_that_fails_costs_only_what_was_learnt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = FakeClock(1_000_000.0)
    resolver = FakeResolver(sight([OLD], [OLD]))
    store = MemoryStore("nonsense")
    store.broken = True
    await AnchorKeeper(resolver, store, clock).look()
    assert resolver.vouches(OLD.dnskey)
    assert store.text == "nonsense"


async def test_the_real_resolver() -> None:
    clock = FakeClock()
    net = FakeNetwork(clock)
    lines = ["@ SOA . . 1 1 1 1 60", "@ NS root.", "www 60 A 192.0.2.80"]
    zone = SignedZone.signed(".", lines, ["ksk"])
    net.servers["192.0.2.1"] = FakeServer(zones=[zone])
    settings = ResolverSettings(
        root_hints=(Server("root.", "192.0.2.1"),), trust_anchors=f". {ds_text('.')}"
    )
    resolver = IterativeResolver(settings, net, clock, FakeChance())
    store = MemoryStore()
    resolver.attend(AnchorKeeper(resolver, store, clock).restore(), "anchors")
    await AnchorKeeper(resolver, store, clock).look()
    assert " valid " in store.text
    www = dns.name.from_text("www.")
    found = await resolver.resolve(www, dns.rdatatype.A)
    assert found.security is Security.SECURE
    # Without its anchor, the same is not vouched for by anybody.
    resolver.trust(ROOT, None)
    resolver.cache.flush(ROOT)
    found = await resolver.resolve(www, dns.rdatatype.A)
    assert found.security is Security.INDETERMINATE
    await asyncio.sleep(0)
    await resolver.stop()
