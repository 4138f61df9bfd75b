from collections.abc import Mapping
from pathlib import Path

import dns.name
import pytest

from pabal.dns.server.catalogs import MEMBERS_FILE, Catalogs, Listed
from pabal.dns.wire.rrset import name_of
from pabal.dns.zone.tree import Zone
from tests.support.zones import HEAD, zone

ONE, TWO = dns.name.from_text("one.test"), dns.name.from_text("two.test")
A, B = dns.name.from_text("a.test"), dns.name.from_text("b.test")


def by(found: Mapping[dns.name.Name, Listed]) -> dict[dns.name.Name, dns.name.Name]:
    """Return which catalog lists each zone."""
    return {name: name_of(each.catalog) for name, each in found.items()}


class World:
    """Catalogs as zones, and who follows them."""

    def __init__(self, directory: Path, *taken: dns.name.Name) -> None:
        self.directory = directory
        self.taken = taken
        self.zones: dict[dns.name.Name, Zone] = {}
        self.catalogs = self.follower()

    def follower(self, *names: dns.name.Name) -> Catalogs:
        return Catalogs(names or (ONE, TWO), self.directory, self.taken.__contains__)

    def write(self, name: dns.name.Name, *lines: str, version: str = "2") -> None:
        text = HEAD + f'version TXT "{version}"\n' + "\n".join(lines) + "\n"
        self.zones[name] = zone(text, name.to_text())

    def look(self) -> tuple[dict[dns.name.Name, dns.name.Name], list[dns.name.Name]]:
        found = self.catalogs.look(self.zones.get)
        return by(found.added), list(found.removed)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_members_come_and_go(world: World) -> None:
    assert world.look() == ({}, [])
    world.write(ONE, "x.zones PTR a.test.", "y.zones PTR b.test.")
    assert world.look() == ({A: ONE, B: ONE}, [])
    assert world.look() == ({}, [])
    world.write(ONE, "y.zones PTR b.test.")
    assert world.look() == ({}, [A])


def test_another_label_begins_anew(world: World) -> None:
    world.write(ONE, "x.zones PTR a.test.")
    world.look()
    world.write(ONE, "z.zones PTR a.test.")
    assert world.look() == ({A: ONE}, [A])
    assert world.look() == ({}, [])


def test_a_broken_catalog_changes_nothing(world: World) -> None:
    world.write(ONE, "x.zones PTR a.test.")
    world.look()
    world.write(ONE, version="1")
    assert world.look() == ({}, [])


def test_a_zone_of_ours_or_of_another_catalog_is_not_taken(tmp_path: Path) -> None:
    world = World(tmp_path, A)
    world.write(ONE, "x.zones PTR a.test.", "y.zones PTR b.test.")
    assert world.look() == ({B: ONE}, [])
    world.write(TWO, "y.zones PTR b.test.")
    assert world.look() == ({}, [])


def test_a_zone_is_handed_over_if_both_say_so(world: World) -> None:
    world.write(ONE, "x.zones PTR a.test.", "coo.x.zones PTR two.test.")
    world.write(TWO)
    assert world.look() == ({A: ONE}, [])
    world.write(TWO, "y.zones PTR a.test.")
    assert world.look() == ({A: TWO}, [])
    world.write(ONE)
    assert world.look() == ({}, [])


def test_a_restart_knows_them_still(world: World) -> None:
    assert world.catalogs.restore() == {}
    world.write(ONE, "x.zones PTR a.test.")
    world.write(TWO, "x.zones PTR b.test.")
    world.look()
    world.catalogs.save()
    world.catalogs = world.follower(ONE)
    assert by(world.catalogs.restore()) == {A: ONE}
    # What went meanwhile goes, also with a catalog that is no longer followed.
    world.write(ONE)
    added, removed = world.look()
    assert (added, set(removed)) == ({}, {A, B})


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', '{"00": ["zz", "00"]}'])
def test_a_damaged_memory_is_none(world: World, text: str) -> None:
    (world.directory / MEMBERS_FILE).write_text(text)
    assert world.catalogs.restore() == {}


def test_another_group_is_seen_and_the_copy_stays(world: World) -> None:
    member = "x.zones PTR a.test."
    world.write(ONE, member, "group.x.zones TXT far")
    assert world.catalogs.look(world.zones.get).added[A].groups == (b"far",)
    assert world.look() == ({}, [])
    world.write(ONE, member, "group.x.zones TXT near")
    turnover = world.catalogs.look(world.zones.get)
    assert turnover.added[A].groups == (b"near",)
    assert not turnover.removed
    world.catalogs.save()
    world.catalogs = world.follower()
    assert world.catalogs.restore()[A].groups == (b"near",)
