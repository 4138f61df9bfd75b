import dns.rdatatype
import dns.rrset

from pabal.dns.resolver import evidence
from pabal.dns.resolver.claim import Claim
from tests.dns.resolver.signedworld import claims, message, name, query, zones

WORLD = zones()


def kinds(claim: Claim) -> list[str]:
    return sorted(
        dns.rdatatype.to_text(rrset.rdtype)
        + (f" {dns.rdatatype.to_text(rrset.covers)}" if rrset.covers else "")
        for rrset in claim.evidence
    )


def test_records_have_their_signature() -> None:
    (claim,) = claims(WORLD, "www.test.", "A")
    assert kinds(claim) == ["RRSIG A"]
    assert claim.rrset is not None
    assert claim.origin is not None
    assert claim.origin[1] == name("test.")


def test_each_part_of_a_chain_has_its_own() -> None:
    alias, address = claims(WORLD, "alias.test.", "A")
    assert kinds(alias) == ["RRSIG CNAME"]
    assert kinds(address) == ["RRSIG A"]


def test_what_a_wildcard_made_has_a_proof() -> None:
    (claim,) = claims(WORLD, "x.wild.test.", "A")
    assert kinds(claim) == ["NSEC", "RRSIG A", "RRSIG NSEC"]


def test_what_a_dname_made_has_the_dname() -> None:
    (claim,) = claims(WORLD, "www.old.test.", "A")
    assert claim.source is not None
    assert claim.source.name == name("old.test.")
    assert kinds(claim) == ["RRSIG DNAME"]


def test_absence_has_the_soa_and_the_proofs() -> None:
    (claim,) = claims(WORLD, "nobody.test.", "A")
    assert claim.nxdomain
    assert kinds(claim) == ["NSEC", "NSEC", "RRSIG NSEC", "RRSIG NSEC", "RRSIG SOA"]


def test_nothing_is_taken_from_outside_the_zone() -> None:
    asked = query("nobody.test.", "A")
    reply = message(WORLD, asked)
    foreign = dns.rrset.from_text("other.", 60, "IN", "NSEC", "z. A RRSIG NSEC")
    reply.authority.append(foreign)
    claim = evidence.negative(reply, asked, asked.name, None, nxdomain=True)
    assert foreign not in claim.evidence
    assert evidence.beside(reply, asked.zone, foreign) == ()
