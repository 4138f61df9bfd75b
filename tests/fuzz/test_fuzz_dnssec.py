"""Whatever is changed on the way: no false answer is secure, and nothing breaks."""

import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.dns.ports import Security
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.query import MalformedReplyError, read
from pabal.dns.resolver.scrub import scrub
from pabal.dns.resolver.validator import judge
from tests.dns.resolver.signedworld import (
    chain_of,
    message,
    name,
    query,
    run,
    zones,
)

WORLDS = {"nsec": zones(), "nsec3": zones("nsec3")}
TRUST = {kind: chain_of() for kind in WORLDS}
QUESTIONS = (
    ("www.test.", "A"),
    ("x.wild.test.", "A"),
    ("nobody.test.", "A"),
    ("www.test.", "MX"),
    ("www.old.test.", "A"),
)


def records(claim: Claim) -> set[str]:
    return {rdata.to_text().lower() for rdata in claim.rrset or ()}


def truth(kind: str, owner: str, rdtype: str) -> dict[tuple[str, str], set[str]]:
    asked = query(owner, rdtype)
    reading = scrub(message(WORLDS[kind], asked), asked)
    return {
        (str(claim.name).lower(), dns.rdatatype.to_text(claim.rdtype)): records(claim)
        for claim in reading.claims
    }


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize(("owner", "rdtype"), QUESTIONS)
@settings(deadline=None)
@given(data=st.data())
def test_no_change_makes_a_false_answer_secure(
    kind: str, owner: str, rdtype: str, data: st.DataObject
) -> None:
    asked = query(owner, rdtype)
    octets = bytearray(message(WORLDS[kind], asked).to_wire(max_size=65535))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(2, len(octets) - 1))
        octets[place] ^= data.draw(st.integers(1, 255))
    try:
        reading = scrub(read(bytes(octets), asked), asked)
    except MalformedReplyError:
        return
    true = truth(kind, owner, rdtype)
    for claim in reading.claims:
        chain = chain_of()
        chain.trust = TRUST[kind].trust
        verdict = run(judge(claim, chain), WORLDS[kind])
        if verdict.security is Security.SECURE:
            key = (str(claim.name).lower(), dns.rdatatype.to_text(claim.rdtype))
            assert true.get(key, {"?"}) == records(claim), (key, records(claim))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(range(12)), max_size=12),
    st.sampled_from(sorted(WORLDS)),
    st.sampled_from(["www.test.", "wild.test.", "x.wild.test.", "cut.test.", "test."]),
    st.sampled_from(["A", "DS", "MX", "NS"]),
    st.booleans(),
)
def test_no_mix_of_true_proofs_denies_what_is_there(
    picked: list[int], kind: str, owner: str, rdtype: str, nxdomain: bool
) -> None:
    """Records that are all true, put together as an attacker likes."""
    world = WORLDS[kind]
    zone = world[0]
    denials = [r for r in zone.rrsets.values() if r.rdtype == dns.rdatatype.NSEC]
    denials += [rrset for rrset, _ in zone.hashed]
    evidence: list[dns.rrset.RRset] = []
    for place in picked:
        rrset = denials[place % len(denials)]
        evidence += (rrset, zone.signatures[rrset.name, rrset.rdtype])
    wanted = dns.rdatatype.from_text(rdtype)
    claim = Claim(name(owner), wanted, nxdomain=nxdomain, evidence=tuple(evidence))
    chain = chain_of()
    chain.trust = TRUST[kind].trust
    verdict = run(judge(claim, chain), world)
    there = (name(owner), wanted) in zone.rrsets or (
        owner == "x.wild.test." and rdtype == "A"
    )
    elsewhere = owner == "test." and rdtype == "DS"
    if nxdomain or there or elsewhere:
        assert verdict.security is not Security.SECURE
