"""The rrsets of a zone: what its file says, and what follows from the directory.

Sans-IO. The owner's file wins, rrset by rrset; a derived rrset only fills a place that
the file leaves empty. Source: RFC 2181 §5 (rrsets), RFC 1034 §3.6.2 (CNAME).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.ttl

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.wire.name import is_below, parent, to_text
from pabal.dns.wire.rrset import RRset, name_octets, rdata_octets
from pabal.dns.zone.master import Record
from pabal.dns.zone.problem import Place, Problem, Severity

Key = tuple[bytes, int]
"""Folded owner and type."""

DERIVED: Final = "derived"
"""What stands in a ``Place`` for records that no file holds."""

_SPF: Final = b"v=spf1"


@dataclass(slots=True)
class Composition:
    """What a zone will be made of.

    Attributes:
        origin: Folded wire name of the apex.
        rrsets: Every rrset, in the order of the file, derived ones last.
        places: Where the first record of each rrset stands.
        words: The words of RDATA as written, a tuple a record, in the rrset's order.
        derived: The keys of the rrsets no file holds.
        problems: What was found on the way.
    """

    origin: bytes
    rrsets: dict[Key, RRset] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    words: dict[Key, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    derived: set[Key] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def types_at(self, owner: bytes) -> frozenset[int]:
        """Return the types that folded ``owner`` has; linear in the rrsets."""
        return frozenset(rdtype for name, rdtype in self.rrsets if name == owner)

    def add_file(self, records: Sequence[Record]) -> None:
        """Take the records of the zone's file."""
        groups: dict[Key, list[Record]] = {}
        wires: dict[bytes, bytes] = {}
        for record in records:
            # The dict gives equal names one object: a million records, fewer octets.
            owner = name_octets(record.owner).lower()
            owner = wires.setdefault(owner, owner)
            if not is_below(owner, self.origin):
                self._out_of_zone(record)
                continue
            groups.setdefault((owner, int(record.rdata.rdtype)), []).append(record)
        for key, group in groups.items():
            self._group(key, group)

    def _out_of_zone(self, record: Record) -> None:
        reason = f"{record.owner} is not in zone {to_text(self.origin)}; it is left out"
        fix = "move it to its own zone's file"
        self.problems.append(Problem(Severity.WARNING, record.place, reason, fix))

    def _group(self, key: Key, group: Sequence[Record]) -> None:
        first = group[0]
        ttl_s = min(record.ttl_s for record in group)
        for record in group:
            if record.ttl_s != first.ttl_s:
                # RFC 2181 §5.2: one TTL a set; the smallest harms nobody.
                reason = f"records of one set have different TTLs; {ttl_s} is used"
                self.problems.append(Problem(Severity.WARNING, record.place, reason))
                break
        unique = {rdata_octets(record.rdata): record for record in group}
        owner = name_octets(first.owner)
        self.rrsets[key] = RRset(owner, key[1], ttl_s, tuple(unique))
        self.places[key] = first.place
        self.words[key] = tuple(record.words for record in unique.values())

    def add_derived(self, records: Sequence[DerivedRecord]) -> None:
        """Fill what the file leaves empty; call after ``add_file``."""
        by_owner: dict[bytes, set[int]] = {}
        for owner, rdtype in self.rrsets:
            by_owner.setdefault(owner, set()).add(rdtype)
        sets: dict[Key, list[tuple[int, bytes]]] = {}
        for record in records:
            parsed = self._parse(record)
            if parsed is not None:
                key, rdata = parsed
                sets.setdefault(key, []).append((record.ttl_s, rdata))
        for key, values in sets.items():
            rdatas = tuple(dict.fromkeys(rdata for _, rdata in values))
            taken = by_owner.get(key[0], set())
            if self._leaves_room(key, taken):
                ttl_s = min(ttl for ttl, _ in values)
                self.rrsets[key] = RRset(key[0], key[1], ttl_s, rdatas)
                self.places[key] = Place(DERIVED)
                self.derived.add(key)
            elif key[1] == codes.TXT:
                self._warn_of_hidden_spf(key, rdatas)

    def _leaves_room(self, key: Key, taken: set[int]) -> bool:
        """Return whether ``key`` may stand beside what the file has."""
        owner, rdtype = key
        if rdtype in taken or codes.CNAME in taken:
            return False
        if rdtype == codes.CNAME and taken:
            return False
        above = owner
        while above != self.origin:
            # Below a cut the child's servers speak (RFC 1034 §4.2.1); file only.
            if (above, codes.NS) in self.places and above != owner:
                return False
            above = parent(above)
        return True

    def _warn_of_hidden_spf(self, key: Key, rdatas: tuple[bytes, ...]) -> None:
        hidden = next((r for r in rdatas if r[1:].startswith(_SPF)), None)
        present = self.rrsets[key].rdatas if key in self.rrsets else ()
        if hidden is None or any(r[1:].startswith(_SPF) for r in present):
            return
        text = dns.rdata.from_wire(
            dns.rdataclass.IN, dns.rdatatype.TXT, hidden, 0, len(hidden)
        )
        reason = "this TXT set takes the place of the derived one, which had the SPF"
        fix = f"add `{to_text(key[0])} TXT {text}`"
        place = self.places.get(key, Place(DERIVED))
        self.problems.append(Problem(Severity.WARNING, place, reason, fix))

    def _parse(self, record: DerivedRecord) -> tuple[Key, bytes] | None:
        """Return the record as octets, or report it: a bug of ours harms no zone."""
        try:
            owner = name_octets(dns.name.from_text(record.owner)).lower()
            rdtype = dns.rdatatype.from_text(record.rdtype)
            rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, record.rdata)
            wire = rdata_octets(rdata)
        except (dns.exception.DNSException, ValueError) as error:
            reason = f"derived record {record.owner} {record.rdtype}: {error}"
            place = Place(DERIVED, text=record.rdata)
            self.problems.append(Problem(Severity.WARNING, place, reason))
            return None
        if not is_below(owner, self.origin):
            return None
        return (owner, int(rdtype)), wire
