from itertools import pairwise

import pytest

from pabal.dns.wire.arriving import Arrived
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import gathering
from pabal.dns.zone.history import difference
from pabal.dns.zone.inbound import Inbound, TransferError
from pabal.dns.zone.shards import Shards
from pabal.dns.zone.tree import Zone, build_packed
from tests.support.zones import HEAD, octets, zone

ORIGIN = octets("example.com.")


def version(serial: int, lines: str = "") -> Zone:
    return zone(HEAD.replace(" 1 7200", f" {serial} 7200") + lines)


OLD = version(1, "a A 192.0.2.1\nb A 192.0.2.2\nB TXT x\n")
MIDDLE = version(2, "a A 192.0.2.9\nb A 192.0.2.2\nb TXT y\n")
NEW = version(3, "b A 192.0.2.2\nb TXT y\nc.d A 192.0.2.3\n")


def arrived(*rrsets: RRset) -> list[Arrived]:
    return [(r.owner, r.rdtype, r.ttl_s, rdata) for r in rrsets for rdata in r.rdatas]


def everything(made: Zone) -> list[Arrived]:
    inner = [r for node in made.nodes.values() for r in node.values() if r.rdtype != 6]
    return arrived(made.soa, *inner, made.soa)


def steps(*versions: Zone) -> list[Arrived]:
    found = arrived(versions[-1].soa)
    for old, new in pairwise(versions):
        change = difference(old, new)
        found += arrived(change.before, *change.removed, change.after, *change.added)
    return found + arrived(versions[-1].soa)


def sets(made: Zone) -> set[tuple[bytes, int, int, frozenset[bytes]]]:
    return {
        (name, r.rdtype, r.ttl_s, frozenset(r.rdatas))
        for name, node in made.nodes.items()
        for r in node.values()
    }


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("held", "records"),
    [
        (None, everything(NEW)),
        (OLD, everything(NEW)),
        (MIDDLE, steps(MIDDLE, NEW)),
        (OLD, steps(OLD, MIDDLE, NEW)),
    ],
)
def test_the_next_version_comes_out(
    held: Zone | None, records: list[Arrived], size: int
) -> None:
    inbound = Inbound(ORIGIN, held)
    for start in range(0, len(records), size):
        assert not inbound.is_done
        inbound.take(records[start : start + size])
    assert inbound.is_done
    assert not inbound.is_current
    assert sets(build_packed(ORIGIN, inbound.nodes(), {})) == sets(NEW)


def test_nothing_new() -> None:
    inbound = Inbound(ORIGIN, NEW)
    inbound.take(arrived(NEW.soa))
    assert inbound.is_current
    behind = Inbound(ORIGIN, NEW)
    behind.take(arrived(OLD.soa))
    assert behind.is_current
    ahead = Inbound(ORIGIN, OLD)
    ahead.take(arrived(NEW.soa))
    assert not ahead.is_current


@pytest.mark.parametrize(
    ("held", "records"),
    [
        (None, everything(NEW)[1:]),
        (None, [*everything(NEW), *everything(NEW)[:1]]),
        (None, steps(OLD, NEW)),
        (MIDDLE, steps(OLD, NEW)),
        (None, [*everything(NEW)[:2], (octets("a.test."), 1, 5, b"1234")]),
        (None, [*everything(NEW)[:3], *arrived(OLD.soa)]),
        (OLD, [*steps(OLD, NEW)[:2], (octets("zz.example.com."), 1, 5, b"1234")]),
    ],
)
def test_what_is_no_transfer(held: Zone | None, records: list[Arrived]) -> None:
    inbound = Inbound(ORIGIN, held)
    with pytest.raises(TransferError):
        inbound.take(records)


def test_a_zone_needs_servers() -> None:
    inbound = Inbound(ORIGIN, None)
    inbound.take(arrived(NEW.soa, NEW.soa))
    with pytest.raises(TransferError):
        inbound.nodes()


def test_what_was_broken_off_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "SPLIT_NAMES", 1)
    inbound = Inbound(ORIGIN, None)
    inbound.take(everything(NEW)[:-1])
    nodes = inbound._gathering.nodes
    assert isinstance(nodes, Shards)
    assert len(nodes) > 1
    inbound.break_off()
    assert not nodes.parts
