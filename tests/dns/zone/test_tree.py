import random

import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import shards, tree
from pabal.dns.zone.packed import Rrsets
from pabal.dns.zone.tree import Zone, ZoneBuildError, build_zone, changed, names_below
from tests.support.zones import HEAD, octets, zone


def test_empty_non_terminals_exist() -> None:
    made = zone(HEAD + "a.b.c A 192.0.2.9\n")
    assert made.nodes[octets("b.c.example.com")] == {}
    assert made.nodes[octets("c.example.com")] == {}
    assert octets("com.") not in made.nodes


def test_soa_and_its_negative_twin() -> None:
    made = zone(HEAD)
    assert made.serial == 1
    assert made.soa.ttl_s == 3600
    assert made.negative_soa.ttl_s == 300
    assert not made.is_derived(made.soa)


def test_names_are_folded() -> None:
    made = zone(HEAD + "WWW A 192.0.2.9\n")
    assert made.nodes[octets("www.example.com")][codes.A].owner == octets(
        "WWW.example.com"
    )


def test_no_soa_no_zone() -> None:
    with pytest.raises(ZoneBuildError):
        build_zone(octets("example.com."), [])


def texts(name: bytes, number: int) -> Rrsets:
    return {codes.TXT: RRset(name, codes.TXT, 60, (b"\x01%d" % (number % 10),))}


def all_again(made: Zone) -> Zone:
    rrsets = [r for node in made.nodes.values() for r in node.values()]
    return build_zone(made.origin, rrsets)


@pytest.mark.parametrize("split_names", [8192, 4])
def test_what_comes_and_goes_leaves_what_a_new_zone_would_have(
    split_names: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SPLIT_NAMES", split_names)
    chance = random.Random(7)
    labels = ("a", "b", "c")
    made = zone(HEAD)
    for number in range(400):
        names: dict[bytes, Rrsets] = {}
        for _ in range(chance.randrange(1, 4)):
            depth = chance.randrange(1, 5)
            text = ".".join(chance.choice(labels) for _ in range(depth))
            name = octets(f"{text}.example.com")
            names[name] = {} if chance.random() < 0.5 else texts(name, number)
        before, kept = made, dict(made.nodes.packed)
        made = changed(made, names, frozenset())
        assert dict(made.nodes.packed) == dict(all_again(made).nodes.packed)
        assert dict(before.nodes.packed) == kept
        if made.below is not None:
            counted = names_below(made.nodes.packed, made.origin)
            assert dict(made.below) == dict(counted)


def test_a_name_and_the_empty_one_above_go_at_once() -> None:
    """The second went with the first: it must not be counted again."""
    records = HEAD + "a.b.ent A 192.0.2.1\nc.ent A 192.0.2.1\n"
    gone = ("a.b.ent", "b.ent")
    names: dict[bytes, Rrsets] = {octets(f"{name}.example.com"): {} for name in gone}
    made = changed(zone(records), names, frozenset())
    assert dict(made.nodes.packed) == dict(all_again(made).nodes.packed)
    assert dict(made.below or {}) == dict(names_below(made.nodes.packed, made.origin))
    assert octets("c.ent.example.com") in made.nodes
    names = {octets(f"{name}.example.com"): {} for name in ("c.ent", "ent")}
    made = changed(made, names, frozenset())
    assert dict(made.nodes.packed) == dict(all_again(made).nodes.packed)
    assert not made.below


def test_names_are_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large zone that takes a while; each further deletion costs what it is."""
    made = zone(HEAD + "".join(f"h{n} A 192.0.2.1\n" for n in range(9)))
    first = changed(made, {octets("h1.example.com"): {}}, frozenset())
    monkeypatch.setattr(tree, "names_below", None)
    second = changed(first, {octets("h2.example.com"): {}}, frozenset())
    assert octets("h2.example.com") not in second.nodes
    assert octets("h2.example.com") in first.nodes
