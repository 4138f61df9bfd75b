"""Whether the claims of an answer are true.

Sans-IO: a generator asks for DS and DNSKEY records (``Need``) and is sent what came
(``Done`` or ``Failed``); the driver resolves them as any other question.
Source: RFC 4035 §5, RFC 5155 §8, RFC 6840 §5.
"""

from collections.abc import Generator

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.canonical import labels_of
from pabal.dns.dnssec.denial import DENIAL_TYPES
from pabal.dns.dnssec.fault import BogusError, EffortError, ExtendedError
from pabal.dns.dnssec.signature import signatures_of
from pabal.dns.ports import Security
from pabal.dns.resolver.chain import ChainOfTrust, Need
from pabal.dns.resolver.claim import BOGUS_SECONDS, Claim, Verdict
from pabal.dns.resolver.iterator import Done, Failed
from pabal.dns.resolver.scrub import synthesise
from pabal.dns.resolver.standing import Standing

Judging = Generator[Need, Done | Failed, Verdict]


def judge(claim: Claim, chain: ChainOfTrust) -> Judging:
    """Ask for what is needed and return whether ``claim`` is true."""
    try:
        if claim.rdtype == dns.rdatatype.RRSIG:
            verdict = Verdict(Security.INSECURE)  # RFC 4035 §2.2: never signed
        elif claim.rrset is None:
            verdict = yield from _absent(claim, chain)
        else:
            verdict = yield from _present(claim, claim.signed or claim.rrset, chain)
    except BogusError as error:
        verdict = _bogus(error.reason, error.code)
    except EffortError as error:
        verdict = _bogus(str(error), ExtendedError.BOGUS)
    how = verdict.reason
    if verdict.security is Security.SECURE:
        how = how or _how(claim)
    chain.tell(claim.name, claim.rdtype, verdict.security, how)
    chain.judged.append((claim, verdict))
    return verdict


def _how(claim: Claim) -> str:
    """Return what shows that ``claim`` is true, in words."""
    rrset = claim.signed or claim.rrset
    denials = [r for r in claim.evidence if r.rdtype in DENIAL_TYPES]
    signer = _signer(claim, denials if rrset is None else [rrset])
    if rrset is None:
        kinds = sorted({dns.rdatatype.to_text(each.rdtype) for each in denials})
        return f"{' and '.join(kinds)} records of {signer} prove that it is not there"
    found = signatures_of(claim.evidence, rrset.name, rrset.rdtype)
    tags = sorted({str(rrsig.key_tag) for rrsig in found})
    how = f"signed by key {' and '.join(tags)} of {signer}"
    if any(rrsig.labels < labels_of(rrset.name) for rrsig in found):
        return f"{how}, made of a wildcard"
    return how


def _present(claim: Claim, rrset: dns.rrset.RRset, chain: ChainOfTrust) -> Judging:
    signer = _signer(claim, [rrset])
    if signer is None:
        missing = ExtendedError.SIGNATURES_MISSING
        return (yield from _unsigned(claim, chain, missing))
    standing = yield from chain.standing(signer)
    if standing.security is not Security.SECURE:
        return _of_standing(standing)
    _must_be_zone(signer, standing, claim)
    holds = chain.check(rrset, claim, standing)
    if claim.source is not None and synthesise(claim.name, rrset) != claim.rrset:
        raise BogusError(f"{claim.name} is no alias by the DNAME at {rrset.name}")
    if holds.wildcard is None:
        return Verdict(Security.SECURE, holds.ttl_max_s)
    proven, ttl_s = chain.proofs(claim, standing)
    proof = proven.no_closer(rrset.name, holds.wildcard)
    security = Security.SECURE if proof.is_secure else Security.INSECURE
    return Verdict(security, min(ttl_s, holds.ttl_max_s), proof.weak)


def _absent(claim: Claim, chain: ChainOfTrust) -> Judging:
    soa = [claim.soa] if claim.soa is not None else []
    denials = [r for r in claim.evidence if r.rdtype in DENIAL_TYPES]
    signer = _signer(claim, [*denials, *soa])
    if signer is None:
        return (yield from _unsigned(claim, chain, ExtendedError.NSEC_MISSING))
    standing = yield from chain.standing(signer)
    if standing.security is not Security.SECURE:
        return _of_standing(standing)
    _must_be_zone(signer, standing, claim)
    proven, ttl_s = chain.proofs(claim, standing)
    if claim.nxdomain:
        proof = proven.no_name(claim.name)
    else:
        proof = proven.no_data(claim.name, claim.rdtype)
    for rrset in soa:
        left_s = min(chain.check(rrset, claim, standing).ttl_max_s, rrset.ttl)
        ttl_s = min(ttl_s, left_s)
        expires_at = chain.now + left_s
        chain.trust.absence.learn(standing.zone, rrset, claim, expires_at)
    if proof.is_secure:
        return Verdict(Security.SECURE, ttl_s)
    code = ExtendedError.NSEC3_ITERATIONS if proof.weak else None
    return Verdict(Security.INSECURE, ttl_s, proof.weak, code)


def _unsigned(claim: Claim, chain: ChainOfTrust, code: ExtendedError) -> Judging:
    """Return what a claim without signatures is: fine where nothing is signed."""
    name = claim.name
    if claim.rdtype == dns.rdatatype.DS and name != dns.name.root:
        name = name.parent()
    standing = yield from chain.standing(name)
    if standing.security is Security.SECURE or (
        standing.security is Security.BOGUS
        and standing.code is ExtendedError.NSEC_MISSING
    ):
        what = f"{claim.name} {dns.rdatatype.to_text(claim.rdtype)}"
        raise BogusError(
            f"{what} comes without signature, but its zone is signed: somebody on the"
            " way took it away, or made up the answer",
            code,
        )
    return _of_standing(standing)


def _must_be_zone(signer: dns.name.Name, standing: Standing, claim: Claim) -> None:
    if standing.zone != signer:
        raise BogusError(f"{claim.name} is signed by {signer}, which is no zone")


def _signer(claim: Claim, rrsets: list[dns.rrset.RRset]) -> dns.name.Name | None:
    """Return the zone that says it signed ``rrsets``; ``None``: nobody does.

    RFC 4035 §5.3.1: it is at or above the records; and DS are the parent's.
    """
    signers = {
        rrsig.signer.canonicalize()
        for rrset in rrsets
        for rrsig in signatures_of(claim.evidence, rrset.name, rrset.rdtype)
        if rrset.name.is_subdomain(rrsig.signer)
        and claim.name.is_subdomain(rrsig.signer)
    }
    if claim.rdtype == dns.rdatatype.DS and claim.name != dns.name.root:
        signers.discard(claim.name)
    return max(signers, key=len, default=None)


def _of_standing(standing: Standing) -> Verdict:
    if standing.security is Security.BOGUS:
        return _bogus(standing.reason, standing.code or ExtendedError.BOGUS)
    return Verdict(
        standing.security, standing.ttl_max_s, standing.reason, standing.code
    )


def _bogus(reason: str, code: ExtendedError) -> Verdict:
    return Verdict(Security.BOGUS, BOGUS_SECONDS, reason, code)
