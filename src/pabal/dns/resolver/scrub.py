"""What a server's message says about a question, and nothing else that is in it.

Sans-IO, pure.
Security: only records of the zone the server was asked for ("in bailiwick") that belong
to the question are taken; all else is dropped unread, so that the server of one zone
cannot plant data of another.
Source: RFC 1034 §5.3.3, RFC 2181 §5.4.1, RFC 2308 §2, RFC 5452 §6 (in-domain records),
RFC 6672 §3.1 (DNAME).
"""

import enum
from dataclasses import dataclass, replace

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.DNAME
import dns.rdtypes.nsbase
import dns.rrset

from pabal.dns.resolver import evidence
from pabal.dns.resolver.budget import ALIASES_MAX
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.query import Query

_ADDRESS_TYPES = frozenset({dns.rdatatype.A, dns.rdatatype.AAAA})


class Kind(enum.Enum):
    """What a message, or the cache, says."""

    ANSWER = "answer"
    ALIAS = "alias"
    NODATA = "no data"
    NXDOMAIN = "no such name"
    REFERRAL = "referral"
    LAME = "lame"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reading:
    """What is left of a message.

    Attributes:
        kind: What it says.
        chain: Aliases followed, in order; with ``ANSWER`` the records asked for, last.
        end: The name where the chain ends.
        soa: The SOA of a negative answer.
        ns: NS records of a referral, or of the zone itself beside an answer.
        glue: Addresses of servers in ``ns``.
        authoritative: The AA bit.
        rcode: The response code.
        claims: The same as claims with their evidence, if signatures were asked for.
        ns_evidence: Signatures over ``ns`` beside an answer.
        ds: The DS records of a referral, as a claim.
    """

    kind: Kind
    chain: tuple[dns.rrset.RRset, ...] = ()
    end: dns.name.Name = dns.name.root
    soa: dns.rrset.RRset | None = None
    ns: dns.rrset.RRset | None = None
    glue: tuple[dns.rrset.RRset, ...] = ()
    authoritative: bool = False
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    claims: tuple[Claim, ...] = ()
    ns_evidence: tuple[dns.rrset.RRset, ...] = ()
    ds: Claim | None = None


def scrub(message: dns.message.Message, query: Query) -> Reading:
    """Return what ``message`` says about the question of ``query``."""
    rcode = message.rcode()
    if rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return Reading(Kind.ERROR, rcode=rcode)
    reading = _read(message, query)
    recurses = message.flags & dns.flags.RA and not message.flags & dns.flags.AA
    if recurses and not query.recursive and reading.kind is not Kind.REFERRAL:
        # Not its own data but a cache's: the server recurses instead of serving. One
        # that does both still refers, with RA set.
        return Reading(Kind.LAME)
    return _with_evidence(reading, message, query) if query.dnssec else reading


def _with_evidence(
    reading: Reading, message: dns.message.Message, query: Query
) -> Reading:
    """Return ``reading`` with what should prove it."""
    zone = query.zone
    if reading.kind is Kind.REFERRAL:
        return replace(reading, ds=_delegation_signer(reading, message, query))
    claims = evidence.positive(message, query, reading.chain)
    if reading.kind in {Kind.NODATA, Kind.NXDOMAIN}:
        absent = evidence.negative(
            message,
            query,
            reading.end,
            reading.soa,
            nxdomain=reading.kind is Kind.NXDOMAIN,
        )
        claims = (*claims, absent)
    beside = () if reading.ns is None else evidence.beside(message, zone, reading.ns)
    return replace(reading, claims=claims, ns_evidence=beside)


def _delegation_signer(
    reading: Reading, message: dns.message.Message, query: Query
) -> Claim | None:
    """Return the DS records that came with a referral (RFC 4035 §3.1.4)."""
    for rrset in message.authority:
        if (
            reading.ns is not None
            and rrset.name == reading.ns.name
            and rrset.rdtype == dns.rdatatype.DS
            and rrset.rdclass == dns.rdataclass.IN
        ):
            return Claim(
                rrset.name,
                rrset.rdtype,
                rrset,
                evidence=evidence.beside(message, query.zone, rrset),
                origin=(query.server, query.zone),
            )
    return None


def _read(message: dns.message.Message, query: Query) -> Reading:
    authoritative = bool(message.flags & dns.flags.AA)
    chain, end, found = _follow(message.answer, query)
    if found:
        ns, glue = _servers(message, query, end)
        if ns is None and query.rdtype == dns.rdatatype.NS:
            glue = _addresses(message, query, chain[-1])  # RFC 9609 §4
        return Reading(
            Kind.ANSWER, chain, end, None, ns, glue, authoritative=authoritative
        )
    if end.is_subdomain(query.zone):
        negative = _negative(message, query, chain, end)
        if negative is not None:
            return negative
    if chain:
        return Reading(Kind.ALIAS, chain, end, authoritative=authoritative)
    return _referral(message, query)


