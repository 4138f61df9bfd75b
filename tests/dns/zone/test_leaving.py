"""Zones that leave: which they are, and that they go in small pieces."""

import gc
import weakref
from dataclasses import replace
from itertools import pairwise

import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import leaving
from pabal.dns.zone.batch import Basis, Held
from pabal.dns.zone.leaving import large_replaced, let_go, replaced_zone, unused
from pabal.dns.zone.packed import Nodes
from pabal.dns.zone.shards import PARTS, Shards, parts_of, split
from pabal.dns.zone.tree import Zone, changed
from tests.support.zones import HEAD, octets, zone

APEX = octets("example.com.")


class Part(dict[bytes, bytes]):
    """A dict whose end can be seen."""

    __slots__ = ("__weakref__",)


def large() -> Zone:
    """Return a zone in parts."""
    made = zone(HEAD)
    parts = [Part(part) for part in split(dict(made.nodes.packed))]
    return replace(made, nodes=Nodes(Shards([*parts]), {}))


def held(own: Zone, served: Zone | None = None) -> Held:
    basis = Basis(None, (), hosted=False, derived=())
    return Held(basis, own, served or own, None, copied=False)


def test_what_is_replaced_leaves() -> None:
    one, other, signed = large(), large(), large()
    before = held(one, signed)
    assert replaced_zone(None, before) == []
    assert replaced_zone(before, before) == []
    assert replaced_zone(before, None) == [one, signed]
    assert replaced_zone(before, held(other, signed)) == [one]
    assert replaced_zone(before, held(other)) == [one, signed]
    text = RRset(APEX, codes.TXT, 60, (b"\x01x",))
    after = changed(one, {APEX: {**one.apex, codes.TXT: text}}, frozenset())
    assert replaced_zone(held(one), held(after)) == [], "most is in the next"


def test_small_versions_of_one_zone_are_no_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = held(large()), held(large())
    assert large_replaced(one, other) == []
    monkeypatch.setattr(leaving, "SPLIT_NAMES", 1)
    assert large_replaced(one, other) == [one.own]
    assert large_replaced(one, None) == [one.own]
    assert large_replaced(None, other) == []


def test_a_zone_goes_piece_by_piece() -> None:
    leaver, kept = large(), large()
    found = parts_of(leaver.nodes.packed)
    seen = [weakref.ref(part) for part in found if isinstance(part, Part)]
    assert len(seen) == PARTS
    zones = [leaver, kept]
    left: list[int] = []
    gc.disable()  # by reference counts alone
    try:
        del leaver, found
        let_go(zones, lambda: left.append(sum(ref() is not None for ref in seen)))
    finally:
        gc.enable()
    assert not zones
    assert left[0] >= PARTS - 1
    assert left[-1] == 0
    assert max(a - b for a, b in pairwise(left)) == 1
    assert kept.nodes.packed[APEX], "somebody else has it"


def test_what_somebody_holds_stays() -> None:
    kept = large()
    zones = [large(), kept, large()]
    assert len(unused(zones)) == 2
    assert zones == [kept]
    del kept
    assert len(unused(zones)) == 1
    assert not zones
