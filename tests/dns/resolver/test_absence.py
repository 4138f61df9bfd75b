import dataclasses

import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.ports import Security
from pabal.dns.resolver import absence
from pabal.dns.resolver.absence import ProvenAbsence
from pabal.dns.resolver.claim import Claim
from tests.dns.resolver.signedworld import NOW, claims, name, zones
from tests.scenario.dns.signed import SignedZone

WORLD = zones()
TEST = name("test.")
NSEC = dns.rdatatype.NSEC


def learnt(
    *questions: tuple[str, str], world: list[SignedZone] = WORLD
) -> ProvenAbsence:
    known = ProvenAbsence()
    for owner, kind in questions:
        (claim,) = claims(world, owner, kind)
        for rrset in claim.evidence:
            known.learn(TEST, rrset, claim, NOW + 60)
        if claim.soa is not None:
            known.learn(TEST, claim.soa, claim, NOW + 100)
    return known


def ask(
    known: ProvenAbsence, owner: str, kind: str = "A", now: float = NOW
) -> Claim | None:
    return known.claim(name(owner), dns.rdatatype.from_text(kind), now)


NOBODY = learnt(("nobody.test.", "A"))


def test_a_gap_holds_many_names() -> None:
    for owner in ("nobody.test.", "NObodyelse.test.", "a.b.nobodyelse.test."):
        claim = ask(NOBODY, owner)
        assert claim is not None
        assert claim.nxdomain
        assert claim.verdict is not None
        assert claim.verdict.security is Security.SECURE
        assert claim.verdict.ttl_max_s == 60
        kinds = {dns.rdatatype.to_text(rrset.rdtype) for rrset in claim.evidence}
        assert kinds == {"NSEC", "RRSIG"}


@pytest.mark.parametrize(
    "owner", ["www.test.", "x.www.test.", "alias.test.", "wild.test.", "other.", "."]
)
def test_and_nothing_beyond(owner: str) -> None:
    assert ask(NOBODY, owner) is None


def test_a_name_that_is_there_lacks_types() -> None:
    known = learnt(("www.test.", "MX"))
    claim = ask(known, "www.test.", "TXT")
    assert claim is not None
    assert not claim.nxdomain
    assert ask(known, "www.test.", "A") is None


def test_below_a_cut_or_beside_a_wildcard_nothing_is_known() -> None:
    known = learnt(("cut.test.", "DS"), ("nobody.test.", "A"), ("x.wild.test.", "MX"))
    assert ask(known, "cut.test.", "DS") is not None
    assert ask(known, "cut.test.", "A") is None
    assert ask(known, "www.cut.test.") is None
    assert ask(known, "y.wild.test.") is None


def test_time_ends_it() -> None:
    known = learnt(("nobody.test.", "A"))
    count = len(known)
    assert ask(known, "nobodyelse.test.", now=NOW + 59) is not None
    assert ask(known, "nobodyelse.test.", now=NOW + 60) is None
    assert len(known) < count
    assert ask(known, "nobodyelse.test.", now=NOW + 100) is None


def test_without_soa_there_is_no_answer() -> None:
    (claim,) = claims(WORLD, "nobody.test.", "A")
    known = ProvenAbsence()
    for rrset in claim.evidence:
        known.learn(TEST, rrset, claim, NOW + 60)
    assert ask(known, "nobodyelse.test.") is None


def test_zones_not_used_for_long_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    (claim,) = claims(WORLD, "nobody.test.", "A")
    known = learnt(("nobody.test.", "A"))
    monkeypatch.setattr(absence, "SPANS_MAX", len(known))
    other = dataclasses.replace(claim)
    for rrset in other.evidence:
        known.learn(name("."), rrset, other, NOW + 60)
    assert ask(known, "nobodyelse.test.") is None
    assert len(known) <= absence.SPANS_MAX


HASHED = zones("nsec3")


def test_hashed_gaps_too() -> None:
    # Enough proofs to know every gap of a zone with few names.
    asked = [(f"n{number}.test.", "A") for number in range(60)]
    known = learnt(*asked, world=HASHED)
    for owner in ("somebody.test.", "SOMEbody.test.", "a.b.somebody.test."):
        claim = ask(known, owner)
        assert claim is not None
        assert claim.nxdomain
        assert claim.verdict is not None
        assert claim.verdict.security is Security.SECURE
        kinds = {dns.rdatatype.to_text(rrset.rdtype) for rrset in claim.evidence}
        assert kinds == {"NSEC3", "RRSIG"}
    for owner in ("www.test.", "x.wild.test.", "other.", "."):
        assert ask(known, owner) is None, owner
    deep = "a." * absence.DEPTH_MAX + "b.test."
    assert ask(known, deep) is None
    size = len(known)
    assert size > 3
    assert ask(known, "somebody.test.", now=NOW + 61) is None
    assert len(known) < size


def test_one_hashed_proof_is_not_enough_for_all() -> None:
    known = learnt(("nobody.test.", "A"), world=HASHED)
    claim = ask(known, "nobody.test.")
    assert claim is not None
    assert claim.nxdomain
    others = [ask(known, f"n{number}.test.") for number in range(60)]
    assert None in others


def test_a_hashed_name_that_is_there_lacks_types() -> None:
    known = learnt(("www.test.", "MX"), world=HASHED)
    claim = ask(known, "www.test.", "TXT")
    assert claim is not None
    assert not claim.nxdomain
    assert ask(known, "www.test.", "A") is None


@pytest.mark.parametrize("options", [("optout",), ("nsec3", "iterations=6")])
def test_nothing_follows_from_opt_out_or_costly_hashes(
    options: tuple[str, ...],
) -> None:
    asked = [(f"n{number}.test.", "A") for number in range(20)]
    known = learnt(*asked, world=zones(*options))
    assert ask(known, "n0.test.") is None
    assert ask(known, "somebody.test.") is None


def test_hashed_anew() -> None:
    known = learnt(("nobody.test.", "A"), world=zones("nsec3", "iterations=1"))
    (claim,) = claims(HASHED, "nobody.test.", "A")
    for rrset in claim.evidence:
        known.learn(TEST, rrset, claim, NOW + 60)
    found = ask(known, "nobody.test.")
    assert found is not None
    assert len(known) <= 3


def test_it_ends_with_the_soa() -> None:
    known = ProvenAbsence()
    (claim,) = claims(WORLD, "nobody.test.", "A")
    for rrset in claim.evidence:
        known.learn(TEST, rrset, claim, NOW + 60)
    assert claim.soa is not None
    known.learn(TEST, claim.soa, claim, NOW + 10)
    found = ask(known, "nobody.test.", now=NOW + 4)
    assert found is not None
    assert found.verdict is not None
    assert found.verdict.ttl_max_s == 6
    assert ask(known, "nobody.test.", now=NOW + 10) is None


def test_all_zones_together_are_bounded() -> None:
    """Whoever has a zone with many names fills it; the others' go, all at once."""
    known = learnt(("nobody.test.", "A"))
    (claim,) = claims(WORLD, "nobody.test.", "A")
    (span,) = {r.rdtype: r for r in claim.evidence if r.rdtype == NSEC}.values()
    other = name("other.")
    for number in range(50_000):
        labels = (b"%d" % number, b"other", b"")
        owned = dns.rrset.from_rdata_list(dns.name.Name(labels), 60, list(span))
        known.learn(other, owned, claim, NOW + 60)
        assert len(known) <= 50_000
    assert ask(known, "nobody.test.") is None
    assert len(known) == 50_000
