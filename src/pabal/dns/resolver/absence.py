"""Absence that is proven already: questions answered without asking (RFC 8198).

What one proof says of a gap in a zone is true of every name in it, so a flood of
made-up names ends here. With NSEC3 each name costs some hashes, so only zones with few
iterations, as they should have, are looked at.

Sans-IO: takes the time as an argument; memory is bounded by ``SPANS_MAX``.
Source: RFC 8198 §5.1 (NSEC), §5.2 (NSEC3), §5.4 (TTL); wildcards are not made up
(§5.3).
"""

from bisect import bisect_right, insort
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

from pabal.dns.dnssec.canonical import WILDCARD
from pabal.dns.dnssec.fault import BogusError, EffortError
from pabal.dns.dnssec.nsec import NsecProofs, Span
from pabal.dns.dnssec.nsec3 import HashSpan, Nsec3Proofs, hash_span, nsec3_hash
from pabal.dns.ports import Security
from pabal.dns.resolver.cache import folded
from pabal.dns.resolver.claim import Claim, Verdict
from pabal.dns.resolver.evidence import signatures

SPANS_MAX: Final = 50_000
"""Most NSEC and NSEC3 records remembered: about 1.5 KB each, signature included."""

ITERATIONS_MAX: Final = 5
"""Most additional iterations of a zone looked at: RFC 9276 §3.1 wants none."""

DEPTH_MAX: Final = 8
"""Most labels below a zone that are hashed for one question: 10 µs each at most."""

_KEPT: Final = frozenset({dns.rdatatype.NSEC, dns.rdatatype.NSEC3, dns.rdatatype.SOA})

RRset = dns.rrset.RRset
_Place = tuple[bytes, ...]
"""A name's place in canonical order (RFC 4034 §6.1): folded labels, the last first."""


@dataclass(frozen=True, slots=True, eq=False)
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
    hashes: list[bytes] = field(default_factory=list)
    hashed: dict[bytes, _Proven] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places) + len(self.hashes)


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
        """Remember ``rrset`` (NSEC, NSEC3, SOA) of ``claim``, which ``zone`` signed."""
        if rrset.rdtype not in _KEPT:
            return
        key = folded(zone)
        known = self._zones.setdefault(key, _Zone(zone))
        self._zones.move_to_end(key)
        found = signatures(claim.evidence, rrset.name, rrset.rdtype)
        proven = _Proven(rrset, (rrset, *found), expires_at)
        if rrset.rdtype == dns.rdatatype.SOA:
            known.soa = _Proven(rrset, tuple(found), expires_at)
            return
        before = len(known)
        if rrset.rdtype == dns.rdatatype.NSEC:
            place = _place(rrset.name)
            if place not in known.spans:
                insort(known.places, place)
            known.spans[place] = proven
        else:
            _learn_hash(known, proven)
        self._count += len(known) - before
        while self._count > SPANS_MAX:
            _, dropped = self._zones.popitem(last=False)
            self._count -= len(dropped)

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
            if found is None and known.hashes:
                before = len(known)
                found = _deny_by_hash(known, (name, rdtype), now)
                self._count += len(known) - before
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


def _learn_hash(known: _Zone, proven: _Proven) -> None:
    span = _hash_span(known, proven)
    if span is None or span.record.iterations > ITERATIONS_MAX:
        return
    if known.hashes:
        other = known.hashed[known.hashes[0]].rrset[0]
        if (other.salt, other.iterations) != (span.record.salt, span.record.iterations):
            # The zone was hashed anew: what was known of it is about other hashes.
            known.hashes.clear()
            known.hashed.clear()
    if span.start not in known.hashed:
        insort(known.hashes, span.start)
    known.hashed[span.start] = proven


def _deny_by_hash(
    known: _Zone,
    question: tuple[dns.name.Name, dns.rdatatype.RdataType],
    now: float,
) -> Claim | None:
    """Return the claim that RFC 5155 §8 lets the NSEC3 records of a zone prove."""
    name, rdtype = question
    if len(name) - len(known.name) > DEPTH_MAX:
        return None
    encloser, used = name, [_hashed_at(known, name, now)]
    while used[0] is None and encloser != known.name:
        closer, encloser = encloser, encloser.parent()
        used = [_hashed_at(known, encloser, now), _hashed_over(known, closer, now)]
    exists = encloser == name
    if not exists:
        wildcard = dns.name.Name((WILDCARD, *encloser.labels))
        used.append(_hashed_over(known, wildcard, now))
    found = list(dict.fromkeys(proven for proven in used if proven is not None))
    spans = [span for each in found if (span := _hash_span(known, each)) is not None]
    proofs = Nsec3Proofs(known.name, spans)
    try:
        proof = proofs.no_data(name, rdtype) if exists else proofs.no_name(name)
    except (BogusError, EffortError):
        return None
    if not proof.is_secure:
        return None  # RFC 8198 §5.2: nothing follows from what opted out
    return _claimed(known, question, found, now, nxdomain=not exists)


def _hashed_at(known: _Zone, name: dns.name.Name, now: float) -> _Proven | None:
    """Return the record whose owner is the hash of ``name``."""
    return _alive(known, _hash(known, name), now)


def _hashed_over(known: _Zone, name: dns.name.Name, now: float) -> _Proven | None:
    """Return the record in whose gap the hash of ``name`` may be."""
    if not known.hashes:
        return None
    # Before the first it is the last: the hashes are a ring.
    index = bisect_right(known.hashes, _hash(known, name)) - 1
    return _alive(known, known.hashes[index], now)


def _hash(known: _Zone, name: dns.name.Name) -> bytes:
    if not known.hashes:
        return b""
    record = known.hashed[known.hashes[0]].rrset[0]
    return nsec3_hash(name, bytes(record.salt), int(record.iterations))


def _alive(known: _Zone, digest: bytes, now: float) -> _Proven | None:
    proven = known.hashed.get(digest)
    if proven is None or proven.expires_at > now:
        return proven
    del known.hashed[digest]
    known.hashes.remove(digest)
    return None


def _hash_span(known: _Zone, proven: _Proven) -> HashSpan | None:
    record = proven.rrset[0]
    assert isinstance(record, NSEC3)  # noqa: S101 - kept as such
    return hash_span(proven.rrset.name, record, known.name)


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
