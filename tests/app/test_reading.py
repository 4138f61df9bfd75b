import os
from pathlib import Path

import pytest

from pabal.app import reading
from pabal.app.reading import read_shared
from pabal.dns.zone.batch import Report
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import State, Zones
from tests.support.zones import HEAD, FixedClock


def zones_of(source: DirectorySource) -> Zones:
    return Zones(source, None, "h.test", FixedClock())


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectorySource:
    monkeypatch.setattr(reading, "SHARE_MIN_FILES", 2)
    for number in range(7):
        (tmp_path / f"z{number}.test.zone").write_text(HEAD)
    return DirectorySource(tmp_path)


def reloaded(source: DirectorySource, read: State | None) -> Report:
    assert read is not None
    zones = zones_of(source)
    zones.adopt(read)
    report = zones.reload()
    assert len(zones.by_apex) == 7
    return report


def test_several_processes_read_what_one_would(source: DirectorySource) -> None:
    read = read_shared(source, zones_of, 3)
    assert read is not None
    assert len(read.served) == 7
    assert reloaded(source, read) == Report()


def test_few_zones_are_read_by_one(source: DirectorySource) -> None:
    assert read_shared(source, zones_of, 1) is None
    (source.directory / "z0.test.zone").unlink()
    for number in range(1, 4):
        (source.directory / f"z{number}.test.zone").unlink()
    assert read_shared(source, zones_of, 8) is None


def test_what_a_dead_process_had_is_read_again(
    source: DirectorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(_: object) -> None:
        os._exit(1)

    monkeypatch.setattr(reading, "loads_of", died)
    assert len(reloaded(source, read_shared(source, zones_of, 2)).loaded) == 3
