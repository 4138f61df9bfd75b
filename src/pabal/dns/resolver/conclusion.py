"""From checked claims to what a client is told.

Sans-IO, pure.
Source: RFC 4035 §3.2 (what clients see), §4.3 (the four states), §5.5 (bogus),
RFC 8914 §4 (what is said beside an answer).
"""

from collections.abc import Iterable
from dataclasses import replace

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.denial import DENIAL_TYPES
from pabal.dns.ports import Security
from pabal.dns.resolver.claim import Claim, worst
from pabal.dns.resolver.iterator import Done, Failed

RRset = dns.rrset.RRset


def is_settled(done: Done) -> bool:
    """Return whether nothing of ``done`` is left to check."""
    return all(claim.verdict is not None for claim in done.claims)


def conclude(done: Done, *, unchecked: bool) -> Done | Failed:
    """Return ``done`` with its security and evidence; ``Failed`` if it is bogus.

    ``unchecked``: the client wants bogus data, too (CD).
    """
    if not done.claims:
        return done
    verdicts = [c.verdict for c in done.claims if c.verdict is not None]
    overall = worst(verdicts)
    security = overall.security
    if len(verdicts) < len(done.claims):
        security = Security.INDETERMINATE
    if security is Security.BOGUS:
        if not unchecked:
            return Failed(f"bogus: {overall.reason}", overall.code)
        security = Security.INDETERMINATE
    errors = done.resolved.errors
    if security is Security.INSECURE and overall.code is not None:
        # RFC 8914 §4.2, §4.3, RFC 9276 §3.2: signed, but not in a way known here.
        errors = (*errors, int(overall.code))
    limits = _limits(done.claims)
    resolved = replace(
        done.resolved,
        answer=tuple(_limited(rrset, limits) for rrset in done.resolved.answer),
        authority=tuple(_limited(rrset, limits) for rrset in done.resolved.authority),
        security=security,
        signatures=_signatures(done.claims),
        proofs=_proofs(done.claims),
        errors=errors,
    )
    return Done(resolved, done.claims)


_Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


def _limits(claims: Iterable[Claim]) -> dict[_Key, int]:
    """Return the longest TTL of each record set (RFC 4035 §5.3.3)."""
    limits: dict[_Key, int] = {}
    for claim in claims:
        if claim.verdict is None or claim.verdict.ttl_max_s is None:
            continue
        rrset = claim.rrset if claim.rrset is not None else claim.soa
        if rrset is not None:
            limits[rrset.name, rrset.rdtype] = claim.verdict.ttl_max_s
    return limits


def _limited(rrset: RRset, limits: dict[_Key, int]) -> RRset:
    limit = limits.get((rrset.name, rrset.rdtype))
    return rrset if limit is None or limit >= rrset.ttl else _with_ttl(rrset, limit)


def _with_ttl(rrset: RRset, ttl_s: int) -> RRset:
    return dns.rrset.from_rdata_list(rrset.name, ttl_s, list(rrset))


def _ttl_s(claim: Claim) -> int:
    rrset = claim.rrset if claim.rrset is not None else claim.soa
    ttl_s = 0 if rrset is None else rrset.ttl
    if claim.verdict is None or claim.verdict.ttl_max_s is None:
        return ttl_s
    return min(ttl_s, claim.verdict.ttl_max_s)


def _is_denial(rrset: RRset) -> bool:
    return rrset.rdtype in DENIAL_TYPES or rrset.covers in DENIAL_TYPES


def _signatures(claims: Iterable[Claim]) -> tuple[RRset, ...]:
    """Return what a client with DO gets in the answer section beside the records."""
    found: list[RRset] = []
    for claim in claims:
        if claim.rrset is None:
            continue
        ttl_s = _ttl_s(claim)
        if claim.source is not None:
            found.append(_with_ttl(claim.source, ttl_s))
        found += [_with_ttl(r, ttl_s) for r in claim.evidence if not _is_denial(r)]
    return tuple(found)


def _proofs(claims: Iterable[Claim]) -> tuple[RRset, ...]:
    """Return what a client with DO gets in the authority section."""
    found: list[RRset] = []
    for claim in claims:
        ttl_s = _ttl_s(claim)
        found += [
            _with_ttl(rrset, ttl_s)
            for rrset in claim.evidence
            if claim.rrset is None or _is_denial(rrset)
        ]
    return tuple(found)
