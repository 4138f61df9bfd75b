from pathlib import Path

import dns.name

from pabal.dns.zone.fallback import Fallbacks
from pabal.dns.zone.zones import Zones
from tests.support.updates import serial, shown
from tests.support.zones import HEAD, FixedClock, MemorySource, zone

GOOD = HEAD + "Www A 192.0.2.2\nodd TYPE65280 \\# 2 abcd\n"
WRONG = GOOD + "bad A x\n"
NAME = dns.name.from_text("example.com")


def started(directory: Path, source: MemorySource, *, writes: bool = True) -> Zones:
    made = Zones(source, None, "mail.example.org", FixedClock())
    made.fallbacks = Fallbacks(directory / "good", writes=writes)
    return made


def test_a_wrong_file_is_survived_by_a_restart(tmp_path: Path) -> None:
    source = MemorySource({"example.com.zone": GOOD})
    first = started(tmp_path, source)
    first.reload()
    assert not (tmp_path / "good").exists()
    source.texts["example.com.zone"] = WRONG
    assert first.reload().kept == ("example.com.",)
    again = started(tmp_path, source)
    report = again.reload()
    assert (report.kept, report.loaded) == (("example.com.",), ("example.com.",))
    assert not report.ok
    assert shown(again, "www.example.com") == {"A": ["192.0.2.2"]}
    # Mended: the file is served, and what was kept goes.
    source.texts["example.com.zone"] = GOOD.replace(" 1 7200", " 2 7200")
    assert again.reload().loaded == ("example.com.",)
    assert serial(again) == 2
    assert Fallbacks(tmp_path / "good").present() == frozenset()


def test_without_a_version_before_a_wrong_zone_is_refused(tmp_path: Path) -> None:
    made = started(tmp_path, MemorySource({"example.com.zone": WRONG}))
    assert made.reload().refused == ("example.com.",)
    assert not (tmp_path / "good").exists()


def test_tools_keep_and_drop_nothing(tmp_path: Path) -> None:
    held = zone(GOOD)
    Fallbacks(tmp_path / "other", writes=False).save(NAME, held)
    assert not (tmp_path / "other").exists()
    Fallbacks(tmp_path).save(NAME, held)
    tool = Fallbacks(tmp_path, writes=False)
    tool.drop(NAME)
    loaded = tool.load(NAME)
    assert loaded is not None
    assert loaded.nodes.packed == held.nodes.packed
    assert tool.load(dns.name.from_text("other.test")) is None
