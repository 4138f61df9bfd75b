"""Answers out of the zones we hold: the algorithm of RFC 1034 §4.3.2.

Sans-IO. ``search`` is step 3 inside one zone, label by label downwards; ``lookup`` is
the whole algorithm, following aliases through all our zones.

Source: RFC 1034 §4.3.2 and §4.3.3, RFC 4592 (wildcards), RFC 2308 (negative answers),
RFC 6604 §3 (rcode of a chain), RFC 6672 §3.2 (DNAME), RFC 8482 §4.1 (ANY),
RFC 4035 §3.1.4.1 (DS at a cut), RFC 9460 §4.2 (service bindings), RFC 8914 §4.15 (a
zone that is not ready).
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from pabal.dns.wire import codes
from pabal.dns.wire.name import (
    NAME_MAX_OCTETS,
    ROOT,
    WILDCARD,
    end_of_name,
    is_below,
    label_offsets,
)
from pabal.dns.wire.option import NOT_READY, error_option
from pabal.dns.wire.response import Response
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.denial import owned, signatures
from pabal.dns.zone.packed import Rrsets
from pabal.dns.zone.tree import Zone

CHAIN_MAX: Final = 16
"""Aliases followed for one question; BIND follows 16 as well."""

ADDITIONAL_TARGETS_MAX: Final = 16
"""Targets of MX, NS or SRV whose addresses are looked up for one answer."""

_TARGET_OFFSET: Final = {
    codes.NS: 0,
    codes.MX: 2,
    codes.SRV: 6,
    codes.SVCB: 2,
    codes.HTTPS: 2,
}
"""Type → where its RDATA names a host whose addresses the client will want next."""

_NOT_READY: Final = error_option(NOT_READY)

_ADDRESS_TYPES: Final = (codes.A, codes.AAAA)

_BESIDE_ALIAS: Final = frozenset((codes.CNAME, codes.ANY, codes.NSEC, codes.RRSIG))
"""Types that are asked of an alias itself: the last two stand beside it in a signed
zone (RFC 4035 §2.5)."""

_BINDINGS: Final = frozenset((codes.SVCB, codes.HTTPS))
"""Types whose target may be `.`, the owner itself, and may hold the type again."""


class ZoneSet(Protocol):
    """All zones of this server."""

    def find(self, name: bytes, rdtype: int) -> Zone | None:
        """Return the zone nearest to folded ``name`` for ``rdtype``, if any."""
        ...


class Match(enum.Enum):
    """How a walk down a zone ended."""

    EXACT = "the name exists"
    WILDCARD = "a wildcard stands in for the name"
    DELEGATION = "the name is at or below a cut"
    DNAME = "a name above is renamed with all below it"
    MISSING = "the name does not exist"


@dataclass(frozen=True, slots=True)
class Found:
    """Where ``search`` arrived.

    Attributes:
        match: How it ended.
        rrsets: The rrsets of the name, of the cut, or of the DNAME's owner.
        owner: The folded name ``rrsets`` belong to.
    """

    match: Match
    rrsets: Rrsets
    owner: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What our zones say.

    Attributes:
        response: The answer as far as our zones go.
        unresolved: The folded name, an alias target or one below a cut, that lies
            elsewhere: a server that may recurse goes on from here. ``None`` if the
            answer is complete.
        zone: The zone that answered last.
    """

    response: Response
    unresolved: bytes | None
    zone: Zone


def search(zone: Zone, name: bytes, rdtype: int) -> Found:
    """Match folded ``name`` down from the apex (RFC 1034 §4.3.2 step 3)."""
    nodes = zone.nodes
    rrsets, owner = zone.apex, zone.origin
    above_apex = len(name) - len(zone.origin)
    for offset in reversed(label_offsets(name)):
        if offset >= above_apex:
            continue
        if codes.DNAME in rrsets:
            return Found(Match.DNAME, rrsets, owner)
        below = name[offset:]
        deeper = nodes.get(below)
        if deeper is None:
            # ``owner`` is the closest encloser, and only its own asterisk label
            # can be the source of synthesis (RFC 4592 §3.3.1).
            wildcard = WILDCARD + owner
            stand_in = nodes.get(wildcard)
            if stand_in is None:
                return Found(Match.MISSING, {}, owner)
            return Found(Match.WILDCARD, stand_in, wildcard)
        rrsets, owner = deeper, below
        if codes.NS in rrsets and not (offset == 0 and rdtype == codes.DS):
            return Found(Match.DELEGATION, rrsets, owner)
    return Found(Match.EXACT, rrsets, owner)


