"""What is made of a change alone is what a look at everything would make."""

import random
from dataclasses import replace

import pytest

from pabal.dns.dnssec.keys import generate
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import order, relinking, shards
from pabal.dns.zone.linking import Place, place_at
from pabal.dns.zone.packed import Nodes, Rrsets
from pabal.dns.zone.shards import Shards, split
from pabal.dns.zone.signing import Last, Made, Plan, Signed, sign_served
from pabal.dns.zone.tree import Zone, changed
from tests.dns.zone.test_signing import KSK, NOW, TEXT, plan
from tests.support.zones import octets, zone

LABELS = ("a", "b", "c", "*", "mail", "ent", "w", "child", "old", "0")


def owner(chance: random.Random) -> bytes:
    labels = [chance.choice(LABELS) for _ in range(chance.randint(1, 3))]
    return octets(".".join([*labels, "example.com."]))


def edited(own: Zone, chance: random.Random) -> Zone:
    """Return ``own`` with a few names other than they were."""
    names: dict[bytes, Rrsets] = {}
    for _ in range(chance.randint(1, 4)):
        name = owner(chance)
        if chance.random() < 0.4:
            name = chance.choice([n for n in own.nodes if n != own.origin])
        sets = dict(own.nodes.get(name, {}))
        match chance.randrange(4):
            case 0:
                sets = {}
            case 1 if not {codes.NS, codes.DNAME, codes.CNAME} & sets.keys():
                sets[codes.TXT] = RRset(name, codes.TXT, 60, (b"\x01x",))
            case 2 if codes.CNAME not in sets:
                address = bytes((192, 0, 2, chance.randrange(256)))
                sets[codes.A] = RRset(name, codes.A, 300, (address,))
            case _ if chance.random() < 0.1 and not sets:
                sets[codes.NS] = RRset(name, codes.NS, 60, (octets("ns.test."),))
        names[name] = sets
    rdata = own.soa.rdatas[0]
    octets_of_serial = (own.serial + 1).to_bytes(4, "big")
    soa = replace(own.soa, rdatas=(rdata[:-20] + octets_of_serial + rdata[-16:],))
    names[own.origin] = {**own.apex, codes.SOA: soa}
    return changed(own, names, frozenset())


def last_of(own: Zone, signed: Signed, how: Plan) -> Last:
    made = Made(own, signed.zone, how.shape, signed.ttl_max_s)
    return Last(signed.zone.serial, signed.due, made=made)


def in_parts(own: Zone) -> Zone:
    """Return ``own`` held as a large zone is."""
    packed = Shards(split(dict(own.nodes.packed)))
    return replace(own, nodes=Nodes(packed, own.nodes.written))


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("nsec3", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_change_makes_what_everything_would(
    seed: int, monkeypatch: pytest.MonkeyPatch, *, nsec3: bool, large: bool
) -> None:
    chance = random.Random(seed)
    how = plan(KSK, nsec3=nsec3)
    own = zone(TEXT)
    if large:
        monkeypatch.setattr(shards, "SPLIT_NAMES", 1)
        monkeypatch.setattr(order, "RUN_NAMES", 2)
        own = in_parts(own)
    signed = sign_served(own, None, how, NOW, Last())
    for step in range(1, 25):
        after = edited(own, chance)
        last = last_of(own, signed, how)
        part = sign_served(after, signed.zone, how, NOW + step, last)
        whole = sign_served(
            after, signed.zone, how, NOW + step, replace(last, made=None)
        )
        assert dict(part.zone.nodes.packed) == dict(whole.zone.nodes.packed)
        assert part.made == whole.made
        # That of a signature that went counts until all are looked at.
        assert NOW < part.due <= whole.due
        assert part.zone.denial is not None
        assert whole.zone.denial is not None
        assert list(part.zone.denial.order) == list(whole.zone.denial.order)
        assert isinstance(part.zone.nodes.packed, Shards) == large
        own, signed = after, part


def test_only_what_a_change_touches_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    how = plan(KSK)
    own = zone(TEXT)
    signed = sign_served(own, None, how, NOW, Last())
    name = octets("new.example.com.")
    sets = {codes.A: RRset(name, codes.A, 60, (b"\xc0\x00\x02\x09",))}
    after = changed(own, {name: sets}, frozenset())
    looked: list[bytes] = []

    def noted(own: Zone, name: bytes) -> Place:
        looked.append(name)
        return place_at(own, name)

    monkeypatch.setattr(relinking, "place_at", noted)
    part = sign_served(after, signed.zone, how, NOW, last_of(own, signed, how))
    # Its address and NSEC, the NSEC before it, the SOA.
    assert part.made == 4
    assert looked == [name, octets("mail.example.com.")]


def test_nothing_changed_is_the_version_before() -> None:
    how = plan(KSK)
    own = zone(TEXT)
    signed = sign_served(own, None, how, NOW, Last())
    again = sign_served(own, signed.zone, how, NOW + 9, last_of(own, signed, how))
    assert again.zone is signed.zone
    assert again.due == signed.due


@pytest.mark.parametrize("nsec3", [False, True])
def test_everything_is_looked_at_where_a_part_does_not_do(*, nsec3: bool) -> None:
    how = plan(KSK, nsec3=nsec3)
    own = zone(TEXT)
    signed = sign_served(own, None, how, NOW, Last())
    last = last_of(own, signed, how)
    other = plan(generate(), nsec3=nsec3)
    assert sign_served(own, signed.zone, other, NOW, last).made > 10
    assert sign_served(own, signed.zone, how, signed.due, last).made > 0
    for line in ("deep NS ns.test.\nx.deep A 192.0.2.1\n", "$TTL 7\nQ A 192.0.2.1\n"):
        after = zone(TEXT + line)
        part = sign_served(after, signed.zone, how, NOW, last)
        whole = sign_served(after, signed.zone, how, NOW, replace(last, made=None))
        assert dict(part.zone.nodes.packed) == dict(whole.zone.nodes.packed)
