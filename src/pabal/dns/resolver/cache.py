"""Answers and referrals, kept for their TTL.

Sans-IO: takes the time (``Clock.monotonic``) as an argument. Memory is bounded by
entries and by octets; the least recently used goes first. One instance a process.
Source: RFC 2181 §5.4.1 (trust), RFC 2308 §5 (negative answers), RFC 8020 §2 (NXDOMAIN
covers what is below), RFC 8767 §4 (stale data), RFC 9520 §3.2 (failures).
"""

import enum
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset

from pabal.dns.ports import Security
from pabal.dns.resolver.claim import Claim, Verdict
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.settings import ResolverSettings

ENTRY_OCTETS: Final = 900
"""Memory of an entry without its records: measured, objects and tables together."""

RDATA_OCTETS: Final = 270
"""Memory of one record of an entry: measured over A, AAAA, NS, MX and TXT."""

STALE_TTL_S: Final = 30
"""TTL told with stale data (RFC 8767 §4 recommends 30 seconds)."""

PREFETCH_TTL_MIN_S: Final = 10
"""What lives shorter is not fetched anew before its end: the gain would be small."""

PREFETCH_PART: Final = 10
"""The last tenth of its time is the end of a record, as in Unbound."""

FAILURE_SECONDS: Final = 5.0
"""How long a failure is remembered (RFC 9520 §3.2: at least 1, at most 300)."""

FAILURES_MAX: Final = 4_096
"""Most failures remembered; the oldest is forgotten first."""

TTL_INVALID_FROM: Final = 2**31
"""A TTL with the top bit set means zero (RFC 2181 §8)."""

NXDOMAIN_KEY: Final = dns.rdatatype.NONE
"""The type under which "this name does not exist" is filed: it holds for all types."""

_Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


