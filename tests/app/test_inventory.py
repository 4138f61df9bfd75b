import gc

import pytest

from pabal.admin.layout import Layout
from pabal.app import inventory, reading
from pabal.app.inventory import no_collection
from pabal.app.office import (
    changed_problems,
    check_zones,
    list_zones,
    zones_office,
)
from pabal.config.settings import Settings
from pabal.dns.zone.source import DirectorySource
from tests.support.zones import HEAD


@pytest.fixture
def read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the files that are read from now on; there are many."""
    monkeypatch.setattr(inventory, "MANY_FILES", 3)
    monkeypatch.setattr(reading, "MANY_FILES", 3)
    files: list[str] = []
    original = DirectorySource.read

    def noted(self: DirectorySource, file: str) -> object:
        files.append(file)
        return original(self, file)

    monkeypatch.setattr(DirectorySource, "read", noted)
    zones = settings.dns.zones
    for number in range(9):
        (zones / f"z{number}.test.zone").write_text(HEAD)
    (zones / "a.test.zone").write_text("$TTL 60\nwww A 192.0.2.1\n")
    return files


def test_zones_that_are_known_are_listed_without_being_read(
    settings: Settings, read: list[str]
) -> None:
    zones = settings.dns.zones
    first = list_zones(settings)
    assert Layout(settings.data).compiled.exists()
    assert [zone.name for zone in first] == [
        "a.test.",
        *(f"z{number}.test." for number in range(9)),
    ]
    read.clear()
    assert list_zones(settings) == first
    assert set(read) == {"a.test.zone"}, "a hosted domain is more than its file"
    (zones / "z1.test.zone").write_text(HEAD + "x A 192.0.2.1\n")
    (zones / "z2.test.zone").unlink()
    (zones / "z3.test.zone").write_text("nonsense")
    (zones / "new.test.zone").write_text(HEAD)
    read.clear()
    found = {zone.name: zone for zone in list_zones(settings)}
    assert set(read) == {
        "a.test.zone",
        "new.test.zone",
        "z1.test.zone",
        "z3.test.zone",
    }
    before = {zone.name: zone for zone in first}
    assert found["z1.test."].records == before["z1.test."].records + 1
    assert found["z4.test."] == before["z4.test."]
    assert found["z3.test."].state == "wrong"
    assert found["new.test."].file == "new.test.zone"
    assert "z2.test." not in found


def test_what_is_wrong_is_found_all_the_same(
    settings: Settings, read: list[str]
) -> None:
    zones = settings.dns.zones
    file = settings.directory / "pabal.toml"
    (zones / "z1.test.zone").write_text(HEAD + "x 99999999 A 192.0.2.1\n")
    for _ in range(2):  # not known, and known
        problems, count = check_zones(settings, file)
        assert [problem.file for problem in problems] == [str(zones / "z1.test.zone")]
        assert count == 10
        assert changed_problems(settings) == problems
    (zones / "z2.test.zone").write_text("nonsense")
    read.clear()
    assert len(changed_problems(settings)) == 2
    assert set(read) == {"a.test.zone", "z1.test.zone", "z2.test.zone"}
    with zones_office(settings) as office:
        assert len(office.zones.all()) == 9
        assert len(office.problems()) == 2


def test_the_collector_is_kept_away_for_a_while() -> None:
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
