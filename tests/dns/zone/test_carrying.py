import marshal

import dns.name

from pabal.dns.zone.batch import Report
from pabal.dns.zone.carrying import loads_of, state_of
from pabal.dns.zone.zones import Zones
from tests.support.zones import HEAD, FixedClock, MemorySource, octets


def test_carried_zones_are_as_if_read_here() -> None:
    source = MemorySource(
        {
            "a.test.zone": HEAD + "X.deep.down A 192.0.2.1\n",
            "b.test.zone": HEAD,
            "signed.test.zone": HEAD
            + "@ RRSIG SOA 13 2 60 20300101000000 20200101000000 1 @ AAAA\n",
            "wrong.test.zone": "nonsense",
        }
    )
    there, here = (Zones(source, None, "h.test", FixedClock()) for _ in range(2))
    there.reload()
    loads = marshal.loads(marshal.dumps(loads_of(there.settled())))
    assert len(loads) == 2
    here.adopt(state_of(here.state, loads))
    report = here.reload()
    assert (report.loaded, report.refused) == (("signed.test.",), ("wrong.test.",))
    assert report.unchanged == ()
    for name in ("a.test", "b.test"):
        carried, read = (z.get(dns.name.from_text(name)) for z in (here, there))
        assert carried is not None
        assert read is not None
        assert carried.nodes.packed == read.nodes.packed
        assert carried.nodes.written == read.nodes.written
        assert (carried.soa, carried.negative_soa) == (read.soa, read.negative_soa)
        assert (carried.derived, carried.updated) == (read.derived, read.updated)
    assert octets("down.a.test") in here.by_apex[octets("a.test")].nodes
    del source.texts["wrong.test.zone"]
    assert here.reload() == Report()
