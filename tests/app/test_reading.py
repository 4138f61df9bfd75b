import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pabal.app import reading
from pabal.app.reading import Keeping, compiled_zones, keep, read_kept
from pabal.dns.zone.batch import Report
from pabal.dns.zone.compiled import WARNED, Compiled, state_of
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import Zones
from tests.support.zones import HEAD, FixedClock


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectorySource:
    monkeypatch.setattr(reading, "MANY_FILES", 2)
    directory = tmp_path / "zones"
    directory.mkdir()
    for number in range(7):
        (directory / f"z{number}.test.zone").write_text(HEAD)
    return DirectorySource(directory)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def reloaded(source: DirectorySource, compiled: Compiled) -> Report:
    zones = Zones(source, None, "h.test", FixedClock())
    zones.adopt(state_of(compiled, source.stamps()))
    report = zones.reload()
    assert len(zones.by_apex) == 7
    return report


@pytest.mark.parametrize("cores", [1, 3])
def test_several_processes_read_what_one_would(
    source: DirectorySource, kept: Path, cores: int
) -> None:
    found, is_stale = compiled_zones(source, source.stamps(), kept, cores)
    assert len(found) == 7
    assert is_stale
    assert reloaded(source, found) == Report()


def test_what_is_kept_is_not_read_again(
    source: DirectorySource, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(kept, compiled_zones(source, source.stamps(), kept, 1)[0])
    assert kept.stat().st_mode & 0o777 == 0o600
    (source.directory / "z1.test.zone").write_text(HEAD + "x A 192.0.2.1\n")
    (source.directory / "z2.test.zone").unlink()
    read: list[str] = []
    original = DirectorySource.read

    def noted(self: DirectorySource, file: str) -> object:
        read.append(file)
        return original(self, file)

    monkeypatch.setattr(DirectorySource, "read", noted)
    found, is_stale = compiled_zones(source, source.stamps(), kept, 1)
    assert read == ["z1.test.zone"]
    assert len(found) == 6
    assert is_stale
    keep(kept, found)
    assert compiled_zones(source, source.stamps(), kept, 1)[1] is False


def test_what_cannot_be_used_is_read_anew(
    source: DirectorySource, kept: Path, tmp_path: Path
) -> None:
    keep(kept, compiled_zones(source, source.stamps(), kept, 1)[0])
    octets = kept.read_bytes()
    for wrong in (b"", octets[:-1], octets[:40], b"x" + octets, octets[::-1]):
        kept.write_bytes(wrong)
        assert len(read_kept(kept)) == 0
    kept.unlink()
    (tmp_path / "elsewhere").write_bytes(octets)
    kept.symlink_to("elsewhere")
    assert len(read_kept(kept)) == 0
    keep(tmp_path / "missing" / "kept", Compiled())


def test_warned_wrong_and_odd_files_are_told_from_others(
    source: DirectorySource, kept: Path
) -> None:
    zones = source.directory
    (zones / "z0.test.zone").write_text(HEAD + "x 99999999 A 192.0.2.1\n")
    (zones / "z1.test.zone").write_text("nonsense")
    (zones / "z2.test.zone").write_text(f"$INCLUDE more\n{HEAD}")
    (zones / "more").write_text("y A 192.0.2.1\n")
    (zones / "z3.test.zone").write_bytes(b"\xff")
    (zones / "Z4.test.zone").write_text(HEAD)
    found, _ = compiled_zones(source, source.stamps(), kept, 1)
    flags = dict(zip(found.files, found.flags, strict=True))
    assert flags == {
        "z0.test.zone": WARNED,
        **{f"z{n}.test.zone": 0 for n in (4, 5, 6)},
    }


def test_what_a_dead_process_had_is_read_again(
    source: DirectorySource, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = os.getpid()
    original = Compiled.octets

    def died(self: Compiled) -> Iterator[bytes]:
        if os.getpid() != parent:
            os._exit(1)
        return original(self)

    monkeypatch.setattr(Compiled, "octets", died)
    found, _ = compiled_zones(source, source.stamps(), kept, 2)
    assert len(found) == 4
    assert len(reloaded(source, found).loaded) == 3


async def test_zones_are_kept_after_the_start(
    source: DirectorySource, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "KEEP_AFTER_S", 0.0)
    found, _ = compiled_zones(source, source.stamps(), kept, 1)
    keeping = Keeping(kept, found)
    await keeping.start({})
    while not kept.exists():  # noqa: ASYNC110  no event tells
        await asyncio.sleep(0.01)
    await keeping.stop()
    assert len(read_kept(kept, bodies=False)) == 7