def lookup(
    zones: ZoneSet, name: bytes, rdtype: int, *, dnssec_ok: bool = False
) -> Answer | None:
    """Return what our zones say of folded ``name``; ``None`` if none holds it.

    With ``dnssec_ok`` signatures and proofs come along where a zone is signed.
    """
    zone = zones.find(name, rdtype)
    if zone is None:
        return None
    return _Chain(zones, rdtype, dnssec_ok=dnssec_ok).follow(zone, name)


class _Chain:
    """One question's way through aliases; collects the answer section."""

    def __init__(self, zones: ZoneSet, rdtype: int, *, dnssec_ok: bool) -> None:
        self._dnssec_ok = dnssec_ok
        self._proofs: list[RRset] = []
        self._zones = zones
        self._rdtype = rdtype
        self._answer: list[RRset] = []
        self._seen: set[bytes] = set()

    def follow(self, zone: Zone, name: bytes) -> Answer:
        """Return the answer for ``name``, which ``zone`` is nearest to."""
        while not zone.withheld:
            found = search(zone, name, self._rdtype)
            target = self._alias(zone, name, found)
            if target is None:
                away = name if found.match is Match.DELEGATION else None
                return Answer(self._last(zone, name, found), away, zone)
            self._seen.add(name)
            if target in self._seen or len(self._seen) >= CHAIN_MAX:
                # A loop is answered as far as it went; resolvers detect it.
                return Answer(self._partial(), None, zone)
            next_zone = self._zones.find(target, self._rdtype)
            if next_zone is None:
                return Answer(self._partial(), target, zone)
            zone, name = next_zone, target
        # As other servers do with a zone that they have not loaded yet.
        return Answer(Response(codes.SERVFAIL, error=_NOT_READY), None, zone)

    def _alias(self, zone: Zone, name: bytes, found: Found) -> bytes | None:
        """Put the alias at ``name`` into the answer; return where it leads."""
        if found.match is Match.DNAME:
            return self._rename(name, found)
        if found.match not in (Match.EXACT, Match.WILDCARD):
            return None
        alias = found.rrsets.get(codes.CNAME)
        if alias is None or self._rdtype in _BESIDE_ALIAS:
            return None
        self._put(zone, name, found, alias)
        return alias.rdatas[0].lower()

    def _put(self, zone: Zone, name: bytes, found: Found, rrset: RRset) -> None:
        """Put ``rrset`` into the answer, with what a signed zone says of it."""
        self._answer.append(_owned(rrset, name, found))
        if not self._dnssec_ok or zone.denial is None:
            return
        signed = signatures(found.rrsets, rrset)
        if found.match is Match.WILDCARD:
            self._answer += owned(signed, name)
            self._proofs += zone.denial.no_closer(name, found.owner)
        else:
            self._answer += signed

    def _rename(self, name: bytes, found: Found) -> bytes | None:
        """Apply the DNAME above ``name`` (RFC 6672 §3.2)."""
        dname = found.rrsets[codes.DNAME]
        prefix = name[: len(name) - len(found.owner)]
        target = prefix + dname.rdatas[0]
        self._answer.append(dname)
        if self._dnssec_ok:
            self._answer += signatures(found.rrsets, dname)
        if len(target) > NAME_MAX_OCTETS:
            return None
        self._answer.append(RRset(name, codes.CNAME, dname.ttl_s, (target,)))
        if self._rdtype in (codes.CNAME, codes.ANY):
            # The synthesised alias is what was asked for; stop here.
            self._seen.add(target.lower())
        return target.lower()

    def _partial(
        self,
        rcode: int = codes.NOERROR,
        authority: tuple[RRset, ...] = (),
        additional: tuple[RRset, ...] = (),
    ) -> Response:
        return Response(
            rcode,
            authoritative=True,
            answer=tuple(self._answer),
            # A proof needed twice is given once.
            authority=tuple(dict.fromkeys((*authority, *self._proofs))),
            additional=additional,
        )

    def _last(self, zone: Zone, name: bytes, found: Found) -> Response:
        """Return the response whose last link is ``found``."""
        match found.match:
            case Match.DNAME:
                # The renamed name would be too long (RFC 6672 §3.2, YXDOMAIN).
                return self._partial(codes.YXDOMAIN)
            case Match.DELEGATION:
                return self._referral(zone, found)
            case Match.MISSING:
                return self._negative(zone, codes.NXDOMAIN, name, found)
            case Match.EXACT | Match.WILDCARD:
                return self._data(zone, name, found)

    def _data(self, zone: Zone, name: bytes, found: Found) -> Response:
        rrset = _chosen(found.rrsets, self._rdtype)
        if rrset is None:
            return self._negative(zone, codes.NOERROR, name, found)
        self._put(zone, name, found, rrset)
        return self._partial(additional=self._addresses(rrset))

    def _negative(self, zone: Zone, rcode: int, name: bytes, found: Found) -> Response:
        """The SOA says how long to remember it (RFC 2308 §3)."""
        soa = zone.negative_soa
        if not self._dnssec_ok or zone.denial is None:
            return self._partial(rcode, authority=(soa,))
        match found.match:
            case Match.MISSING:
                proofs = zone.denial.no_name(name, found.owner)
            case Match.WILDCARD:
                proofs = zone.denial.no_data_at(name, found.owner)
            case _:
                proofs = zone.denial.no_data(name)
        signed = signatures(zone.apex, soa)
        return self._partial(rcode, authority=(soa, *signed, *proofs))

    def _referral(self, zone: Zone, found: Found) -> Response:
        """Not ours, but we know who to ask (RFC 1034 §4.3.2 step 3b)."""
        cut = found.rrsets[codes.NS]
        glue: list[RRset] = []
        others: list[RRset] = []
        for target in _targets(cut):
            addresses = self._at(zone.nodes.get(target, {}))
            # Without the addresses of a server below it a cut cannot be crossed.
            (glue if is_below(target, found.owner) else others).extend(addresses)
        return Response(
            codes.NOERROR,
            authoritative=bool(self._answer),
            answer=tuple(self._answer),
            authority=(cut, *self._security(zone, found)),
            glue=tuple(glue),
            additional=tuple(others),
        )

    def _security(self, zone: Zone, found: Found) -> tuple[RRset, ...]:
        """Return the DS of a cut, or the proof that it has none (RFC 4035 §3.1.4)."""
        if not self._dnssec_ok or zone.denial is None:
            return ()
        signer = found.rrsets.get(codes.DS)
        if signer is None:
            return zone.denial.no_data(found.owner)
        return (signer, *signatures(found.rrsets, signer))

    def _addresses(self, rrset: RRset) -> tuple[RRset, ...]:
        """Return the addresses of the hosts ``rrset`` names, from our zones."""
        addresses: list[RRset] = []
        for target in _targets(rrset):
            home = self._zones.find(target, codes.A)
            if home is not None:
                found = search(home, target, codes.A)
                if found.match is Match.EXACT:
                    if rrset.rdtype in _BINDINGS and target != rrset.owner.lower():
                        # RFC 9460 §4.2: an alias of a service leads to its bindings.
                        addresses += self._at(found.rrsets, (rrset.rdtype,))
                    addresses += self._at(found.rrsets)
        return tuple(addresses)

    def _at(
        self, rrsets: Rrsets, rdtypes: tuple[int, ...] = _ADDRESS_TYPES
    ) -> Iterator[RRset]:
        """Yield the rrsets of ``rdtypes``, signed if asked for (RFC 4035 §3.1.1)."""
        for rrset in _rrsets_at(rrsets, rdtypes):
            yield rrset
            if self._dnssec_ok:
                yield from signatures(rrsets, rrset)