def _negative(
    message: dns.message.Message,
    query: Query,
    chain: tuple[dns.rrset.RRset, ...],
    end: dns.name.Name,
) -> Reading | None:
    rcode = message.rcode()
    soa = _soa(message, query, end)
    authoritative = bool(message.flags & dns.flags.AA)
    if rcode == dns.rcode.NXDOMAIN:
        kind = Kind.NXDOMAIN
    elif soa is not None:
        kind = Kind.NODATA  # RFC 2308 §2.2, types 1 and 2
    elif not chain and authoritative and _servers(message, query, end)[0] is None:
        kind = Kind.NODATA  # RFC 2308 §2.2, type 3: neither SOA nor NS
    else:
        return None
    return Reading(kind, chain, end, soa, authoritative=authoritative, rcode=rcode)


def _referral(message: dns.message.Message, query: Query) -> Reading:
    ns, glue = _servers(message, query, query.name)
    if ns is None or ns.name == query.zone or query.recursive:
        # Neither an answer nor a step down (RFC 1034 §5.3.3 4c): a server that knows
        # nothing of the zone points up or sideways.
        if ns is not None and message.flags & dns.flags.AA:
            return Reading(Kind.NODATA, end=query.name, authoritative=True)
        return Reading(Kind.LAME)
    return Reading(Kind.REFERRAL, end=query.name, ns=ns, glue=glue)


def _follow(
    section: list[dns.rrset.RRset], query: Query
) -> tuple[tuple[dns.rrset.RRset, ...], dns.name.Name, bool]:
    """Return aliases and records from the name asked for on, their end, and success.

    Success means that the type asked for was found there. Only names inside the zone
    are followed (bailiwick).
    """
    usable = {
        (rrset.name, rrset.rdtype): rrset
        for rrset in section
        if rrset.rdclass == dns.rdataclass.IN and rrset.name.is_subdomain(query.zone)
    }
    chain: list[dns.rrset.RRset] = []
    name = query.name
    for _ in range(ALIASES_MAX + 1):
        wanted = usable.get((name, query.rdtype))
        if wanted is not None:
            return (*chain, wanted), name, True
        # Our own synthesis first: the server's CNAME beside a DNAME may be anything.
        alias = _by_dname(name, usable) or usable.get((name, dns.rdatatype.CNAME))
        target = alias_target(alias)
        if alias is None or target is None:
            break
        chain.append(alias)
        name = target
    return tuple(chain), name, False


def _by_dname(
    name: dns.name.Name,
    usable: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset],
) -> dns.rrset.RRset | None:
    for (_owner, rdtype), rrset in usable.items():
        if rdtype == dns.rdatatype.DNAME:
            alias = synthesise(name, rrset)
            if alias is not None:
                return alias
    return None


def synthesise(name: dns.name.Name, dname: dns.rrset.RRset) -> dns.rrset.RRset | None:
    """Return the CNAME that ``dname`` makes of ``name`` (RFC 6672 §3.1), if any."""
    if name == dname.name or not name.is_subdomain(dname.name):
        return None
    for rdata in dname:
        if not isinstance(rdata, dns.rdtypes.ANY.DNAME.DNAME):
            continue
        prefix = name.relativize(dname.name)
        try:
            target = prefix.concatenate(rdata.target)
        except dns.name.NameTooLong:
            return None
        return dns.rrset.from_text(name, dname.ttl, "IN", "CNAME", target.to_text())
    return None


def alias_target(rrset: dns.rrset.RRset | None) -> dns.name.Name | None:
    """Return where a CNAME ``rrset`` points, or ``None`` if it is no CNAME."""
    for rdata in rrset or ():
        if isinstance(rdata, dns.rdtypes.ANY.CNAME.CNAME):
            return rdata.target
    return None


def _soa(
    message: dns.message.Message, query: Query, end: dns.name.Name
) -> dns.rrset.RRset | None:
    for rrset in message.authority:
        if (
            rrset.rdtype == dns.rdatatype.SOA
            and rrset.rdclass == dns.rdataclass.IN
            and rrset.name.is_subdomain(query.zone)
            and end.is_subdomain(rrset.name)
        ):
            return rrset
    return None


def _servers(
    message: dns.message.Message, query: Query, end: dns.name.Name
) -> tuple[dns.rrset.RRset | None, tuple[dns.rrset.RRset, ...]]:
    """Return the deepest NS set in bailiwick that covers ``end``, and its addresses."""
    candidates = [
        rrset
        for rrset in message.authority
        if rrset.rdtype == dns.rdatatype.NS
        and rrset.rdclass == dns.rdataclass.IN
        and rrset.name.is_subdomain(query.zone)
        and end.is_subdomain(rrset.name)
    ]
    if not candidates:
        return None, ()
    ns = max(candidates, key=lambda rrset: len(rrset.name))
    return ns, _addresses(message, query, ns)


def _addresses(
    message: dns.message.Message, query: Query, ns: dns.rrset.RRset
) -> tuple[dns.rrset.RRset, ...]:
    """Return what addresses came with the servers in ``ns``."""
    names = set(server_names(ns))
    return tuple(
        rrset
        for rrset in message.additional
        if rrset.rdtype in _ADDRESS_TYPES
        and rrset.rdclass == dns.rdataclass.IN
        and rrset.name in names
        and rrset.name.is_subdomain(query.zone)
    )


def server_names(ns: dns.rrset.RRset) -> tuple[dns.name.Name, ...]:
    """Return the names an NS ``rrset`` holds, in its order."""
    return tuple(
        rdata.target for rdata in ns if isinstance(rdata, dns.rdtypes.nsbase.NSBase)
    )
