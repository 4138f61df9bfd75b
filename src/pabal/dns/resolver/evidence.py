"""Which of a message's records prove what it says.

Sans-IO, pure.
Security: like ``scrub``, takes nothing from outside the zone that was asked.
Source: RFC 4035 §3.1 (what servers add), RFC 6672 §5.3 (DNAME).
"""

from collections.abc import Iterable, Sequence

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

from pabal.dns.dnssec.canonical import labels_of
from pabal.dns.dnssec.denial import DENIAL_TYPES
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.query import Query

RRset = dns.rrset.RRset


def positive(
    message: dns.message.Message, query: Query, chain: Iterable[RRset]
) -> tuple[Claim, ...]:
    """Return the claims that the records of ``chain`` are there."""
    answer = _within(message.answer, query.zone)
    return tuple(_claim(rrset, answer, message, query) for rrset in chain)


def negative(
    message: dns.message.Message,
    query: Query,
    end: dns.name.Name,
    soa: RRset | None,
    *,
    nxdomain: bool,
) -> Claim:
    """Return the claim that ``end`` has not what ``query`` asks for."""
    authority = _within(message.authority, query.zone)
    evidence = _denials(authority)
    if soa is not None:
        evidence += signatures(authority, soa.name, soa.rdtype)
    return Claim(
        end,
        query.rdtype,
        nxdomain=nxdomain,
        soa=soa,
        evidence=tuple(evidence),
        origin=(query.server, query.zone),
    )


def beside(
    message: dns.message.Message, zone: dns.name.Name, rrset: RRset
) -> tuple[RRset, ...]:
    """Return the signatures over ``rrset`` of the authority section."""
    return tuple(signatures(_within(message.authority, zone), rrset.name, rrset.rdtype))


def _claim(
    rrset: RRset,
    answer: Sequence[RRset],
    message: dns.message.Message,
    query: Query,
) -> Claim:
    source = _dname(rrset, answer)
    signed = rrset if source is None else source
    evidence = signatures(answer, signed.name, signed.rdtype)
    labels = labels_of(signed.name)
    if any(
        isinstance(rdata, RRSIG) and rdata.labels < labels
        for signature in evidence
        for rdata in signature
    ):
        # Made of a wildcard: only right if nothing is closer (RFC 4035 §5.3.4).
        evidence += _denials(_within(message.authority, query.zone))
    return Claim(
        rrset.name,
        rrset.rdtype,
        rrset,
        source=source,
        evidence=tuple(evidence),
        origin=(query.server, query.zone),
    )


def _dname(rrset: RRset, answer: Iterable[RRset]) -> RRset | None:
    """Return the DNAME that the CNAME ``rrset`` was made of."""
    if rrset.rdtype != dns.rdatatype.CNAME:
        return None
    for other in answer:
        if (
            other.rdtype == dns.rdatatype.DNAME
            and other.name != rrset.name
            and rrset.name.is_subdomain(other.name)
        ):
            return other
    return None


def _denials(authority: Sequence[RRset]) -> list[RRset]:
    return [
        rrset
        for rrset in authority
        if rrset.rdtype in DENIAL_TYPES
        or (rrset.rdtype == dns.rdatatype.RRSIG and rrset.covers in DENIAL_TYPES)
    ]


def signatures(
    section: Iterable[RRset], name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> list[RRset]:
    """Return the RRSIG sets of ``section`` over the records ``name``, ``rdtype``."""
    return [
        rrset
        for rrset in section
        if rrset.rdtype == dns.rdatatype.RRSIG
        and rrset.name == name
        and rrset.covers == rdtype
    ]


def _within(section: Iterable[RRset], zone: dns.name.Name) -> list[RRset]:
    return [
        rrset
        for rrset in section
        if rrset.rdclass == dns.rdataclass.IN and rrset.name.is_subdomain(zone)
    ]
