import dataclasses

import dns.rdatatype

from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Resolved, Security
from pabal.dns.resolver.claim import Verdict
from pabal.dns.resolver.conclusion import conclude, is_settled
from pabal.dns.resolver.iterator import Done, Failed
from tests.dns.resolver.signedworld import reading, zones

WORLD = zones()


def done(owner: str, kind: str, *verdicts: Verdict | None) -> Done:
    read = reading(WORLD, owner, kind)
    authority = (read.soa,) if read.soa is not None else ()
    claims = tuple(
        dataclasses.replace(claim, verdict=verdict)
        for claim, verdict in zip(read.claims, verdicts, strict=True)
    )
    return Done(Resolved(0, read.chain, authority), claims)


def concluded(end: Done, *, unchecked: bool = False) -> Resolved:
    found = conclude(end, unchecked=unchecked)
    assert isinstance(found, Done)
    return found.resolved


SECURE = Verdict(Security.SECURE, 30)
BOGUS = Verdict(Security.BOGUS, 60, "ended", ExtendedError.SIGNATURE_EXPIRED)


def test_without_claims_nothing_changes() -> None:
    plain = Done(Resolved(0, ()))
    assert conclude(plain, unchecked=False) is plain
    assert is_settled(plain)


def test_secure_answers_carry_their_signatures_and_live_as_long() -> None:
    resolved = concluded(done("alias.test.", "A", SECURE, SECURE))
    assert resolved.security is Security.SECURE
    assert [rrset.ttl for rrset in resolved.answer] == [30, 30]
    assert [r.covers for r in resolved.signatures] == [5, 1]
    assert [r.ttl for r in resolved.signatures] == [30, 30]
    assert resolved.proofs == ()


def test_proofs_go_to_the_authority_section() -> None:
    resolved = concluded(done("nobody.test.", "A", SECURE))
    assert resolved.signatures == ()
    kinds = {dns.rdatatype.to_text(rrset.rdtype) for rrset in resolved.proofs}
    assert kinds == {"NSEC", "RRSIG"}
    assert [rrset.ttl for rrset in resolved.authority] == [30]
    wild = concluded(done("x.wild.test.", "A", SECURE))
    assert {r.covers for r in wild.signatures} == {1}
    assert {r.rdtype for r in wild.proofs} == {dns.rdatatype.NSEC, dns.rdatatype.RRSIG}


def test_the_dname_goes_with_what_was_made_of_it() -> None:
    resolved = concluded(done("www.old.test.", "A", SECURE))
    assert [r.rdtype for r in resolved.signatures] == [39, 46]


def test_bogus_is_a_failure_unless_wanted() -> None:
    end = done("www.test.", "A", BOGUS)
    assert conclude(end, unchecked=False) == Failed("bogus: ended", 7)
    resolved = concluded(end, unchecked=True)
    assert resolved.security is Security.INDETERMINATE
    assert resolved.answer


def test_what_is_not_checked_is_not_secure() -> None:
    end = done("alias.test.", "A", SECURE, None)
    assert not is_settled(end)
    assert concluded(end, unchecked=True).security is Security.INDETERMINATE


def test_why_it_is_not_secure_is_told() -> None:
    code = ExtendedError.DNSKEY_ALGORITHM_UNKNOWN
    unknown = Verdict(Security.INSECURE, 30, "unknown", code)
    assert concluded(done("www.test.", "A", unknown)).errors == (1,)
    assert concluded(done("www.test.", "A", SECURE)).errors == ()
    plain = Verdict(Security.INSECURE, 30, "not signed")
    assert concluded(done("www.test.", "A", plain)).errors == ()
