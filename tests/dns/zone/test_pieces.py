from collections import deque
from pathlib import Path

import dns.name
import pytest

from pabal.dns.ports import DerivedRecord
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.pieces import PIECE_NAMES, loaded_of, pieces_of, request, requested
from pabal.dns.zone.shards import SPLIT_NAMES
from pabal.dns.zone.source import DirectorySource, JoinedSource
from tests.support.zones import HEAD, MemorySource

NAME = dns.name.from_text("a.test")
MANY = "".join(f"H{n} A 192.0.2.1\n" for n in range(SPLIT_NAMES + PIECE_NAMES))
RRSIG = "RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA\n"
NSEC = f"@ {RRSIG}@ NSEC ns A SOA\nb NSEC @ A\nns NSEC b A\n"
NSEC3 = (
    f"@ {RRSIG}@ NSEC3PARAM 1 0 0 -\n"
    "B4UM86EGHHDS6NEA196SMVMLO4ORS995 NSEC3 1 0 0 - "
    "GJEQE526PLBF1G8MKLP59ENFD789NJGI A\n"
    "GJEQE526PLBF1G8MKLP59ENFD789NJGI NSEC3 1 0 0 - "
    "B4UM86EGHHDS6NEA196SMVMLO4ORS995 A\n"
)
DERIVED = (DerivedRecord("a.test.", "MX", "10 h.test.", 60),)


def given(*, hosted: bool = True) -> ZoneInput:
    return ZoneInput(NAME, "a.test.zone", hosted, DERIVED, "h.test", 7)


def loaded(text: str) -> Loaded:
    return load_zone(given(), MemorySource({"a.test.zone": text}).read)


def carried(found: Loaded) -> Loaded:
    stamps = (("a.test.zone", (1, 2, 3)),)
    pieces = deque(pieces_of(found, stamps))
    again, files = loaded_of(pieces.popleft)
    assert files == stamps
    assert not pieces
    return again


@pytest.mark.parametrize("more", ["", "X.deep.down A 192.0.2.1\n", MANY, NSEC, NSEC3])
def test_a_zone_arrives_as_it_was(more: str) -> None:
    there = loaded(HEAD + more)
    here = carried(there)
    assert there.zone is not None
    assert here.zone is not None
    assert here.problems == there.problems
    for one, other in ((here.zone, there.zone), (there.zone, here.zone)):
        assert dict(one.nodes.packed) == dict(other.nodes.packed)
        assert dict(one.nodes.written) == dict(other.nodes.written)
        assert one.derived == other.derived
        assert type(one.nodes.packed) is type(other.nodes.packed)
    orders = [z.denial and list(z.denial.order) for z in (here.zone, there.zone)]
    assert orders[0] == orders[1]
    assert bool(orders[0]) == ("NSEC" in more)


def test_mistakes_arrive() -> None:
    there = loaded(HEAD + "x A 192.0.2.300\ny A\nwww CNAME ns\nwww A 192.0.2.1\n")
    assert there.zone is None
    assert len(there.problems) == 2
    assert carried(there) == there


def test_what_is_no_chain_is_not_believed() -> None:
    signed = loaded(HEAD + NSEC)
    pieces = list(pieces_of(signed, ()))
    plain = list(pieces_of(loaded(HEAD), ()))
    swapped = deque([*plain[:-1], *pieces[-2:]])
    with pytest.raises(ValueError, match="chain"):
        loaded_of(swapped.popleft)
    with pytest.raises(ValueError, match="bad marshal data"):
        loaded_of(lambda: b"nonsense")


@pytest.mark.parametrize("copies", [False, True])
def test_what_is_asked_for(tmp_path: Path, *, copies: bool) -> None:
    own: DirectorySource | JoinedSource = DirectorySource(tmp_path)
    (tmp_path / "a.test.zone").write_text(HEAD)
    if copies:
        own = JoinedSource(own, DirectorySource(tmp_path / "copies"))
    octets = request(given(hosted=False), own)
    assert octets is not None
    asked, source = requested(octets)
    assert asked == given(hosted=False)
    assert type(source) is type(own)
    assert source.read("a.test.zone") == HEAD


def test_files_of_another_kind_are_read_here() -> None:
    assert request(given(), MemorySource()) is None
    assert request(given(), JoinedSource(MemorySource(), MemorySource())) is None
