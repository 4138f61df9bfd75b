from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import dns.name
import pytest

from pabal.dns.ports import DerivedRecord
from pabal.dns.zone.batch import Journals, Report, journal_name, zone_of
from pabal.dns.zone.history import History
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones
from tests.support.updates import request, serial, shown, updatable
from tests.support.zones import HEAD, FixedClock, MemoryDerived, MemorySource, zones


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


def test_what_changes_by_itself_has_a_new_serial_number(tmp_path: Path) -> None:
    """Or secondaries would never see it; the number never goes back."""
    source = MemorySource({"example.com.zone": HEAD + "www A 192.0.2.2\n"})
    record = DerivedRecord("example.com.", "TXT", "v=spf1")
    derived = MemoryDerived({"example.com": [record]})

    def server() -> Zones:
        made = zones_of(tmp_path, source, derived)
        made.history = History()
        made.reload()
        return made

    first = server()
    assert serial(first) == 1
    derived.by_domain["example.com"] = [replace(record, rdata="changed")]
    first.reload()
    assert serial(first) == 2
    assert first.history is not None
    origin = first.all()[0].origin
    assert first.history.since(origin, 1) is not None
    # Another process, and one after a restart.
    assert serial(server()) == 2
    derived.by_domain["example.com"] = [record]
    second = server()
    assert serial(second) == 3
    first.reload()
    assert serial(first) == 3
    # The owner's own number is taken as soon as it is newer.
    source.texts["example.com.zone"] = source.texts["example.com.zone"].replace(
        " 1 7200", " 9 7200"
    )
    first.reload()
    assert serial(first) == 9
    assert shown(first, "example.com")["TXT"] == ['"v=spf1"']


def test_a_zone_read_before_a_fork_is_numbered_from_then_on(tmp_path: Path) -> None:
    source = MemorySource({"example.com.zone": HEAD})
    record = DerivedRecord("example.com.", "TXT", "v=spf1")
    derived = MemoryDerived({"example.com": [record]})
    parent = Zones(source, derived, "ns.example.com", FixedClock())
    parent.reload()
    made = [zones_of(tmp_path, source, derived) for _ in range(2)]
    for each in made:
        each.history = History()
        each.adopt(parent.state)
        each.reload()
        assert not each.reload().loaded
        assert serial(each) == 1
    derived.by_domain["example.com"] = [replace(record, rdata="changed")]
    for each in made:
        each.reload()
        assert serial(each) == 2


def test_what_was_read_before_a_fork_is_no_version_of_the_journal(
    tmp_path: Path,
) -> None:
    """It has the same number and what is new already: no difference would be told."""
    source = MemorySource({"example.com.zone": HEAD})
    record = DerivedRecord("example.com.", "TXT", "v=spf1")
    derived = MemoryDerived({"example.com": [record]})
    first = zones_of(tmp_path, source, derived)
    first.history = History()
    first.reload()
    derived.by_domain["example.com"] = [replace(record, rdata="changed")]
    parent = Zones(source, derived, "ns.example.com", FixedClock())
    parent.reload()
    made = zones_of(tmp_path, source, derived)
    made.history = History()
    made.adopt(parent.state)
    made.reload()
    assert serial(made) == 2
    assert made.history.since(made.all()[0].origin, 1) is None, "it is told as a whole"


def test_without_secondaries_the_owners_number_stays(tmp_path: Path) -> None:
    source = MemorySource({"example.com.zone": HEAD})
    record = DerivedRecord("example.com.", "TXT", "v=spf1")
    derived = MemoryDerived({"example.com": [record]})
    made = zones_of(tmp_path, source, derived)
    made.reload()
    derived.by_domain["example.com"] = [replace(record, rdata="changed")]
    made.reload()
    assert serial(made) == 1
    assert not (tmp_path / "updates").exists()


def test_without_an_soa_of_the_owner_the_number_is_that_of_the_latest_change(
    tmp_path: Path,
) -> None:
    """In each process, whenever it reads the zone; and it never goes back."""
    record = DerivedRecord("example.com.", "TXT", "v=spf1")
    derived = MemoryDerived({"example.com": [record]})

    def process(at: float) -> Zones:
        made = zones_of(tmp_path, MemorySource(), derived, at)
        made.reload()
        return made

    made = [process(at) for at in (1000, 1001, 2000)]
    assert [serial(each) for each in made] == [1000] * 3
    made[1].reload()
    assert serial(made[1]) == 1000, "nothing changed"
    derived.by_domain["example.com"] = [replace(record, rdata="changed")]
    for each in (*made[1:], made[0]):
        each.reload()
    assert [serial(each) for each in (*made, process(1003))] == [1001] * 4
    # The clock was set back.
    derived.by_domain["example.com"] = [record]
    assert [serial(process(at)) for at in (500, 600)] == [1002] * 2


def test_what_was_read_before_a_fork_goes_on_with_the_number_kept(
    tmp_path: Path,
) -> None:
    derived = MemoryDerived({"example.com": []})
    zones_of(tmp_path, MemorySource(), derived).reload()
    parent = Zones(MemorySource(), derived, "ns.example.com", FixedClock(5000))
    parent.reload()
    for _ in range(2):
        made = zones_of(tmp_path, MemorySource(), derived, 5000)
        made.adopt(parent.state)
        assert made.reload().loaded
        assert serial(made) == 1000
        assert not made.reload().loaded


def test_nobody_waits_for_the_disk_for_a_number_that_is_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand hosted domains would take minutes; a later time is as good."""
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    derived = MemoryDerived({"example.com": []})
    zones_of(tmp_path, MemorySource(), derived).reload()
    assert not synced
    source = MemorySource({"example.com.zone": HEAD})
    made = zones_of(tmp_path, source, derived, 1001)
    made.history = History()
    made.reload()
    assert synced, "the owner's own number would come again"


def zones_of(
    directory: Path, source: MemorySource, derived: MemoryDerived, at: float = 1000
) -> Zones:
    made = Zones(source, derived, "ns.example.com", FixedClock(at))
    made.journals = Journals(directory / "updates")
    return made
