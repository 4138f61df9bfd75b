from dataclasses import replace
from pathlib import Path

import dns.name
from typing_extensions import override

from pabal.dns.ports import DerivedRecord
from pabal.dns.zone.batch import Journals, Report
from pabal.dns.zone.source import COPIED, Stamp
from pabal.dns.zone.zones import Zones
from tests.support.updates import request, updatable
from tests.support.zones import (
    HEAD,
    FixedClock,
    MemoryDerived,
    MemorySource,
    octets,
)


class Counting(MemorySource):
    """Notes which files are asked for one by one."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__(texts)
        self.read_files: list[str] = []

    @override
    def stamp(self, file: str) -> Stamp:
        if file not in self.texts:
            raise FileNotFoundError(file)
        return 0, 0, hash(self.texts[file])

    @override
    def read(self, file: str) -> str:
        self.read_files.append(file)
        return super().read(file)


def loaded(*names: str, derived: MemoryDerived | None = None) -> tuple[Zones, Counting]:
    source = Counting({f"{name}.zone": HEAD for name in names})
    made = Zones(source, derived, "h.test", FixedClock())
    made.reload()
    return made, source


def test_only_what_changed_is_looked_at() -> None:
    made, source = loaded("a.test", "b.test", "c.test")
    before = made.by_apex[octets("a.test")]
    source.texts["b.test.zone"] = HEAD + "x A 192.0.2.1\n"
    del source.texts["c.test.zone"]
    source.texts["d.test.zone"] = HEAD
    report = made.reload()
    assert report.loaded == ("b.test.", "d.test.")
    assert report.removed == ("c.test.",)
    assert report.unchanged == ()
    assert made.by_apex[octets("a.test")] is before
    assert sorted(made.by_apex) == sorted(map(octets, ("a.test", "b.test", "d.test")))
    assert made.reload() == Report()


def test_what_something_else_decides_is_looked_at() -> None:
    derived = MemoryDerived({"a.test": [DerivedRecord("a.test.", "MX", "1 h.test.")]})
    made, _ = loaded("a.test", "b.test", derived=derived)
    assert made.reload().unchanged == ("a.test.",)
    derived.by_domain["b.test"] = []
    assert made.reload().loaded == ("b.test.",)
    del derived.by_domain["a.test"]
    report = made.reload()
    assert (report.loaded, report.unchanged) == (("a.test.",), ("b.test.",))
    assert made.reload().unchanged == ("b.test.",)


def test_an_updated_zone_is_looked_at(tmp_path: Path) -> None:
    source = MemorySource({"example.com.zone": HEAD, "b.test.zone": HEAD})
    made = updatable(tmp_path, source)
    other = Zones(source, None, "h.test", FixedClock())
    other.journals = Journals(tmp_path)
    other.adopt(made.state)
    made.update([request("add new 60 A 192.0.2.9")])
    assert made.reload().unchanged == ("example.com.",)
    assert other.reload().loaded == ("example.com.",)
    assert other.by_apex[octets("example.com")].serial == 2


def test_wrong_files_and_odd_names_are_looked_at_again() -> None:
    made, source = loaded("a.test", "B.test")
    assert made.reload().unchanged == ("b.test.",)
    source.texts["a.test.zone"] = "nonsense"
    assert made.reload().kept == ("a.test.",)
    assert made.reload().kept == ("a.test.",)
    source.texts["a.test.zone"] = HEAD
    assert made.reload().ok
    assert made.reload().unchanged == ("b.test.",)


def test_a_file_comes_before_another_spelling_and_a_copy() -> None:
    made, source = loaded("A.test")
    source.texts["a.test.zone"] = HEAD + "x A 192.0.2.1\n"
    source.texts[f"{COPIED}a.test.zone"] = HEAD + "y A 192.0.2.1\n"
    made.reload()
    held = made.get(dns.name.from_text("a.test"))
    assert held is not None
    assert octets("x.a.test") in held.nodes


def test_settled_zones_are_not_opened() -> None:
    made, source = loaded("a.test", "b.test")
    source.read_files.clear()
    after = Zones(source, None, "h.test", FixedClock())
    after.adopt(made.state)
    assert after.reload() == Report()
    assert source.read_files == []


def test_only_named_files_are_looked_at() -> None:
    made, source = loaded("a.test", "b.test", "c.test", "d.test")
    before = made.by_apex[octets("d.test")]
    source.texts["a.test.zone"] = HEAD + "x A 192.0.2.1\n"
    source.texts["b.test.zone"] = HEAD + "x A 192.0.2.1\n"
    source.texts["d.test.zone"] = "nonsense"
    source.texts["e.test.zone"] = HEAD
    del source.texts["c.test.zone"]
    source.read_files.clear()
    source.texts["included"] = HEAD
    names = ("a", "c", "d", "e", "none")
    report = made.reload(["included", *(f"{name}.test.zone" for name in names)])
    assert sorted(source.read_files) == ["a.test.zone", "d.test.zone", "e.test.zone"]
    assert report.loaded == ("a.test.", "e.test.")
    assert report.kept == ("d.test.",)
    assert report.removed == ("c.test.",)
    assert made.by_apex[octets("d.test")] is before
    assert octets("x.b.test") not in made.by_apex[octets("b.test")].nodes
    source.texts["d.test.zone"] = HEAD
    assert made.reload([]).ok
    assert made.reload().loaded == ("b.test.",)
    assert made.reload() == Report()


def test_a_named_copy_is_looked_at_unless_there_is_an_own_file() -> None:
    made, source = loaded("a.test")
    source.texts[f"{COPIED}b.test.zone"] = HEAD
    assert made.reload(["b.test.zone"]).loaded == ("b.test.",)
    source.texts["b.test.zone"] = HEAD + "x A 192.0.2.1\n"
    assert made.reload(["b.test.zone"]).loaded == ("b.test.",)
    assert octets("x.b.test") in made.by_apex[octets("b.test")].nodes
    del source.texts[f"{COPIED}b.test.zone"]
    assert made.reload() == Report()


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    made, source = loaded("a.test", "b.test")
    after = Zones(source, None, "h.test", FixedClock())
    after.adopt(replace(made.state, looked=source.stamps()))
    source.texts["b.test.zone"] = HEAD + "x A 192.0.2.1\n"
    assert after.reload() == Report(), "as it was a moment ago"
    assert after.reload().loaded == ("b.test.",)
