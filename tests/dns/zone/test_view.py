import os
from pathlib import Path

import dns.name
import pytest

from pabal.dns.dnssec.keystate import Place, Policy, Ring
from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.zone.alias import Addresses
from pabal.dns.zone.history import History, is_newer
from pabal.dns.zone.keystore import KeyStore
from pabal.dns.zone.lookup import lookup
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signer import ZoneSigner
from pabal.dns.zone.tree import Zone
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

    def __init__(
        self,
        common: Zones,
        addresses: tuple[str, ...] = (),
        directory: Path = Path(os.devnull),
    ) -> None:
        self.common = common
        self.inside = MemorySource()
        files = WholeFiles(self.inside)
        whole = Zones(files, None, "mail.example.com", FixedClock())
        rest = Differences(self.inside, files)
        whole.finish = signed = SignedZones(directory)
        self.view = View("inside", rest, whole, signed, addresses)

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


class Signing(World):
    """The same with a signer."""

    def __init__(self, directory: Path, text: str = COMMON) -> None:
        source = MemorySource({"example.com.zone": text})
        common = Zones(source, None, "mail.example.com", FixedClock())
        self.texts = source.texts
        self.signed = common.finish = SignedZones(directory / "dnssec")
        super().__init__(common, (), directory / "view")
        self.view.whole.history = History()
        self.view.numbers = True
        self.store = KeyStore(directory / "dnssec")
        self.signer = ZoneSigner(
            self.store, self.signed, FixedClock(), views=[self.view]
        )

    def enable(self, **policy: bool) -> None:
        keys = self.store.of(dns.name.from_text("example.com"))
        with keys.locked():
            keys.write(Ring(Policy(**policy)))

    def turn(self) -> list[str]:
        """Do what a server does within a second; return the zones it changed."""
        assert self.rebuild() == []
        self.signer.look(self.common.owners)
        changed = self.signer.turn(self.common.owners).changed
        assert self.rebuild() == []
        return list(map(str, changed))

    @property
    def served(self) -> Zone:
        return self.view.by_apex[APEX]


@pytest.mark.parametrize("text", ["$TTL 60\nmail A 10.0.0.25\n", HEAD])
def test_what_differs_is_signed_with_the_keys_of_the_zone(
    tmp_path: Path, text: str
) -> None:
    made = Signing(tmp_path)
    made.inside.texts["example.com.zone"] = text
    made.enable()
    made.turn()
    inside, outside = made.served, made.common.by_apex[APEX]
    assert inside is not outside
    assert inside.apex[codes.DNSKEY].rdatas == outside.apex[codes.DNSKEY].rdatas
    assert codes.NSEC in inside.apex
    assert made.turn() == []
    assert made.served is inside
    # What the view's file changes is signed anew, and nothing else is.
    made.inside.texts["example.com.zone"] = f"{text}new A 10.0.0.26\n"
    assert made.turn() == ["example.com."]
    assert made.common.by_apex[APEX] is outside
    assert codes.RRSIG in made.served.nodes[octets("new.example.com")]
    assert is_newer(made.served.serial, inside.serial)
    # Keys that go, go from every version.
    made.enable(enabled=False)
    made.turn()
    assert codes.RRSIG not in made.served.apex


def test_a_zone_that_only_a_view_has_is_signed_too(tmp_path: Path) -> None:
    made = Signing(tmp_path)
    made.texts.clear()
    made.inside.texts["example.com.zone"] = HEAD
    made.enable(nsec3=True)
    made.turn()
    assert codes.NSEC3PARAM in made.served.apex
    assert made.turn() == []


def test_an_alias_in_a_view_has_addresses(tmp_path: Path) -> None:
    made = Signing(tmp_path)
    made.inside.texts["example.com.zone"] = "$TTL 60\n@ ALIAS inner.test.\n"
    made.rebuild()
    wanted = made.signer.look(made.common.owners)
    assert wanted == {octets("inner.test")}
    book = {octets("inner.test"): Addresses((bytes((10, 0, 0, 7)),))}
    assert made.signer.turn(made.common.owners, book).changed
    made.rebuild()
    assert made.last("example.com") == [7]


