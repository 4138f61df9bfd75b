from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import dns.name

from pabal.dns.ports import DerivedRecord
from pabal.dns.zone.batch import Journals, Report, journal_name, zone_of
from pabal.dns.zone.tree import Zone
from tests.support.updates import request, serial, shown, updatable
from tests.support.zones import HEAD, MemoryDerived, MemorySource, zones


def test_journals_are_found_by_their_zone(tmp_path: Path) -> None:
    journals = Journals(tmp_path / "updates")
    assert journals.present() == {}
    journals.make()
    name = dns.name.from_text("a.test")
    assert journal_name(name) == "a.test.journal"
    path = journals.of(name).journal.path
    path.write_bytes(b"12345")
    assert journals.present() == {"a.test.journal": (path.stat().st_ino, 5)}
    assert zone_of("a.test.journal") == name


def test_a_report_is_well_without_errors() -> None:
    assert Report().ok


def test_what_is_served_is_made_at_one_place(tmp_path: Path) -> None:
    class Finish:
        seen: ClassVar[list[tuple[Zone, Zone | None]]] = []

        def begin(self) -> None:
            """Say that any zone may be made another."""

        def __call__(self, own: Zone, before: Zone | None) -> Zone:
            self.seen.append((own, before))
            return replace(own)

    source = MemorySource({"example.com.zone": HEAD + "www A 192.0.2.2\n"})
    made = updatable(tmp_path, source)
    made.finish = Finish()
    source.texts["example.com.zone"] += "x A 192.0.2.3\n"
    made.reload()
    made.update([request("add new 60 A 192.0.2.9")])
    served = made.all()[0]
    assert [before is None for _, before in Finish.seen] == [False, False]
    assert Finish.seen[-1][0] is not served
    assert Finish.seen[-1][0].nodes is served.nodes
    assert made.owners[served.origin] is Finish.seen[-1][0]
    assert (list(made.owners), len(made.owners)) == ([served.origin], 1)


def test_updates_win_over_derived_records_and_stay(tmp_path: Path) -> None:
    derived = MemoryDerived(
        {
            "example.com": [
                DerivedRecord("example.com.", "MX", "10 mail.example.org."),
                DerivedRecord("auto.example.com.", "CNAME", "mail.example.org."),
            ]
        }
    )
    made = updatable(tmp_path, MemorySource(), derived)
    made.update(
        [
            request("add @ 60 MX 20 other.example.org."),
            request("delete auto", "add auto 60 A 192.0.2.9"),
        ]
    )
    for each in (made, updatable(tmp_path, MemorySource(), derived)):
        assert shown(each, "example.com")["MX"] == [
            "10 mail.example.org.",
            "20 other.example.org.",
        ]
        assert shown(each, "auto.example.com") == {"A": ["192.0.2.9"]}
        assert serial(each) == 1002
    derived.by_domain["example.com"] = [
        DerivedRecord("example.com.", "MX", "5 new.example.org."),
        DerivedRecord("auto.example.com.", "CNAME", "new.example.org."),
    ]
    made.reload()
    assert shown(made, "example.com")["MX"] == [
        "20 other.example.org.",
        "5 new.example.org.",
    ]
    assert shown(made, "auto.example.com") == {"A": ["192.0.2.9"]}
    assert serial(made) == 1003


def test_zones_without_journals_reload_as_ever() -> None:
    made = zones(example_com=HEAD)
    assert made.reload() == Report()
