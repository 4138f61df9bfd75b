from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.dns.zone.batch import Journals
from pabal.dns.zone.catalog import (
    NO_GROUPS,
    CatalogError,
    Listing,
    Member,
    build_catalog,
    read_catalog,
    read_groups,
)
from pabal.dns.zone.history import History
from pabal.dns.zone.zones import Zones
from tests.support.updates import serial, shown
from tests.support.zones import HEAD, FixedClock, MemorySource, octets, zone

CATALOG = octets("catalog.test")
VERSION = 'version TXT "2"\n'


def catalog(lines: str, version: str = VERSION) -> dict[bytes, Member]:
    return dict(read_catalog(zone(HEAD + version + lines, "catalog.test.")))


def test_members_are_read() -> None:
    found = catalog(
        "a1.zones PTR Example.com.\nb2.zones PTR b.test.\n"
        "coo.b2.zones PTR other.test.\n"
        "group.b2.zones TXT x\nversion.zones TXT x\nzones TXT y\n"
    )
    assert found == {
        octets("example.com"): Member(b"\x02a1", b""),
        octets("b.test"): Member(b"\x02b2", octets("other.test"), (b"x",)),
    }


def test_groups_are_single_strings() -> None:
    """RFC 9432 §4.3.2.2; several records are several groups."""
    found = catalog(
        "a.zones PTR a.test.\ngroup.a.zones TXT b\ngroup.a.zones TXT a\n"
        'group.a.zones TXT "two" "strings"\n'
        "b.zones PTR b.test.\ngroup.b.zones A 192.0.2.1\n"
    )
    assert found[octets("a.test")].groups == (b"a", b"b")
    assert found[octets("b.test")].groups == ()


def test_our_zones_are_in_the_groups_that_are_said() -> None:
    groups = read_groups(["A.test far", "a.test. near", "none.test far"])
    members = [octets("a.test"), octets("b.test")]
    made = build_catalog(CATALOG, octets("ns.test"), members, groups)
    found = read_catalog(made)
    assert found[octets("a.test")].groups == (b"far", b"near")
    assert found[octets("b.test")].groups == ()


@pytest.mark.parametrize(
    "text", ["", "a.test", "a..b far", "a.test b c", f"a {'x' * 256}"]
)
def test_what_is_no_group(text: str) -> None:
    with pytest.raises(OperatorError):
        read_groups([text])


@pytest.mark.parametrize(
    ("version", "lines"),
    [
        ("", ""),
        ('version TXT "1"\n', ""),
        (VERSION + 'version TXT "3"\n', ""),
        (VERSION, "a.zones PTR x.test.\nb.zones PTR x.test.\n"),
        (VERSION, "a.zones PTR x.test.\na.zones PTR y.test.\n"),
    ],
)
def test_what_is_broken_is_not_used(version: str, lines: str) -> None:
    with pytest.raises(CatalogError):
        catalog(lines, version)


def test_it_does_not_list_itself_or_what_is_below() -> None:
    assert catalog("a.zones PTR catalog.test.\nb.zones PTR x.catalog.test.\n") == {}


def test_what_is_built_is_read() -> None:
    members = [octets("a.test"), octets("b.test"), b"\x00"]
    made = build_catalog(CATALOG, octets("ns.test"), members)
    assert set(read_catalog(made)) == set(members)
    again = build_catalog(CATALOG, octets("ns.test"), members[::-1])
    assert read_catalog(again) == read_catalog(made)


def test_our_zones_are_listed_with_a_serial_that_grows(tmp_path: Path) -> None:
    source = MemorySource({"a.test.zone": HEAD, "copied.test.zone": HEAD})

    def started(*, writes: bool = True) -> Zones:
        made = Zones(source, None, "ns.test", FixedClock())
        made.journals = Journals(tmp_path / "updates", writes=writes)
        made.history = History()
        made.catalog = Listing(CATALOG, NO_GROUPS)
        made.reload()
        return made

    one = started()
    assert serial(one, "catalog.test.") == 1
    assert shown(one, "version.catalog.test", "catalog.test.") == {"TXT": ['"2"']}
    assert one.reload().unchanged == ("catalog.test.",)
    source.texts["b.test.zone"] = HEAD
    one.reload()
    two = started()
    for made in (one, two, started(), started(writes=False)):
        held = made.by_apex[CATALOG]
        assert made.by_apex[CATALOG].serial == 2
        assert octets("b.test") in read_catalog(held)
    assert one.history is not None
    changes = one.history.since(CATALOG, 1)
    assert changes is not None
    assert [change.size for change in changes] == [1]
    del source.texts["a.test.zone"]
    one.reload()
    assert serial(one, "catalog.test.") == 3
