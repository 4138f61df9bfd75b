import os
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.dns.ports import DerivedRecord
from pabal.dns.zone import ready as module
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.pieces import pieces_of
from pabal.dns.zone.reading import Stamps
from pabal.dns.zone.ready import Ready, key_of, key_of_copy
from pabal.dns.zone.source import COPIED, DirectorySource, JoinedSource
from tests.support.zones import HEAD, MemorySource

NAME = dns.name.from_text("a.test")
FILE = "a.test.zone"
GIVEN = ZoneInput(NAME, FILE, False, (), "h.test", 1)
STAMPS = ((FILE, (1, 2, 3)),)
KEY = b"made of this"


def of(stamps: Stamps) -> bool:
    return stamps == STAMPS


def never(_stamps: Stamps) -> bool:
    return False


@pytest.fixture
def ready(tmp_path: Path) -> Ready:
    made = Ready(tmp_path / "ready")
    made.make()
    return made


def put(ready: Ready, text: str = HEAD) -> int:
    """Let a zone lie ready; return of how many pieces."""
    pieces = pieces_of(load_zone(GIVEN, MemorySource({FILE: text}).read), STAMPS)
    return len(list(ready.kept(NAME, KEY, pieces)))


def test_what_was_read_is_there(ready: Ready) -> None:
    assert ready.find(NAME, KEY, of) is None
    assert put(ready) == 5
    found = ready.find(NAME, KEY, of)
    assert found is not None
    loaded, stamps = found
    assert stamps == STAMPS
    assert loaded.zone is not None
    here = load_zone(GIVEN, MemorySource({FILE: HEAD}).read).zone
    assert here is not None
    assert loaded.zone.nodes.packed == here.nodes.packed
    assert [p.name for p in ready.directory.iterdir()] == ["a.test.ready"]
    assert ready.path(NAME).stat().st_mode & 0o777 == 0o600
    assert ready.directory.stat().st_mode & 0o777 == 0o700


def test_mistakes_are_there_too(ready: Ready) -> None:
    put(ready, "x A 192.0.2.300\n")
    found = ready.find(NAME, KEY, of)
    assert found is not None
    assert found[0].zone is None
    assert found[0].problems


def test_what_was_made_of_something_else_is_not_taken(ready: Ready) -> None:
    put(ready)
    assert ready.find(NAME, b"another", of) is None
    assert ready.find(NAME, KEY, never) is None


def test_what_is_damaged_is_not_taken(ready: Ready) -> None:
    put(ready)
    path = ready.path(NAME)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        assert ready.find(NAME, KEY, of) is None
        path.write_bytes(
            whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :]
        )
        assert ready.find(NAME, KEY, of) is None
    path.write_bytes(whole)
    assert ready.find(NAME, KEY, of)


def test_a_full_disk_keeps_nobody_from_the_zone(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", fail)
    assert put(ready) == 5
    assert not list(ready.directory.iterdir())
    ready.directory.rmdir()
    assert put(ready) == 5


def fail(_self: Path, _target: Path) -> None:
    raise OSError


def test_who_stops_in_between_leaves_no_zone(ready: Ready) -> None:
    pieces = pieces_of(load_zone(GIVEN, MemorySource({FILE: HEAD}).read), STAMPS)
    taken = ready.kept(NAME, KEY, pieces)
    next(taken)
    del taken
    assert not list(ready.directory.iterdir())


def test_what_nobody_wanted_for_long_goes(ready: Ready) -> None:
    old, young = ready.directory / "old.ready", ready.directory / "young.ready"
    for path, age_s in ((old, module.UNUSED_S + 60), (young, 60)):
        path.touch()
        now = path.stat().st_mtime
        os.utime(path, (now - age_s, now - age_s))
    put(ready)
    assert not old.exists()
    assert young.exists()
    os.utime(ready.path(NAME), (0, 0))
    assert ready.find(NAME, KEY, of)
    put(ready)
    assert ready.path(NAME).stat().st_mtime > 0


def test_keys(tmp_path: Path) -> None:
    source = DirectorySource(tmp_path)
    key = key_of(GIVEN, source)
    assert key == key_of(replace(GIVEN, serial=2), source)
    derived = (DerivedRecord("a.test.", "MX", "10 h.test.", 60),)
    others = [
        key_of(replace(GIVEN, derived=derived), source),
        key_of(replace(GIVEN, hosted=True), source),
        key_of(replace(GIVEN, hostname="i.test"), source),
        key_of(GIVEN, DirectorySource(tmp_path / "other")),
    ]
    assert len({key, *others}) == 5
    assert key_of(GIVEN, MemorySource()) is None
    assert key_of(replace(GIVEN, file=None), source) is None


def test_a_copy_is_known_by_where_it_is(tmp_path: Path) -> None:
    copies = DirectorySource(tmp_path / "copies")
    source = JoinedSource(DirectorySource(tmp_path), copies)
    given = replace(GIVEN, file=COPIED + FILE, copied=True)
    assert key_of(given, source) == key_of_copy(copies.directory / FILE)