def _owned(rrset: RRset, name: bytes, found: Found) -> RRset:
    """Return ``rrset``, under the name asked for if a wildcard gave it."""
    return replace(rrset, owner=name) if found.match is Match.WILDCARD else rrset


def _chosen(rrsets: Rrsets, rdtype: int) -> RRset | None:
    """Return the rrset of ``rdtype``; for ANY one of them (RFC 8482 §4.1)."""
    if rdtype == codes.ANY:
        return next(iter(rrsets.values()), None)
    return rrsets.get(rdtype)


def _rrsets_at(
    rrsets: Rrsets, rdtypes: tuple[int, ...] = _ADDRESS_TYPES
) -> list[RRset]:
    return [rrsets[rdtype] for rdtype in rdtypes if rdtype in rrsets]


def _targets(rrset: RRset) -> list[bytes]:
    """Return the folded names of the hosts ``rrset`` points to, without repetition."""
    offset = _TARGET_OFFSET.get(rrset.rdtype)
    if offset is None:
        return []
    targets = [rdata[offset:].lower() for rdata in rrset.rdatas]
    if rrset.rdtype in _BINDINGS:
        targets = [rdata[2 : end_of_name(rdata, 2)].lower() for rdata in rrset.rdatas]
        # RFC 9460 §2.5: `.` means the owner itself.
        targets = [rrset.owner.lower() if t == ROOT else t for t in targets]
    return list(dict.fromkeys(targets))[:ADDITIONAL_TARGETS_MAX]


def nearest(zones: Mapping[bytes, Zone], name: bytes, rdtype: int) -> Zone | None:
    """Return the one of ``zones`` nearest to folded ``name`` for ``rdtype``, if any.

    The DS of a zone's apex belongs to the parent (RFC 4035 §3.1.4.1).
    """
    own: Zone | None = None
    for offset in label_offsets(name):
        zone = zones.get(name[offset:])
        if zone is None:
            continue
        if offset or rdtype != codes.DS:
            return zone
        own = zone
    return own
