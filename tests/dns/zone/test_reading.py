from pathlib import Path

import dns.name
import pytest

from pabal.dns.zone.load import Loaded, ZoneInput
from pabal.dns.zone.reading import APART_MIN_OCTETS, Reader, Stamps
from pabal.dns.zone.small import SmallZones
from pabal.dns.zone.source import DirectorySource, ZoneSource
from tests.support.zones import HEAD

FILE = "a.test.zone"
GIVEN = ZoneInput(dns.name.from_text("a.test"), FILE, False, (), "h.test", 1)
LARGE = HEAD + ";" * APART_MIN_OCTETS + "\n"
READ: Stamps = ((FILE, (1, 2, 3)), ("more", (4, 5, 6)))


def apart(given: ZoneInput, source: ZoneSource) -> tuple[Loaded, Stamps] | None:
    assert given is GIVEN
    assert source.files()
    return Loaded(None, ()), READ


def nobody(given: ZoneInput, source: ZoneSource) -> tuple[Loaded, Stamps] | None:
    return None


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / FILE).write_text(LARGE)
    return Reader(DirectorySource(tmp_path))


def test_a_large_file_is_read_apart(reader: Reader) -> None:
    assert reader.load(GIVEN, SmallZones(), apart, ()) == Loaded(None, ())
    assert reader.stamps() == READ


def test_a_small_one_is_not(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(HEAD)
    assert reader.load(GIVEN, SmallZones(), apart, ()).zone is not None
    assert [file for file, _ in reader.stamps()] == [FILE]
    included = (("part", (1, APART_MIN_OCTETS, 1)),)
    assert reader.load(GIVEN, SmallZones(), apart, included).zone is None


def test_where_nobody_else_can_it_is_read_here(reader: Reader) -> None:
    for other in (None, nobody):
        assert reader.load(GIVEN, SmallZones(), other, ()).zone is not None
    none = Reader(DirectorySource(Path("/nowhere")))
    assert none.load(GIVEN, SmallZones(), apart, ()).zone is None
    assert none.stamp(FILE) is None