def test_the_number_grows_when_only_the_views_file_changed(tmp_path: Path) -> None:
    made = Signing(tmp_path)
    made.turn()
    common = made.common.by_apex[APEX].serial
    assert made.served.serial == common
    text = "$TTL 60\nmail A 10.0.0.25\n"
    made.inside.texts["example.com.zone"] = text
    assert made.turn() == ["example.com."]
    assert made.served.serial == common + 1
    assert made.turn() == []
    made.inside.texts["example.com.zone"] = text + "new A 10.0.0.26\n"
    version, served = made.view.version, made.served
    made.rebuild()
    # Until it has its number, nothing else is served; but who numbers is to look.
    assert made.served is served
    assert made.view.version == version + 1
    made.turn()
    assert made.served.serial == common + 2
    history = made.view.whole.history
    assert history is not None
    (change,) = history.since(APEX, common + 1) or ()
    assert [rrset.owner for rrset in change.added] == [octets("new.example.com")]
    # The common zone's number is below: the view goes on with its own.
    made.texts["example.com.zone"] = COMMON.replace(" 1 ", " 2 ") + "also A 10.9.9.9\n"
    made.turn()
    assert made.served.serial == common + 3
    assert made.last("also.example.com") == [9]
    # Without a difference it still is a number that secondaries come for.
    del made.inside.texts["example.com.zone"]
    made.turn()
    assert made.last("mail.example.com") == [1]
    assert made.served.serial == common + 4
    # A restart changes nothing.
    again = Signing(tmp_path, made.texts["example.com.zone"])
    again.rebuild()
    assert again.served.serial == common + 4
    assert again.turn() == []


def test_keys_wait_until_the_view_has_them_too(tmp_path: Path) -> None:
    made = Signing(tmp_path)
    (tmp_path / "view").write_text("in the way")
    made.inside.texts["example.com.zone"] = "$TTL 60\nmail A 10.0.0.25\n"
    made.enable()
    made.turn()
    keys = made.store.of(dns.name.from_text("example.com"))
    ring = keys.read()
    assert ring is not None
    assert ring.serial is None
    assert ring.keys[0].key.place is Place.HIDDEN or not ring.keys[0].key.since
    (tmp_path / "view").unlink()
    made.turn()
    ring = keys.read()
    assert ring is not None
    assert ring.serial is not None


def asked(made: World, name: str) -> int:
    """Return the RCODE that a client of the view gets."""
    answer = lookup(made.view, octets(name), codes.A)
    assert answer is not None
    return answer.response.rcode


@pytest.mark.parametrize("text", ["$TTL 60\nmail A 10.0.0.25\n", HEAD])
def test_a_new_version_of_a_signed_zone_waits_for_its_signatures(
    tmp_path: Path, text: str
) -> None:
    made = Signing(tmp_path)
    made.enable()
    made.turn()
    outside = made.common.by_apex[APEX]
    assert made.served is outside
    made.inside.texts["example.com.zone"] = text
    version = made.view.version
    assert made.rebuild() == []
    # Until it is signed its clients see what they saw.
    assert made.served is outside
    assert made.view.version > version
    made.turn()
    assert made.served is not outside
    assert made.served.is_signed


@pytest.mark.parametrize("text", ["$TTL 60\nmail A 10.0.0.25\n", HEAD])
def test_a_start_with_such_a_version_says_that_it_is_not_ready(
    tmp_path: Path, text: str
) -> None:
    made = Signing(tmp_path)
    made.enable()
    made.turn()
    began = Signing(tmp_path)
    began.inside.texts["example.com.zone"] = text
    began.rebuild()
    assert began.served.withheld
    assert asked(began, "mail.example.com") == codes.SERVFAIL
    waiting, version = began.served, began.view.version
    began.rebuild()
    assert (began.served, began.view.version) == (waiting, version)
    # What changes meanwhile waits as well.
    began.inside.texts["example.com.zone"] = f"{text}new A 10.0.0.26\n"
    began.rebuild()
    assert began.served.withheld
    assert octets("new.example.com") in began.served.nodes
    began.turn()
    assert began.served.is_signed
    assert asked(began, "new.example.com") == codes.NOERROR


def test_what_nobody_knows_as_signed_does_not_wait(tmp_path: Path) -> None:
    made = Signing(tmp_path)
    made.inside.texts["example.com.zone"] = "$TTL 60\nmail A 10.0.0.25\n"
    made.rebuild()
    before = made.served
    made.enable()
    # Everybody's version is in service, that of the view is not yet.
    made.signer.look(made.common.owners)
    made.signer.turn(made.common.owners)
    made.view.files.remove(APEX)
    made.rebuild()
    assert made.common.by_apex[APEX].is_signed
    assert made.served is before
    assert asked(made, "mail.example.com") == codes.NOERROR


def test_what_somebody_else_signs_does_not_wait() -> None:
    made = world(
        f"{COMMON}@ RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA\n"
    )
    made.inside.texts["example.com.zone"] = HEAD
    made.rebuild()
    assert not made.view.by_apex[APEX].withheld
