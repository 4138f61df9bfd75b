"""Absence that is proven already: questions answered without asking (RFC 8198).

What one proof says of a gap in a zone is true of every name in it, so a flood of
made-up names ends here. NSEC only: hashes would have to be computed for each name.

Sans-IO: takes the time as an argument; memory is bounded by ``SPANS_MAX``.
Source: RFC 8198 §5.1 (NSEC), §5.4 (TTL); wildcards are not made up (§5.3).
"""

from bisect import bisect_right, insort
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC

from pabal.dns.dnssec.canonical import WILDCARD
from pabal.dns.dnssec.fault import BogusError
from pabal.dns.dnssec.nsec import NsecProofs, Span
from pabal.dns.ports import Security
from pabal.dns.resolver.cache import folded
from pabal.dns.resolver.claim import Claim, Verdict
from pabal.dns.resolver.evidence import signatures

SPANS_MAX: Final = 50_000
"""Most NSEC records remembered: about 1.5 KB each, signature included."""

RRset = dns.rrset.RRset
_Place = tuple[bytes, ...]
"""A name's place in canonical order (RFC 4034 §6.1): folded labels, the last first."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """Records whose signatures hold."""

    rrset: RRset
    evidence: tuple[RRset, ...]
    expires_at: float


@dataclass(slots=True)
class _Zone:
    name: dns.name.Name
    soa: _Proven | None = None
    places: list[_Place] = field(default_factory=list)
    spans: dict[_Place, _Proven] = field(default_factory=dict)


@dataclass(slots=True)
class ProvenAbsence:
    """One a process."""

    _zones: OrderedDict[tuple[bytes, ...], _Zone] = field(
        default_factory=OrderedDict, init=False, repr=False
    )
    _count: int = field(default=0, init=False)

    def __len__(self) -> int:
        return self._count

    def learn(
        self, zone: dns.name.Name, rrset: RRset, claim: Claim, expires_at: float
    ) -> None:
        """Remember ``rrset`` (NSEC or SOA) of ``claim``, which ``zone`` signed."""
        if rrset.rdtype not in {dns.rdatatype.NSEC, dns.rdatatype.SOA}:
            return
        key = folded(zone)
        known = self._zones.setdefault(key, _Zone(zone))
        self._zones.move_to_end(key)
        found = signatures(claim.evidence, rrset.name, rrset.rdtype)
        proven = _Proven(rrset, (rrset, *found), expires_at)
        if rrset.rdtype == dns.rdatatype.SOA:
            known.soa = _Proven(rrset, tuple(found), expires_at)
            return
        place = _place(rrset.name)
        if place not in known.spans:
            insort(known.places, place)
            self._count += 1
        known.spans[place] = proven
        while self._count > SPANS_MAX:
            _, dropped = self._zones.popitem(last=False)
            self._count -= len(dropped.places)

    def flush(self) -> None:
        """Forget everything."""
        self._zones.clear()
        self._count = 0

    def claim(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, now: float
    ) -> Claim | None:
        """Return the proven claim that ``name`` has no ``rdtype``, if there is one."""
        labels = folded(name)
        for place in range(len(labels)):
            key = labels[place:]
            known = self._zones.get(key)
            if known is None or known.soa is None or known.soa.expires_at <= now:
                continue
            found = self._deny(known.name, known, (name, rdtype), now)
            if found is not None:
                self._zones.move_to_end(key)
                return found
        return None

    def _deny(
        self,
        zone: dns.name.Name,
        known: _Zone,
        question: tuple[dns.name.Name, dns.rdatatype.RdataType],
        now: float,
    ) -> Claim | None:
        name, rdtype = question
        near = self._before(known, name, now)
        if near is None:
            return None
        span = _span(near)
        used = [near]
        exists = span.owner == name
        if not exists:
            if not span.covers(name):
                return None
            encloser = _longest(name, span)
            wildcard = dns.name.Name((WILDCARD, *encloser.labels))
            other = self._before(known, wildcard, now)
            if other is not None and other is not near:
                used.append(other)
        proofs = NsecProofs(zone, [_span(proven) for proven in used])
        try:
            if exists:
                proofs.no_data(name, rdtype)
            else:
                proofs.no_name(name)
        except BogusError:
            return None
        return _claimed(known, question, used, now, nxdomain=not exists)

    def _before(self, known: _Zone, name: dns.name.Name, now: float) -> _Proven | None:
        """Return the last record at or before ``name`` that is still good."""
        index = bisect_right(known.places, _place(name)) - 1
        if index < 0:
            return None
        place = known.places[index]
        proven = known.spans[place]
        if proven.expires_at > now:
            return proven
        del known.places[index], known.spans[place]
        self._count -= 1
        return None


def _claimed(
    known: _Zone,
    question: tuple[dns.name.Name, dns.rdatatype.RdataType],
    used: list[_Proven],
    now: float,
    *,
    nxdomain: bool,
) -> Claim:
    soa = known.soa
    assert soa is not None  # noqa: S101 - the caller looked
    # RFC 8198 §5.4: no longer than any of the records it is made of.
    left_s = int(min(soa.expires_at, *(p.expires_at for p in used)) - now)
    evidence = (*(r for proven in used for r in proven.evidence), *soa.evidence)
    name, rdtype = question
    return Claim(
        name,
        rdtype,
        nxdomain=nxdomain,
        soa=dns.rrset.from_rdata_list(soa.rrset.name, left_s, list(soa.rrset)),
        evidence=evidence,
        verdict=Verdict(Security.SECURE, left_s),
    )


def _span(proven: _Proven) -> Span:
    record = proven.rrset[0]
    assert isinstance(record, NSEC)  # noqa: S101 - the only kind kept
    return Span(proven.rrset.name, record)


def _place(name: dns.name.Name) -> _Place:
    return tuple(label.lower() for label in reversed(name.labels))


def _longest(name: dns.name.Name, span: Span) -> dns.name.Name:
    """Return the closest encloser that ``span`` shows for the missing ``name``."""
    common = max(name.fullcompare(other)[2] for other in (span.owner, span.until))
    return name.split(common)[1]
