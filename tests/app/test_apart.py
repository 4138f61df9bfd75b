import sys
from pathlib import Path

import dns.name
import pytest

from pabal.app.apart import ZoneReader
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.source import DirectorySource
from tests.support.zones import HEAD, MemorySource

FILE = "a.test.zone"
GIVEN = ZoneInput(dns.name.from_text("a.test"), FILE, False, (), "h.test", 1)


@pytest.fixture
def source(tmp_path: Path) -> DirectorySource:
    (tmp_path / FILE).write_text(HEAD + "$INCLUDE part\n")
    (tmp_path / "part").write_text("www A 192.0.2.2\n")
    return DirectorySource(tmp_path)


def test_another_process_reads_the_same(
    source: DirectorySource, tmp_path: Path
) -> None:
    found = ZoneReader(tmp_path / "ready")(GIVEN, source)
    assert found is not None
    there, stamps = found
    here = load_zone(GIVEN, source.read)
    assert there.zone is not None
    assert here.zone is not None
    assert there.zone.nodes.packed == here.zone.nodes.packed
    assert dict(stamps) == {file: source.stamp(file) for file in (FILE, "part")}


def test_mistakes_are_the_same(source: DirectorySource, tmp_path: Path) -> None:
    (source.directory / "part").write_text("www A 192.0.2.300\n")
    found = ZoneReader(tmp_path / "ready")(GIVEN, source)
    assert found is not None
    assert found[0] == load_zone(GIVEN, source.read)


def test_a_bad_end_is_told(
    source: DirectorySource,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    for python in ("/bin/true", "/nowhere/python"):
        monkeypatch.setattr(sys, "executable", python)
        assert ZoneReader(tmp_path / "ready")(GIVEN, source) is None
    events = [record.getMessage() for record in caplog.records]
    assert events.count("zone read here") == 2
    assert ZoneReader(tmp_path / "ready")(GIVEN, MemorySource()) is None


def test_it_is_read_once_for_all(
    source: DirectorySource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ZoneReader(tmp_path / "ready")(GIVEN, source)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    second = ZoneReader(tmp_path / "ready")(GIVEN, source)
    assert first is not None
    assert second is not None
    assert first[0].zone is not None
    assert second[0].zone is not None
    assert second[0].zone.nodes.packed == first[0].zone.nodes.packed
    assert second[1] == first[1]
    (source.directory / "part").write_text("www A 192.0.2.3\n")
    assert ZoneReader(tmp_path / "ready")(GIVEN, source) is None
