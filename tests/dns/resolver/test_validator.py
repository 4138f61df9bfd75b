import dataclasses

import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Security
from pabal.dns.resolver.claim import Claim, Verdict
from pabal.dns.resolver.validator import judge
from tests.dns.resolver.signedworld import chain_of, claims, run, zones
from tests.scenario.dns.signed import SignedZone

NSEC, NSEC3 = zones(), zones("nsec3")


def verdict(claim: Claim, world: list[SignedZone] = NSEC) -> Verdict:
    return run(judge(claim, chain_of()), world)


@pytest.mark.parametrize("world", [NSEC, NSEC3], ids=["NSEC", "NSEC3"])
@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ("www.test.", "A"),
        ("alias.test.", "A"),
        ("x.wild.test.", "A"),
        ("x.wild.test.", "MX"),
        ("www.old.test.", "A"),
        ("nobody.test.", "A"),
        ("www.test.", "MX"),
        ("test.", "DS"),
        ("cut.test.", "DS"),
        (".", "DNSKEY"),
        ("plain.", "DS"),
    ],
)
def test_true_claims(world: list[SignedZone], owner: str, kind: str) -> None:
    for claim in claims(world, owner, kind):
        found = verdict(claim, world)
        assert found.security is Security.SECURE, found


@pytest.mark.parametrize("world", [NSEC, NSEC3], ids=["NSEC", "NSEC3"])
@pytest.mark.parametrize(
    ("owner", "kind", "spare"),
    [("www.test.", "A", 0), ("x.wild.test.", "A", 2), ("nobody.test.", "A", 0),
     ("www.test.", "MX", 0), ("test.", "DS", 0)],
)  # fmt: skip
def test_no_part_of_the_evidence_can_be_missing(
    world: list[SignedZone], owner: str, kind: str, spare: int
) -> None:
    (claim,) = claims(world, owner, kind)
    assert claim.evidence
    good = 0
    for taken in claim.evidence:
        left = tuple(rrset for rrset in claim.evidence if rrset is not taken)
        found = verdict(dataclasses.replace(claim, evidence=left), world)
        good += found.security is Security.SECURE
        if found.security is Security.BOGUS:
            assert found.reason
            assert found.ttl_max_s is not None
            assert found.ttl_max_s <= 60
    # With NSEC3 the server of these tests proves more of a wildcard than needed.
    assert good == (spare if world is NSEC3 else 0)


def test_a_claim_for_another_name_is_bogus() -> None:
    (claim,) = claims(NSEC, "nobody.test.", "A")
    for other in ("www.test.", "alias.test.", "wild.test."):
        moved = dataclasses.replace(claim, name=dns.name.from_text(other))
        assert verdict(moved).security is Security.BOGUS


def test_a_child_cannot_deny_its_own_ds() -> None:
    # Its apex has an SOA: only the parent knows (RFC 4035 §5.2).
    (claim,) = claims(NSEC, "test.", "MX")
    forged = dataclasses.replace(claim, rdtype=dns.rdatatype.DS)
    found = run(judge(forged, chain_of("test.")), NSEC)
    assert found.security is not Security.SECURE


def test_an_alias_must_follow_from_its_dname() -> None:
    alias = claims(NSEC, "www.old.test.", "A")[0]
    forged = dns.rrset.from_text(alias.name, 60, "IN", "CNAME", "www.evil.")
    found = verdict(dataclasses.replace(alias, rrset=forged))
    assert found.security is Security.BOGUS
    assert "no alias by the DNAME" in found.reason


def test_the_root_has_no_ds_and_says_so_itself() -> None:
    (claim,) = claims(NSEC, ".", "DS")
    assert verdict(claim).security is Security.SECURE


def test_unsigned_claims_are_bogus_where_signed_ones_are_due() -> None:
    (claim,) = claims(NSEC, "www.test.", "A")
    bare = dataclasses.replace(claim, evidence=())
    found = verdict(bare)
    assert found.security is Security.BOGUS
    assert found.code is ExtendedError.SIGNATURES_MISSING
    assert "took it away" in found.reason


def test_a_signer_that_is_no_zone_is_bogus() -> None:
    (claim,) = claims(NSEC, "www.test.", "A")
    (signed,) = claim.evidence
    wrong = dns.rrset.from_rdata_list(
        signed.name, 60, [signed[0].replace(signer=signed.name)]
    )
    found = verdict(dataclasses.replace(claim, evidence=(wrong,)))
    assert found.security is Security.BOGUS
    assert "is no zone" in found.reason


def test_nobody_vouches_for_an_unsigned_zone() -> None:
    owner = dns.name.from_text("www.plain.")
    rrset = dns.rrset.from_text(owner, 60, "IN", "A", "192.0.2.1")
    found = verdict(Claim(owner, dns.rdatatype.A, rrset))
    assert found.security is Security.INSECURE


def test_what_is_found_is_told_and_kept() -> None:
    chain = chain_of()
    (claim,) = claims(NSEC, "www.test.", "A")
    found = run(judge(claim, chain), NSEC)
    assert chain.judged[-1] == (claim, found)
    assert [step.name for step in chain.steps] == [".", "test.", "test.", "www.test."]
    assert found.ttl_max_s == 60
