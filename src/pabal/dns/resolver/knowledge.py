"""What all resolutions of a process share, and what it says without asking anybody.

Sans-IO.
Source: RFC 1034 §5.3.3 (steps 1, 2 and 4), RFC 2181 §5.4.1 (trust).
"""

import math
from dataclasses import dataclass, field, replace

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.base.ids import Chance
from pabal.dns.ports import LocalZones, Resolved
from pabal.dns.resolver.absence import ProvenAbsence
from pabal.dns.resolver.away import AwayZones
from pabal.dns.resolver.cache import Cache, Entry, Failures, Trust, lineage
from pabal.dns.resolver.claim import UNCHECKED, Claim
from pabal.dns.resolver.delegation import Delegation
from pabal.dns.resolver.hints import Server, addresses_of
from pabal.dns.resolver.query import Query, encode, with_signatures
from pabal.dns.resolver.routes import Route, closest_route
from pabal.dns.resolver.scrub import Kind, Reading, alias_target, server_names
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings

ADDRESS_TYPES = (dns.rdatatype.A, dns.rdatatype.AAAA)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One a process.

    Attributes:
        settings: The operator's choices.
        cache: Answers and referrals.
        failures: What failed a moment ago.
        servers: How servers behaved.
        away: Zones whose servers are all silent.
        chance: Ids, case and order.
        local: The zones served here; ``None``: none.
        validating: Whether answers are checked: signatures are asked for.
        absence: What is proven not to be there.
        special: Names that are not for the Internet; ``None``: all are.
    """

    settings: ResolverSettings
    cache: Cache
    failures: Failures
    servers: ServerMemory
    chance: Chance
    local: LocalZones | None = None
    validating: bool = False
    special: LocalZones | None = None
    absence: ProvenAbsence | None = None
    away: AwayZones = field(default_factory=AwayZones)

    def served(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Reading | None:
        """Return what a zone served here says; ``None``: none holds ``name``."""
        resolved = self.local.local(name, rdtype) if self.local is not None else None
        routed = closest_route(self.settings.routes, name) is not None
        if resolved is None and self.special is not None and not routed:
            resolved = self.special.local(name, rdtype)
        if resolved is None:
            return None
        reading = _of_local(resolved, name, rdtype)
        if not self.validating:
            return reading
        return replace(reading, claims=(Claim(name, rdtype, verdict=UNCHECKED),))

    def cached(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        now: float,
        *,
        stale: bool,
    ) -> Reading | None:
        """Return what the cache says, an alias included; ``stale``: as in the cache."""
        cache = self.cache
        entry = self._usable(cache.answer(name, rdtype, now, stale=stale))
        if entry is not None:
            return self._of_entry(entry, (name, rdtype), now)
        cname = dns.rdatatype.CNAME
        alias = self._usable(cache.records(name, cname, now, stale=stale))
        if alias is None or alias_target(alias.rrset) is None:
            return None
        reading = self._of_entry(alias, (name, cname), now)
        target = alias_target(alias.rrset)
        assert target is not None  # noqa: S101 - checked above
        return replace(reading, kind=Kind.ALIAS, end=target)

    def denied(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, now: float
    ) -> Reading | None:
        """Return that ``name`` has no ``rdtype``, if older proofs show it."""
        claim = None
        if self.absence is not None:
            claim = self.absence.claim(name, rdtype, now)
        if claim is None:
            return None
        kind = Kind.NXDOMAIN if claim.nxdomain else Kind.NODATA
        return Reading(kind, (), name, claim.soa, claims=(claim,))

    def _usable(self, entry: Entry | None) -> Entry | None:
        """Return ``entry`` if the cache can answer with it.

        When answers are checked, not what merely came beside another answer without
        its signatures: asked for itself it may have some.
        """
        if (
            self.validating
            and entry is not None
            and entry.verdict is None
            and not entry.evidence
            and entry.trust < Trust.AUTHORITATIVE
        ):
            return None
        return entry

    def _of_entry(
        self,
        entry: Entry,
        question: tuple[dns.name.Name, dns.rdatatype.RdataType],
        now: float,
    ) -> Reading:
        name, rdtype = question
        records, soa = entry.records(now), entry.authority(now)
        chain = (records,) if records is not None else ()
        kind = Kind.NXDOMAIN if entry.nxdomain else Kind.NODATA
        if chain:
            kind = Kind.ANSWER
        if not self.validating:
            return Reading(kind, chain, name, soa)
        claim = Claim(
            name,
            rdtype,
            records,
            nxdomain=entry.nxdomain,
            soa=soa,
            source=entry.source,
            evidence=entry.evidence,
            origin=entry.origin,
            verdict=entry.verdict,
        )
        return Reading(kind, chain, name, soa, claims=(claim,))

    def has_no_cut(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, now: float
    ) -> bool:
        """Return whether asking ``name`` and ``rdtype`` could bring no delegation."""
        entry = self.cache.get(name, rdtype, now)
        return entry is not None and entry.trust >= Trust.ANSWER

    def closest(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        now: float,
        *,
        onward: bool = False,
    ) -> Delegation:
        """Return the servers closest to ``name`` that can be asked.

        With ``onward`` forwarders that are only asked first did not answer.
        """
        settings = self.settings
        if rdtype == dns.rdatatype.DS and name != dns.name.root:
            name = name.parent()  # RFC 4035 §2.4: DS lives in the parent
        route = closest_route(settings.routes, name)
        if not onward and (asked := _forwarding(settings, self.servers, route, now)):
            return asked
        begin = None if route is None or route.recursive else route
        for zone in lineage(name):
            if begin is not None and begin.servers and zone == begin.zone:
                return Delegation(zone, list(begin.servers))
            delegation = self._remembered(zone, now)
            if delegation is not None:
                return delegation
        return _root(settings)

    def _remembered(self, zone: dns.name.Name, now: float) -> Delegation | None:
        """Return the servers of exactly ``zone`` that the cache has, if it can."""
        entry = self.cache.get(zone, dns.rdatatype.NS, now)
        if entry is None or entry.rrset is None:
            return None
        if zone == dns.name.root and entry.trust < Trust.AUTHORITATIVE:
            # RFC 9609 §3: only what was asked for replaces the hints.
            return None
        delegation = self.delegation(entry.rrset, (), now)
        delegation.remembered = True
        if zone == dns.name.root:
            # Their names are below the root: to look them up takes the root.
            delegation.missing.clear()
        if delegation.servers or any(
            not wanted.is_subdomain(zone) for wanted, _ in delegation.missing
        ):
            return delegation
        return None

    def wants_priming(self, now: float) -> bool:
        """Return whether the root should be asked for its servers (RFC 9609 §3.1)."""
        settings = self.settings
        if not settings.prime or settings.forwarders or not settings.root_hints:
            return False
        entry = self.cache.get(dns.name.root, dns.rdatatype.NS, now)
        return entry is None or entry.trust < Trust.AUTHORITATIVE

    def delegation(
        self,
        ns: dns.rrset.RRset,
        glue: tuple[dns.rrset.RRset, ...],
        now: float,
    ) -> Delegation:
        """Return the servers in ``ns``, with addresses from ``glue`` and the cache."""
        delegation = Delegation(ns.name, [])
        for name in self.chance.shuffled(server_names(ns)):
            found = [
                address
                for rrset in glue
                if rrset.name == name
                for address in addresses_of(rrset)
            ]
            for rdtype in ADDRESS_TYPES:
                entry = self.cache.get(name, rdtype, now)
                if entry is not None and entry.rrset is not None:
                    found += addresses_of(entry.rrset)
            if found:
                delegation.add(name, found, self.settings)
            else:
                delegation.look_for(name, self.settings)
        return delegation

    def query(
        self,
        delegation: Delegation,
        server: Server,
        question: tuple[dns.name.Name, dns.rdatatype.RdataType],
        *,
        tcp: bool,
        now: float,
    ) -> Query:
        """Return ``question`` to ``server`` of ``delegation``, ready to send."""
        name, rdtype = question
        edns = self.servers.speaks_edns(server, now)
        # A forwarder is chosen, not found, and often a small box that loses the case.
        mixed_case = self.settings.mixed_case and not (tcp or delegation.recursive)
        wire = encode(
            name,
            rdtype,
            self.chance,
            edns=edns,
            recursive=delegation.recursive,
            mixed_case=mixed_case,
        )
        dnssec = self.validating and edns
        return Query(
            server=server,
            zone=delegation.zone,
            name=name,
            rdtype=rdtype,
            tcp=tcp,
            edns=edns,
            recursive=delegation.recursive,
            timeout_s=self.servers.timeout_s(server, delegation.tries.get(server, 0)),
            wire=with_signatures(wire) if dnssec else wire,
            dnssec=dnssec,
        )

    def _ends_at(self, zone: dns.name.Name, now: float) -> float:
        """Return until when servers of ``zone`` may say who serves what, seconds.

        A zone that its parent dropped is not to live on by what it says of itself
        ("ghost domains"), nor by zones below, each of which names the next ("phoenix
        domains"): only while its own delegation lasts.
        """
        route = closest_route(self.settings.routes, zone)
        if zone == dns.name.root or (route is not None and route.zone == zone):
            return math.inf
        entry = self.cache.get(zone, dns.rdatatype.NS, now)
        return now if entry is None else entry.expires_at

    def keep_referral(self, reading: Reading, zone: dns.name.Name, now: float) -> None:
        """Put the servers of a referral into the cache, believed the least.

        Args:
            zone: Whose servers said so.
        """
        if reading.ns is not None:
            until = self._ends_at(zone, now)
            self.cache.put(reading.ns, Trust.REFERRAL, now, until=until)
        ds = reading.ds
        if ds is not None and ds.rrset is not None and ds.evidence:
            # RFC 4035 §3.1.4: the parent's own data, and it will be checked.
            self.cache.put(ds.rrset, Trust.AUTHORITATIVE, now, ds)
        for rrset in reading.glue:
            self.cache.put(rrset, Trust.GLUE, now)

    def keep(self, query: Query, reading: Reading, now: float) -> None:
        """Put an answer into the cache, each part with the trust it deserves."""
        trust = Trust.AUTHORITATIVE if reading.authoritative else Trust.ANSWER
        claims = iter(reading.claims)
        until = self._ends_at(query.zone, now)
        for rrset in reading.chain:
            limit = until if rrset.rdtype == dns.rdatatype.NS else math.inf
            self.cache.put(rrset, trust, now, next(claims, None), until=limit)
            # RFC 2181 §5.4.1: only the first owner of an alias chain is authoritative.
            trust = Trust.ANSWER
        if reading.ns is None:
            for rrset in reading.glue:
                self.cache.put(rrset, Trust.GLUE, now)
        if reading.ns is not None and reading.authoritative:
            ns = reading.ns
            beside = Claim(ns.name, ns.rdtype, ns, evidence=reading.ns_evidence)
            self.cache.put(ns, Trust.AUTHORITY, now, beside, until=until)
            for rrset in reading.glue:
                self.cache.put(rrset, Trust.GLUE, now)
        if reading.soa is not None:
            self.cache.put_negative(
                reading.end,
                query.rdtype,
                reading.soa,
                now,
                nxdomain=reading.kind is Kind.NXDOMAIN,
                claim=reading.claims[-1] if reading.claims else None,
            )


def _of_local(
    resolved: Resolved, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> Reading:
    end = name
    for rrset in resolved.answer:
        end = alias_target(rrset) or end
    soa = next(
        (rrset for rrset in resolved.authority if rrset.rdtype == dns.rdatatype.SOA),
        None,
    )
    if resolved.rcode == dns.rcode.NXDOMAIN:
        kind = Kind.NXDOMAIN
    elif resolved.answer and resolved.answer[-1].rdtype == rdtype:
        kind = Kind.ANSWER
    elif resolved.answer and soa is None:
        kind = Kind.ALIAS  # it leads out of the zones served here
    else:
        kind = Kind.NODATA
    return Reading(kind, resolved.answer, end, soa, authoritative=True)


def _root(settings: ResolverSettings) -> Delegation:
    """Return the servers of the root that can be asked."""
    used = [
        server
        for server in settings.root_hints
        if (settings.ipv6 if ":" in server.address else settings.ipv4)
    ]
    return Delegation(dns.name.root, used)


def _forwarding(
    settings: ResolverSettings, known: ServerMemory, route: Route | None, now: float
) -> Delegation | None:
    """Return the resolvers that are asked in our place; ``None``: none are.

    Those that are only asked first are left alone while none of them answers.
    """
    zone, servers, first = dns.name.root, settings.forwarders, False
    if route is not None:
        if not route.recursive:
            return None
        zone, servers, first = route.zone, route.servers, route.first
    else:
        first = settings.forward_first
    if not servers or (first and all(known.is_dead(each, now) for each in servers)):
        return None
    return Delegation(zone, list(servers), recursive=True, first=first)
