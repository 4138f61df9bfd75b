import io
import random

import dns.name
import pytest

from pabal.dns.zone.batch import Report
from pabal.dns.zone.compiled import (
    MAGIC,
    OPENED_LATE_MAX_OCTETS,
    Compiled,
    CompiledError,
    read_compiled,
    settled_of,
    state_of,
)
from pabal.dns.zone.zones import Zones
from tests.support.zones import HEAD, FixedClock, MemorySource, octets

LARGE = HEAD + "".join(f"n{n} A 192.0.2.1\n" for n in range(1000))


def source_and_zones() -> tuple[MemorySource, Zones]:
    source = MemorySource(
        {
            "a.test.zone": HEAD + "X.deep.down A 192.0.2.1\n",
            "b.test.zone": HEAD,
            "large.test.zone": LARGE,
            "signed.test.zone": HEAD
            + "@ RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA\n",
            "wrong.test.zone": "nonsense",
        }
    )
    zones = Zones(source, None, "h.test", FixedClock())
    zones.reload()
    return source, zones


def compiled(source: MemorySource, zones: Zones) -> Compiled:
    made = Compiled()
    for zone in zones.all():
        file = f"{dns.name.from_wire(zone.origin, 0)[0].to_text(omit_final_dot=True)}"
        made.add(f"{file}.zone", source.stamp(f"{file}.zone"), zone)
    return made


def test_zones_taken_over_are_as_if_read_here() -> None:
    source, there = source_and_zones()
    made = compiled(source, there)
    assert len(made) == 3, "not what its file has signed"
    assert max(map(len, made.bodies)) > OPENED_LATE_MAX_OCTETS
    taken = read_compiled(io.BytesIO(b"".join(made.octets())))
    assert taken == made
    here = Zones(source, None, "h.test", FixedClock())
    here.adopt(state_of(taken, source.stamps()))
    report = here.reload()
    assert (report.loaded, report.refused) == (("signed.test.",), ("wrong.test.",))
    assert report.unchanged == ()
    for name in ("a.test", "b.test", "large.test"):
        carried, read = (z.get(dns.name.from_text(name)) for z in (here, there))
        assert carried is not None
        assert read is not None
        assert len(carried.nodes) == len(read.nodes)
        assert carried.nodes.written == read.nodes.written
        assert carried.nodes.packed == read.nodes.packed
        assert (carried.soa, carried.negative_soa) == (read.soa, read.negative_soa)
        assert (carried.derived, carried.updated) == (read.derived, read.updated)
    assert octets("down.a.test") in here.by_apex[octets("a.test")].nodes
    del source.texts["wrong.test.zone"]
    assert here.reload() == Report()


def test_what_is_said_of_zones_is_had_without_them() -> None:
    source, there = source_and_zones()
    data = b"".join(compiled(source, there).octets())
    found = read_compiled(io.BytesIO(data), bodies=False)
    assert found.bodies == []
    records = dict(zip(found.files, found.records, strict=True))
    head = HEAD.count("\n") - HEAD.count("$")
    assert records["b.test.zone"] == head
    assert records["large.test.zone"] == head + 1000
    assert set(found.serials) == {1}
    kept = found.rows(lambda file, _: file.startswith("b"))
    assert kept.files == ["b.test.zone"]
    assert kept.rows(lambda _file, _stamp: True) is kept
    settled = settled_of(kept, source.stamps())
    assert settled.files == {octets("b.test"): "b.test.zone"}
    assert "large.test.zone" in settled.rest


def test_a_zone_nobody_asked_for_says_what_it_has() -> None:
    source, there = source_and_zones()
    state = state_of(compiled(source, there), source.stamps())
    nodes = state.served[octets("b.test")].nodes
    assert not nodes.may_have(b"no such octets")
    assert nodes.may_have(octets("b.test"))
    assert len(nodes) == len(there.by_apex[octets("b.test")].nodes)
    with pytest.raises(AttributeError, match="nothing_like_that"):
        _ = nodes.nothing_like_that  # type: ignore[attr-defined]


def test_octets_that_are_no_zones_are_refused() -> None:
    source, there = source_and_zones()
    data = b"".join(compiled(source, there).octets())
    for wrong in (
        b"",
        MAGIC,
        data[:-1],
        data[: len(MAGIC) + 40],
        data.replace(MAGIC, MAGIC.replace(b"zones", b"sounz")),
    ):
        with pytest.raises(CompiledError):
            read_compiled(io.BytesIO(wrong))
    chance = random.Random(1)
    for _ in range(300):
        place = chance.randrange(len(data))
        other = bytes((data[place] ^ chance.randrange(1, 256),))
        wrong = data[:place] + other + data[place + 1 :]
        with pytest.raises(CompiledError):
            read_compiled(io.BytesIO(wrong))


def test_no_zones_at_all() -> None:
    assert read_compiled(io.BytesIO(b"".join(Compiled().octets()))) == Compiled()
