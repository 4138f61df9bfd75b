from pathlib import Path

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.zone.view import View
from pabal.dns.zone.whole import Differences, WholeFiles
from pabal.dns.zone.zones import Zones
from tests.support.updates import request, updatable
from tests.support.zones import (
    HEAD,
    FixedClock,
    MemoryDerived,
    MemorySource,
    octets,
)

COMMON = HEAD + "mail A 203.0.113.1\nmail TXT outside\nwww A 203.0.113.2\nx CNAME www\n"
APEX = octets("example.com")


class World:
    """Common zones, and a view with the files of ``inside``."""

    def __init__(self, common: Zones, addresses: tuple[str, ...] = ()) -> None:
        self.common = common
        self.inside = MemorySource()
        files = WholeFiles(self.inside)
        whole = Zones(files, None, "mail.example.com", FixedClock())
        rest = Differences(self.inside, files)
        self.view = View("inside", rest, whole, addresses)

    def rebuild(self) -> list[str]:
        self.common.reload()
        found = self.view.rebuild(self.common.owners, self.common.by_apex)
        return [problem.reason for problem in found]

    def last(self, name: str, rdtype: int = codes.A) -> list[int]:
        """Return the last octets of the records there."""
        found = self.view.find(octets(name), rdtype)
        assert found is not None
        rrset = found.nodes.get(octets(name), {}).get(rdtype)
        return [] if rrset is None else [rdata[-1] for rdata in rrset.rdatas]


def world(text: str = COMMON) -> World:
    source = MemorySource({"example.com.zone": text})
    return World(Zones(source, None, "mail.example.com", FixedClock()))


def test_without_differences_it_is_the_same() -> None:
    made = world()
    assert made.rebuild() == []
    assert made.view.by_apex[APEX] is made.common.by_apex[APEX]
    assert made.view.version == 1
    made.rebuild()
    assert made.view.version == 1


def test_sets_of_a_file_without_soa_take_the_place_of_the_common_ones() -> None:
    made = world()
    made.inside.texts["example.com.zone"] = (
        "$TTL 60\nmail A 10.0.0.25\nnew A 10.0.0.9\nx A 10.0.0.3\nwww CNAME mail\n"
    )
    assert made.rebuild() == []
    assert made.last("mail.example.com") == [25]
    assert made.last("mail.example.com", codes.TXT) == [ord("e")]
    assert made.last("new.example.com") == [9]
    assert made.last("x.example.com") == [3]
    assert made.last("x.example.com", codes.CNAME) == []
    assert made.last("www.example.com") == []
    assert made.last("ns.example.com") == [1]
    # The others see what they always saw.
    mail = made.common.by_apex[APEX].nodes[octets("mail.example.com")]
    assert mail[codes.A].rdatas == (bytes((203, 0, 113, 1)),)


def test_a_file_with_an_soa_is_a_whole_zone_also_one_of_its_own() -> None:
    made = world()
    made.inside.texts["example.com.zone"] = HEAD
    made.inside.texts["only.test.zone"] = HEAD + "a A 10.0.0.1\n"
    assert made.rebuild() == []
    assert made.last("mail.example.com") == []
    assert made.last("a.only.test") == [1]


def test_it_follows_the_common_zone_and_its_updates(tmp_path: Path) -> None:
    source = MemorySource({"example.com.zone": COMMON})
    made = World(updatable(tmp_path, source))
    made.inside.texts["example.com.zone"] = "$TTL 60\nmail A 10.0.0.25\n"
    made.rebuild()
    version = made.view.version
    made.common.update([request("add new 60 A 192.0.2.9")])
    made.rebuild()
    assert made.last("new.example.com") == [9]
    assert made.last("mail.example.com") == [25]
    assert made.view.version == version + 1
    del made.inside.texts["example.com.zone"]
    made.rebuild()
    assert made.view.by_apex[APEX] is made.common.by_apex[APEX]


def test_this_hosts_addresses_differ_where_they_are_derived() -> None:
    derived = MemoryDerived(
        {
            "example.com": [
                DerivedRecord("mail.example.com.", "A", "203.0.113.1"),
                DerivedRecord("mail.example.com.", "AAAA", "2001:db8::1"),
            ]
        }
    )
    source = MemorySource({"other.test.zone": HEAD + "a A 203.0.113.1\n"})
    common = Zones(source, derived, "mail.example.com", FixedClock())
    made = World(common, ("10.0.0.25", "10.0.0.26"))
    assert made.rebuild() == []
    assert made.last("mail.example.com") == [25, 26]
    assert made.last("mail.example.com", codes.AAAA) == []
    other = octets("other.test")
    assert made.view.by_apex[other] is common.by_apex[other]
    version = made.view.version
    made.rebuild()
    assert made.view.version == version


def test_a_wrong_file_changes_nothing() -> None:
    made = world()
    made.inside.texts["example.com.zone"] = "$TTL 60\nmail A 10.0.0.25\n"
    made.rebuild()
    made.inside.texts["example.com.zone"] = "$TTL 60\nmail A 10.0.0.300\n"
    assert len(made.rebuild()) == 1
    assert made.last("mail.example.com") == [25]
    made.inside.texts["none.test.zone"] = "$TTL 60\nmail A 10.0.0.1\n"
    assert "no common zone" in made.rebuild()[-1]
    fresh = world()
    fresh.inside.texts["example.com.zone"] = "mail A x\n"
    assert fresh.rebuild() != []
    assert fresh.last("mail.example.com") == [1]


def test_what_is_hidden_is_not_seen_unless_it_is_a_zone_of_the_view() -> None:
    made = world()
    made.view.hidden = frozenset({APEX})
    made.inside.texts["example.com.zone"] = "$TTL 60\nmail A 10.0.0.25\n"
    assert made.rebuild() == []
    assert APEX not in made.view.by_apex
    made.inside.texts["example.com.zone"] = HEAD + "mail A 10.0.0.26\n"
    assert made.rebuild() == []
    assert made.last("mail.example.com") == [26]