class Trust(enum.IntEnum):
    """How far data is believed, least first (RFC 2181 §5.4.1)."""

    GLUE = 1
    REFERRAL = 2
    ANSWER = 3
    AUTHORITY = 4
    AUTHORITATIVE = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a name and a type.

    Attributes:
        rrset: The records; ``None``: there are none.
        soa: The SOA that came with a negative answer.
        nxdomain: The name itself does not exist.
        trust: How far it is believed.
        expires_at: End of life, seconds (``Clock.monotonic``).
        octets: Memory, estimated.
        evidence: What should prove it (RFC 4035 §4.5: kept with it as one).
        source: The DNAME it was made of.
        origin: The server that said so, and the zone it was asked as a server of.
        verdict: What validation found; ``None``: not done.
    """

    rrset: dns.rrset.RRset | None
    soa: dns.rrset.RRset | None
    nxdomain: bool
    trust: Trust
    expires_at: float
    octets: int
    evidence: tuple[dns.rrset.RRset, ...] = ()
    source: dns.rrset.RRset | None = None
    origin: tuple[Server, dns.name.Name] | None = None
    verdict: Verdict | None = None

    def records(self, now: float) -> dns.rrset.RRset | None:
        """Return a copy of the records with the TTL that is left."""
        return _aged(self.rrset, self.expires_at, now)

    def authority(self, now: float) -> dns.rrset.RRset | None:
        """Return a copy of the SOA with the TTL that is left."""
        return _aged(self.soa, self.expires_at, now)


@dataclass(slots=True)
class Cache:
    """Record sets and their absence, by name and type.

    Attributes:
        settings: TTL caps and bounds.
        validating: Whether answers are checked before they are used.
        octets: Memory of all entries, estimated.
        evicted: Entries that had to go before their time, since the start.
    """

    settings: ResolverSettings
    validating: bool = False
    octets: int = field(default=0, init=False)
    evicted: int = field(default=0, init=False)
    _entries: OrderedDict[_Key, Entry] = field(
        default_factory=OrderedDict, init=False, repr=False
    )
    _denied: set[tuple[bytes, ...]] = field(default_factory=set, init=False, repr=False)

    def __len__(self) -> int:
        return len(self._entries)

    def get(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        now: float,
        *,
        stale: bool = False,
    ) -> Entry | None:
        """Return what is known of exactly ``name`` and ``rdtype``, of any trust.

        With ``stale`` also what ended at most ``stale_max_s`` ago.
        """
        key = (name, rdtype)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at <= now:
            if entry.expires_at + self.settings.stale_max_s <= now:
                self._drop(key)
                return None
            if not stale:
                return None
        self._entries.move_to_end(key)
        return entry

    def had(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> bool:
        """Return whether anything is left of ``name`` that old data could come of."""
        kinds = (rdtype, NXDOMAIN_KEY, dns.rdatatype.CNAME)
        return any((name, kind) in self._entries for kind in kinds)

    def answer(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        now: float,
        *,
        stale: bool = False,
    ) -> Entry | None:
        """Return what a client may be told of ``name``: records, or their absence.

        Glue and referrals are not answers (RFC 2181 §5.4.1).
        """
        entry = self.records(name, rdtype, now, stale=stale)
        return entry or self._nonexistent(name, now, stale=stale)

    def records(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        now: float,
        *,
        stale: bool = False,
    ) -> Entry | None:
        """Return the same of exactly ``name`` and ``rdtype``, whatever is above."""
        entry = self.get(name, rdtype, now, stale=stale)
        if entry is not None and entry.trust >= Trust.ANSWER:
            return entry
        return None

    def _nonexistent(
        self, name: dns.name.Name, now: float, *, stale: bool
    ) -> Entry | None:
        for ancestor in self._denied_above(name):
            entry = self.get(ancestor, NXDOMAIN_KEY, now, stale=stale)
            # With validation one forged packet must not take away all names below.
            if entry is not None and (
                ancestor == name or not self.validating or _is_sound(entry)
            ):
                return entry
        return None

    def _denied_above(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield those of ``name`` and the names above that were denied once.

        There are hardly any, and each question asks: so no name is made in vain.
        """
        labels = folded(name)
        for place in range(len(labels)):
            if labels[place:] in self._denied:
                yield dns.name.Name(labels[place:])

    def put(
        self,
        rrset: dns.rrset.RRset,
        trust: Trust,
        now: float,
        claim: Claim | None = None,
        *,
        until: float = math.inf,
    ) -> None:
        """Keep ``rrset`` unless something better believed is there and alive.

        ``claim`` has what should prove it.

        Args:
            until: It is kept no longer than that, seconds (``Clock.monotonic``).
        """
        name, rdtype = rrset.name, rrset.rdtype
        expires_at = min(now + self._ttl_s(rrset.ttl), until)
        old = self.get(name, rdtype, now)
        if old is not None:
            if old.trust > trust or _is_secure(old):
                return
            if rdtype == dns.rdatatype.NS and old.rrset is not None:
                # A child must not keep itself alive when its parent has dropped it
                # ("ghost domain names"): only the end of the old one asks the parent.
                expires_at = min(expires_at, old.expires_at)
        self._store((name, rdtype), _positive(rrset, trust, expires_at, claim))

    def put_negative(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        soa: dns.rrset.RRset,
        now: float,
        *,
        nxdomain: bool,
        claim: Claim | None = None,
    ) -> None:
        """Keep that ``name`` has no ``rdtype``, or does not exist at all."""
        evidence = claim.evidence if claim is not None else ()
        key = (name, NXDOMAIN_KEY if nxdomain else rdtype)
        old = self.get(*key, now)
        if old is not None and _is_secure(old):
            return
        ttl_s = min(self._ttl_s(soa.ttl), self.settings.negative_ttl_max_s)
        for rdata in soa:
            if isinstance(rdata, dns.rdtypes.ANY.SOA.SOA):
                # RFC 2308 §5: the lesser of the TTL and the MINIMUM of the SOA.
                ttl_s = min(ttl_s, self._ttl_s(rdata.minimum))
        count = 1 + sum(map(len, evidence))
        self._store(
            key,
            Entry(
                None,
                _copy(soa, soa.ttl),
                nxdomain=nxdomain,
                trust=Trust.AUTHORITATIVE,
                expires_at=now + ttl_s,
                octets=ENTRY_OCTETS + RDATA_OCTETS * count,
                evidence=evidence,
                origin=claim.origin if claim is not None else None,
            ),
        )

    def is_ending(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, now: float
    ) -> bool:
        """Return whether records of ``name`` are there, but not for long."""
        entry = self._entries.get((name, rdtype))
        if entry is None or entry.rrset is None:
            return False
        whole_s = self._ttl_s(entry.rrset.ttl)
        left_s = entry.expires_at - now
        return whole_s >= PREFETCH_TTL_MIN_S and left_s * PREFETCH_PART <= whole_s

    def renew(self, claim: Claim, now: float) -> None:
        """Keep what ``claim`` says, proven, in the place of what was proven before.

        Not NS: a child must not keep itself alive.
        """
        rrset, verdict = claim.rrset, claim.verdict
        if (
            rrset is None
            or verdict is None
            or verdict.security is not Security.SECURE
            or rrset.rdtype == dns.rdatatype.NS
        ):
            return
        ttl_s = self._ttl_s(rrset.ttl)
        if verdict.ttl_max_s is not None:
            ttl_s = min(ttl_s, verdict.ttl_max_s)
        entry = _positive(rrset, Trust.AUTHORITATIVE, now + ttl_s, claim)
        self._store((rrset.name, rrset.rdtype), replace(entry, verdict=verdict))

    def judge(self, claim: Claim, verdict: Verdict, now: float) -> None:
        """Keep ``verdict`` with what is known, if that is still what was claimed."""
        found = self._claimed(claim, now)
        if found is None:
            return
        key, entry = found
        expires_at = entry.expires_at
        if verdict.ttl_max_s is not None:
            # RFC 4035 §5.3.3: no longer than the signature says.
            expires_at = min(expires_at, now + verdict.ttl_max_s)
        self._entries[key] = replace(entry, verdict=verdict, expires_at=expires_at)

    def retract(self, claim: Claim, now: float) -> None:
        """Forget what ``claim`` claims: somebody else is to be asked."""
        found = self._claimed(claim, now)
        if found is not None:
            self._drop(found[0])

    def _claimed(self, claim: Claim, now: float) -> tuple[_Key, Entry] | None:
        """Return the entry that ``claim`` was made of, or made."""
        names = lineage(claim.name) if claim.nxdomain else (claim.name,)
        rdtype = NXDOMAIN_KEY if claim.nxdomain else claim.rdtype
        for name in names:
            entry = self.get(name, rdtype, now)
            if (
                entry is not None
                and entry.evidence == claim.evidence
                # The same signatures may come with other, forged records.
                and entry.rrset == claim.rrset
            ):
                return (name, rdtype), entry
        return None

    def alive(
        self, now: float
    ) -> Iterator[tuple[dns.name.Name, dns.rdatatype.RdataType, Entry]]:
        """Yield what has not ended, the least recently used first."""
        for (name, rdtype), entry in self._entries.items():
            if entry.expires_at > now:
                yield name, rdtype, entry

    def remove(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> None:
        """Forget what is known of exactly ``name`` and ``rdtype``."""
        if (name, rdtype) in self._entries:
            self._drop((name, rdtype))

    def items(self) -> list[tuple[_Key, Entry]]:
        """Return all there is at this moment."""
        return list(self._entries.items())

    def flush(self, name: dns.name.Name, keys: Iterable[_Key] | None = None) -> int:
        """Forget all at and below ``name``; return how many entries that were.

        Args:
            keys: Look at these only: a large cache takes its time.
        """
        looked_at = list(self._entries) if keys is None else keys
        found = [
            key
            for key in looked_at
            if key in self._entries and key[0].is_subdomain(name)
        ]
        for key in found:
            self._drop(key)
        return len(found)

    def _ttl_s(self, ttl_s: int) -> int:
        if ttl_s >= TTL_INVALID_FROM:
            return 0
        return min(max(ttl_s, self.settings.ttl_min_s), self.settings.ttl_max_s)

    def _store(self, key: _Key, entry: Entry) -> None:
        if key in self._entries:
            self._drop(key)
        self._entries[key] = entry
        if key[1] == NXDOMAIN_KEY:
            self._denied.add(folded(key[0]))
        self.octets += entry.octets
        while (
            len(self._entries) > self.settings.cache_entries_max
            or self.octets > self.settings.cache_octets_max
        ):
            self._drop(next(iter(self._entries)))
            self.evicted += 1

    def _drop(self, key: _Key) -> None:
        self.octets -= self._entries.pop(key).octets
        if key[1] == NXDOMAIN_KEY:
            self._denied.discard(folded(key[0]))


@dataclass(slots=True)
class Failures:
    """Questions that failed a moment ago and are not tried again yet (RFC 9520)."""

    _reasons: OrderedDict[_Key, tuple[float, str]] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def flush(self, name: dns.name.Name) -> None:
        """Forget what failed at and below ``name``."""
        for key in [key for key in self._reasons if key[0].is_subdomain(name)]:
            del self._reasons[key]

    def put(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        reason: str,
        now: float,
    ) -> None:
        """Remember for ``FAILURE_SECONDS`` that the question failed."""
        self._reasons[name, rdtype] = (now + FAILURE_SECONDS, reason)
        self._reasons.move_to_end((name, rdtype))
        if len(self._reasons) > FAILURES_MAX:
            self._reasons.popitem(last=False)

    def get(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, now: float
    ) -> str | None:
        """Return why the question failed, or ``None`` if it may be tried."""
        until, reason = self._reasons.get((name, rdtype), (0.0, ""))
        return reason if until > now else None


def _positive(
    rrset: dns.rrset.RRset, trust: Trust, expires_at: float, claim: Claim | None
) -> Entry:
    evidence = claim.evidence if claim is not None else ()
    count = len(rrset) + sum(map(len, evidence))
    return Entry(
        _copy(rrset, rrset.ttl),
        None,
        nxdomain=False,
        trust=trust,
        expires_at=expires_at,
        octets=ENTRY_OCTETS + RDATA_OCTETS * count,
        evidence=evidence,
        source=claim.source if claim is not None else None,
        origin=claim.origin if claim is not None else None,
    )


def folded(name: dns.name.Name) -> tuple[bytes, ...]:
    """Return the labels of ``name`` as they are compared: quick to make and to hash."""
    return tuple(map(bytes.lower, name.labels))


def _is_secure(entry: Entry) -> bool:
    """Return whether ``entry`` is proven: nothing unproven may take its place."""
    return entry.verdict is not None and entry.verdict.security is Security.SECURE


def _is_sound(entry: Entry) -> bool:
    return entry.verdict is not None and entry.verdict.security is not Security.BOGUS


def lineage(name: dns.name.Name) -> Iterator[dns.name.Name]:
    """Yield ``name``, its parent, …, the root."""
    while name != dns.name.root:
        yield name
        name = name.parent()
    yield name


def _aged(
    rrset: dns.rrset.RRset | None, expires_at: float, now: float
) -> dns.rrset.RRset | None:
    if rrset is None:
        return None
    left_s = int(expires_at - now) if expires_at > now else STALE_TTL_S
    return _copy(rrset, left_s)


def _copy(rrset: dns.rrset.RRset, ttl_s: int) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(rrset.name, ttl_s, list(rrset))
