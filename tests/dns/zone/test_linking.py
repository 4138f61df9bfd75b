import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.zone.linking import Kind, Link, chain, denial_ttl_s
from pabal.dns.zone.packed import unpack
from pabal.dns.zone.tree import Zone
from tests.support.zones import HEAD, octets, zone

TEXT = HEAD + (
    "a.b.ent A 192.0.2.4\nold DNAME new\nx.old A 192.0.2.7\n"
    "Cut NS ns.cut\nns.cut A 192.0.2.5\nsafe NS ns\nsafe DS 1 13 2 " + "ab" * 32 + "\n"
)


def links(made: Zone, kind: Kind) -> dict[str, Link]:
    return {to_text(link.name): link for link in chain(made, made.apex, kind)}


def test_nsec_links_names_with_records_and_skips_what_is_not_the_zones() -> None:
    found = links(zone(TEXT), Kind())
    following = {}
    for name, link in found.items():
        nsec = unpack(link.name, link.extra).get(codes.NSEC)
        if nsec is not None:
            rdata = nsec.rdatas[0]
            end = rdata.index(b"\x00") + 1
            following[name] = to_text(rdata[:end])
            assert nsec.ttl_s == 300
    assert following == {
        "example.com.": "Cut.example.com.",
        "cut.example.com.": "a.b.ent.example.com.",
        "a.b.ent.example.com.": "ns.example.com.",
        "ns.example.com.": "old.example.com.",
        "old.example.com.": "safe.example.com.",
        "safe.example.com.": "example.com.",
    }
    assert found["x.old.example.com."].signed == ()
    assert found["ns.cut.example.com."].signed == ()
    assert found["b.ent.example.com."].plain == b""


def test_of_a_cut_only_what_the_parent_says_is_signed() -> None:
    found = links(zone(TEXT), Kind())
    assert found["cut.example.com."].signed == (codes.NSEC,)
    assert found["safe.example.com."].signed == (codes.DS, codes.NSEC)
    assert codes.SOA not in found["example.com."].signed


@pytest.mark.parametrize(("opt_out", "missing"), [(False, 0), (True, 1)])
def test_nsec3_hashes_empty_names_too(*, opt_out: bool, missing: int) -> None:
    found = links(zone(TEXT), Kind(nsec3=True, opt_out=opt_out))
    hashed = [link for link in found.values() if link.signed == (codes.NSEC3,)]
    assert len(hashed) == 8 - missing
    following = set()
    for link in hashed:
        rdata = unpack(link.name, link.plain)[codes.NSEC3].rdatas[0]
        # RFC 9276 §3.1: SHA-1, no iterations, no salt.
        assert rdata[:6] == bytes((1, int(opt_out), 0, 0, 0, 20))
        following.add(rdata[6:26])
    assert len(following) == len(hashed)


def test_what_a_zone_brings_along_of_signing_is_dropped() -> None:
    made = zone(HEAD + "ns RRSIG A 13 3 300 20300101000000 20200101000000 1 @ AAAA\n")
    link = links(made, Kind())["ns.example.com."]
    assert set(unpack(link.name, link.plain)) == {codes.A}
    assert link.signed == (codes.A, codes.NSEC)


def test_the_ttl_is_that_of_negative_answers() -> None:
    assert denial_ttl_s(zone(HEAD)) == 300
    assert octets("example.com.") == zone(HEAD).origin
