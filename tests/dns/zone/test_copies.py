from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.dns.zone.copies import packed_copy, read_copy, write_copy
from pabal.dns.zone.load import ZoneInput
from pabal.dns.zone.packed import pack
from pabal.dns.zone.reading import Reader
from pabal.dns.zone.shards import SPLIT_NAMES, copied
from pabal.dns.zone.small import SmallZones
from pabal.dns.zone.source import COPIED, DirectorySource, JoinedSource
from pabal.dns.zone.tree import Zone
from tests.support.zones import HEAD, octets, zone

NAME = dns.name.from_text("example.com")
ORIGIN = octets("example.com")
FILE = "example.com.zone"
GIVEN = ZoneInput(NAME, COPIED + FILE, False, (), "h.test", 1, copied=True)
MANY = HEAD + "".join(f"h{n} A 192.0.2.{n % 250}\n" for n in range(SPLIT_NAMES))
SIGNED = (
    f"{MANY}@ RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA\n"
    "@ NSEC b A SOA\nb NSEC ns A\nb A 192.0.2.3\nns NSEC @ A\n"
)


@pytest.fixture
def source(tmp_path: Path) -> JoinedSource:
    copies = tmp_path / "copies"
    copies.mkdir()
    return JoinedSource(DirectorySource(tmp_path), DirectorySource(copies))


def path(source: JoinedSource) -> Path:
    assert isinstance(source.copies, DirectorySource)
    return source.copies.directory / FILE


def loaded(source: JoinedSource) -> Zone:
    reader = Reader(source)
    found = reader.load(GIVEN, SmallZones(), None, ())
    assert reader.stamps() == ((GIVEN.file, source.stamp(COPIED + FILE)),)
    assert found.zone is not None
    assert not found.problems
    return found.zone


@pytest.mark.parametrize(
    ("text", "is_packed"), [(HEAD, False), (MANY, True), (SIGNED, True)]
)
def test_what_was_written_is_loaded(
    source: JoinedSource, text: str, *, is_packed: bool
) -> None:
    own = zone(text)
    made = write_copy(path(source), ORIGIN, copied(own.nodes.packed))
    assert (made is not None) is is_packed
    assert (packed_copy(GIVEN, source) is not None) is is_packed
    again = loaded(source)
    assert dict(again.nodes.packed) == dict(own.nodes.packed)
    order = None if own.denial is None else list(own.denial.order)
    assert order == (None if again.denial is None else list(again.denial.order))


def test_empty_names_are_those_that_are_needed(source: JoinedSource) -> None:
    nodes = copied(zone(MANY).nodes.packed)
    gone, above = octets("gone.example.com"), octets("above.example.com")
    nodes[gone] = b""  # what was below it went with the last changes
    nodes[octets("new.above.example.com")] = pack(16, 60, 0, b"\x01x")
    write_copy(path(source), ORIGIN, nodes)
    found = loaded(source).nodes.packed
    assert gone not in found
    assert found[above] == b""


def test_a_damaged_copy_is_told(source: JoinedSource) -> None:
    write_copy(path(source), ORIGIN, copied(zone(MANY).nodes.packed))
    whole = path(source).read_bytes()
    path(source).write_bytes(whole[:-1])
    found = Reader(source).load(GIVEN, SmallZones(), None, ())
    assert found.zone is None
    (problem,) = found.problems
    assert problem.place.file == GIVEN.file
    assert "the copy cannot be used" in problem.reason
    path(source).unlink()
    assert read_copy(NAME, path(source), FILE).zone is None


def test_only_a_copy_may_be_packed(source: JoinedSource) -> None:
    write_copy(path(source), ORIGIN, copied(zone(MANY).nodes.packed))
    assert packed_copy(replace(GIVEN, copied=False), source) is None
    assert packed_copy(GIVEN, source.copies) is None
    assert packed_copy(GIVEN, source) == path(source)
