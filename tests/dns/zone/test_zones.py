import dns.name
import dns.rdatatype
from typing_extensions import override

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.batch import Report
from pabal.dns.zone.history import History
from pabal.dns.zone.source import Stamp
from pabal.dns.zone.tree import Zone, build_zone
from pabal.dns.zone.zones import Zones
from tests.support.zones import (
    HEAD,
    FixedClock,
    MemoryDerived,
    MemorySource,
    octets,
    zones,
)


def local(held: Zones, name: str, rdtype: str = "A") -> list[str] | None:
    resolved = held.local(dns.name.from_text(name), dns.rdatatype.from_text(rdtype))
    if resolved is None:
        return None
    assert resolved.authoritative
    return [rrset.to_text() for rrset in resolved.answer]


def test_the_nearest_zone_answers() -> None:
    held = zones(example_com=HEAD + "x.sub A 192.0.2.1\n", sub_example_com=HEAD)
    near = held.find(octets("x.sub.example.com."), codes.A)
    assert near is not None
    assert near.origin == octets("sub.example.com.")
    assert held.find(octets("com."), codes.A) is None
    assert held.get(dns.name.from_text("Example.com")) is not None
    assert [z.origin for z in held.all()] == sorted(z.origin for z in held.all())


def test_local_answers_for_the_resolver() -> None:
    held = zones(
        example_com=HEAD
        + "a A 192.0.2.7\nout CNAME x.test.\nchild NS ns.x.test.\nin CNAME y.child\n"
    )
    assert local(held, "a.example.com") == ["a.example.com. 3600 IN A 192.0.2.7"]
    assert local(held, "none.example.com") == []
    assert local(held, "x.child.example.com") is None
    assert local(held, "example.org") is None
    assert local(held, "out.example.com") == ["out.example.com. 3600 IN CNAME x.test."]
    inner = held.local(dns.name.from_text("in.example.com"), dns.rdatatype.A)
    assert inner is not None
    assert inner.authority == ()
    missing = held.local(dns.name.from_text("none.example.com"), dns.rdatatype.A)
    assert missing is not None
    assert missing.rcode == codes.NXDOMAIN
    assert missing.authority[0].ttl == 300


def test_a_wrong_new_version_keeps_the_running_one() -> None:
    source = MemorySource({"example.com.zone": HEAD + "a A 192.0.2.1\n"})
    held = Zones(source, None, "h.test", FixedClock())
    assert held.reload().loaded == ("example.com.",)
    version = held.version
    source.texts["example.com.zone"] = HEAD + "a A 192.0.2.1111\n"
    report = held.reload()
    assert report.kept == ("example.com.",)
    assert not report.ok
    assert local(held, "a.example.com") == ["a.example.com. 3600 IN A 192.0.2.1"]
    assert held.version == version
    source.texts["example.com.zone"] = HEAD + "a A 192.0.2.2\n"
    assert held.reload().ok
    assert local(held, "a.example.com") == ["a.example.com. 3600 IN A 192.0.2.2"]
    assert held.version > version


def test_a_wrong_zone_without_a_version_before_is_refused() -> None:
    source = MemorySource({"a.test.zone": "x", "b.test.zone": HEAD})
    held = Zones(source, None, "h.test", FixedClock())
    report = held.reload()
    assert report.refused == ("a.test.",)
    assert report.loaded == ("b.test.",)


def test_unchanged_zones_are_not_read_again() -> None:
    source = MemorySource({"a.test.zone": HEAD + "$INCLUDE more\n", "more": ""})
    held = Zones(source, None, "h.test", FixedClock())
    held.reload()
    before = held.all()[0]
    assert held.reload().unchanged == ("a.test.",)
    assert held.all()[0] is before
    source.texts["more"] = "b A 192.0.2.1\n"
    assert held.reload().loaded == ("a.test.",)


