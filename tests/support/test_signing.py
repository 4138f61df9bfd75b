import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.NSEC import NSEC

from pabal.dns.dnssec.bitmap import has_type
from pabal.dns.dnssec.keys import generate
from pabal.dns.dnssec.signature import Effort, check, signatures_of
from tests.dns.dnssec.parts import (
    NOW,
    ORIGIN,
    VALID,
    name,
    plain_zone,
    rdtype,
    verifying,
)
from tests.support.signing import (
    Nsec3Parameters,
    SigningPolicy,
    Validity,
    ZoneContentError,
    sign_zone,
)

KSK, ZSK = generate(), generate(sep=False)
RRSIG = rdtype("RRSIG")


def signed(nsec3: Nsec3Parameters | None = None) -> list[dns.rrset.RRset]:
    return sign_zone(ORIGIN, plain_zone(), SigningPolicy((KSK, ZSK), VALID, nsec3))


def types_at(zone: list[dns.rrset.RRset], owner: str) -> list[str]:
    return sorted(
        dns.rdatatype.to_text(rrset.rdtype)
        for rrset in zone
        if rrset.name == name(owner) and rrset.rdtype != RRSIG
    )


def covered_at(zone: list[dns.rrset.RRset], owner: str) -> set[str]:
    return {
        dns.rdatatype.to_text(rrset.covers)
        for rrset in zone
        if rrset.name == name(owner) and rrset.rdtype == RRSIG
    }


def test_every_set_that_is_the_zones_is_signed_and_verifies() -> None:
    zone = signed()
    keys = [verifying(KSK), verifying(ZSK)]
    for rrset in zone:
        if rrset.rdtype == RRSIG:
            continue
        signatures = signatures_of(zone, rrset.name, rrset.rdtype)
        at_cut = rrset.name in {name("sub"), name("safe")}
        foreign = rrset.name in {name("ns.sub"), name("below.old")} or (
            at_cut and rrset.rdtype == dns.rdatatype.NS
        )
        assert bool(signatures) != foreign, rrset
        if signatures:
            check(rrset, signatures, ORIGIN, keys, NOW, Effort())
            expected = KSK if rrset.rdtype == dns.rdatatype.DNSKEY else ZSK
            assert [s.key_tag for s in signatures] == [expected.tag]


def test_one_key_does_both() -> None:
    zone = sign_zone(ORIGIN, plain_zone(), SigningPolicy((KSK,), VALID))
    tags = {rdata.key_tag for rrset in zone if rrset.rdtype == RRSIG for rdata in rrset}
    assert tags == {KSK.tag}


def test_nsec_chain_closes_and_leaves_out_glue() -> None:
    zone = signed()
    chain = {
        rrset.name: rrset[0] for rrset in zone if rrset.rdtype == dns.rdatatype.NSEC
    }
    assert name("ns.sub") not in chain
    assert name("below.old") not in chain
    assert name("b.c.deep") not in chain  # an empty non-terminal has none
    seen, here = [], ORIGIN
    while here not in seen:
        seen.append(here)
        here = chain[here].next
    assert here == ORIGIN
    assert len(seen) == len(chain)
    assert seen == sorted(seen)
    cut = chain[name("sub")]
    assert isinstance(cut, NSEC)
    assert has_type(cut, dns.rdatatype.NS)
    assert not has_type(cut, dns.rdatatype.A)
    assert covered_at(zone, "sub") == {"NSEC"}
    assert covered_at(zone, "safe") == {"DS", "NSEC"}


def test_denial_lives_as_long_as_the_soa_says() -> None:
    assert {r.ttl for r in signed() if r.rdtype == dns.rdatatype.NSEC} == {60}


def test_nsec3_hashes_empty_non_terminals_too() -> None:
    zone = signed(Nsec3Parameters())
    hashed = [r for r in zone if r.rdtype == dns.rdatatype.NSEC3]
    owners = {
        rrset.name
        for rrset in plain_zone()
        if rrset.name not in {name("ns.sub"), name("below.old")}
    }
    gaps = {"b.c.deep", "c.deep", "deep", "wild"}
    assert len(hashed) == len(owners | {name(gap) for gap in gaps})
    assert types_at(zone, "@") == ["DNSKEY", "NS", "NSEC3PARAM", "SOA"]
    starts = {rrset.name.labels[0] for rrset in hashed}
    nexts = {rrset[0].next_name(ORIGIN).labels[0] for rrset in hashed}
    assert starts == nexts


def test_opt_out_leaves_out_unsigned_cuts() -> None:
    whole = signed(Nsec3Parameters())
    out = signed(Nsec3Parameters(opt_out=True))
    count = sum(r.rdtype == dns.rdatatype.NSEC3 for r in whole)
    assert sum(r.rdtype == dns.rdatatype.NSEC3 for r in out) == count - 1
    assert all(r[0].flags == 1 for r in out if r.rdtype == dns.rdatatype.NSEC3)


def test_signing_again_replaces_what_signing_made() -> None:
    once = signed()
    again = sign_zone(ORIGIN, once, SigningPolicy((KSK, ZSK), VALID))
    assert [r.to_text() for r in again] == [r.to_text() for r in once]
    other = sign_zone(ORIGIN, once, SigningPolicy((KSK, ZSK), VALID, Nsec3Parameters()))
    assert not any(r.rdtype == dns.rdatatype.NSEC for r in other)


def test_what_is_no_zone_is_refused() -> None:
    policy = SigningPolicy((KSK,), VALID)
    with pytest.raises(ZoneContentError):
        sign_zone(ORIGIN, [], policy)
    stranger = dns.rrset.from_text("other.test.", 60, "IN", "A", "192.0.2.1")
    with pytest.raises(ZoneContentError):
        sign_zone(ORIGIN, [*plain_zone(), stranger], policy)


def test_validity_begins_a_little_earlier() -> None:
    validity = Validity.around(1_000_000, 100)
    assert validity.inception < 1_000_000
    assert validity.expiration == 1_000_100