def test_removed_files_are_removed_zones() -> None:
    source = MemorySource({"a.test.zone": HEAD})
    held = Zones(source, None, "h.test", FixedClock())
    held.reload()
    source.texts.clear()
    assert held.reload().removed == ("a.test.",)
    assert not held.all()


def test_hosted_domains_need_no_file() -> None:
    derived = MemoryDerived(
        {"a.test": [DerivedRecord("a.test.", "MX", "10 mail.a.test.")], "b.test": []}
    )
    clock = FixedClock(5000.0)
    held = Zones(MemorySource(), derived, "mail.a.test", clock)
    assert held.reload().loaded == ("a.test.", "b.test.")
    assert local(held, "a.test", "MX") == ["a.test. 3600 IN MX 10 mail.a.test."]
    assert local(held, "b.test", "NS") == ["b.test. 3600 IN NS mail.a.test."]
    serial = held.all()[0].serial
    clock.at += 100
    assert held.reload().loaded == ()
    assert held.all()[0].serial == serial == 5000
    derived.by_domain["a.test"].append(DerivedRecord("x.a.test.", "A", "192.0.2.1"))
    assert held.reload().loaded == ("a.test.",)
    assert held.all()[0].serial == 5100
    del derived.by_domain["b.test"]
    assert held.reload().removed == ("b.test.",)


def test_unreadable_directory_changes_nothing() -> None:
    class Broken(MemorySource):
        @override
        def stamps(self, own: object = None) -> dict[str, Stamp]:
            del own
            raise PermissionError("no")

    report = Zones(Broken(), None, "h.test", FixedClock()).reload()
    assert not report.ok


class Stamped:
    """Serves each zone with another serial number, so long as it is told to."""

    def __init__(self) -> None:
        self.serial: int | None = None
        self.begun = 0
        self._made: dict[tuple[bytes, int], Zone] = {}

    def begin(self) -> None:
        self.begun += 1

    def __call__(self, own: Zone, before: Zone | None) -> Zone:
        if self.serial is None:
            return own
        key = own.origin, self.serial
        if key not in self._made:
            rdata = own.soa.rdatas[0]
            octets = rdata[:-20] + self.serial.to_bytes(4, "big") + rdata[-16:]
            soa = RRset(own.origin, codes.SOA, own.soa.ttl_s, (octets,))
            self._made[key] = build_zone(own.origin, [soa])
        return self._made[key]


def test_what_is_served_may_be_another_zone_than_the_owners() -> None:
    source = MemorySource({"example.com.zone": HEAD, "b.test.zone": HEAD})
    held = Zones(source, None, "h.test", FixedClock())
    held.history = History()
    finish = held.finish = Stamped()
    assert set(held.reload().loaded) == {"example.com.", "b.test."}
    name = dns.name.from_text("example.com.")
    own = held.get(name)
    version = held.version
    finish.serial = 77
    report = held.reload()
    assert set(report.loaded) == {"example.com.", "b.test."}
    assert held.version == version + 1
    served = held.get(name)
    assert served is not None
    assert served.serial == 77
    assert held.owners[octets("example.com.")] is own
    assert held.history.since(octets("example.com."), 1) is not None
    report = held.reload()
    assert not report.loaded
    assert set(report.unchanged) == {"example.com.", "b.test."}
    assert finish.begun == 3
    del source.texts["b.test.zone"]
    assert held.reload().removed == ("b.test.",)


def test_zones_read_before_a_fork_are_served_and_kept_up() -> None:
    source = MemorySource({"example.com.zone": HEAD, "b.test.zone": HEAD})
    before = Zones(source, None, "h.test", FixedClock())
    before.reload()
    after = Zones(source, None, "h.test", FixedClock())
    after.adopt(before.state)
    assert [zone.origin for zone in after.all()] == [
        zone.origin for zone in before.all()
    ]
    assert after.reload() == Report()
    assert after.by_apex is before.by_apex
    source.texts["b.test.zone"] = HEAD + "new A 192.0.2.9\n"
    assert after.reload().loaded == ("b.test.",)
