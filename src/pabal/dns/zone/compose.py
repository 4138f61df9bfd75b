"""The records of a zone: what its file says, and what follows from the directory.

Sans-IO. The owner's file wins, rrset by rrset; a derived rrset only fills a place that
the file leaves empty. Source: RFC 2181 §5 (rrsets), RFC 1034 §3.6.2 (CNAME).
"""

from collections.abc import Sequence
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.wire.name import is_below, parent, to_text
from pabal.dns.wire.rrset import name_octets, rdata_octets
from pabal.dns.zone.master import MasterFile
from pabal.dns.zone.packed import Rrsets, pack, unpack, walk
from pabal.dns.zone.problem import Place, Problem, Severity
from pabal.dns.zone.tree import Key

DERIVED: Final = "derived"
"""What stands in a ``Place`` for records that no file holds."""

_SPF: Final = b"v=spf1"


class Composition:
    """What a zone will be made of.

    Args (of the constructor):
        master: The zone's files, read.

    Attributes:
        origin: Folded wire name of the apex.
        nodes: Folded owner → its records, packed.
        derived: The keys of the rrsets no file holds.
        problems: What was found on the way.
    """

    def __init__(self, master: MasterFile) -> None:
        self._master = master
        self.origin = master.zone
        master.gathering.settle()
        self.nodes = master.gathering.nodes
        self.letters = master.gathering.letters
        self.derived: set[Key] = set()
        self.problems: list[Problem] = []
        for line, ttl_s in master.gathering.mixed:
            reason = f"records of one set have different TTLs; {ttl_s} is used"
            self._warn(master.place(line), reason)

    def rrsets(self, owner: bytes) -> Rrsets:
        """Return what folded ``owner`` has."""
        return unpack(self.letters.get(owner, owner), self.nodes.get(owner, b""))

    def types(self, owner: bytes) -> set[int]:
        """Return the types folded ``owner`` has."""
        return {record[0] for record in walk(self.nodes.get(owner, b""))}

    def place(self, key: Key) -> Place:
        """Return where the first record of ``key`` stands."""
        if key in self.derived:
            return Place(DERIVED)
        lines = [line for rdtype, _, line, _ in self._walk(key) if rdtype == key[1]]
        return self._master.place(lines[0] if lines else 0, key[1])

    def is_suspect(self, line: int) -> bool:
        """Return whether the record of ``line`` points to a relative name."""
        return line in self._master.suspects

    def _walk(self, key: Key) -> Sequence[tuple[int, int, int, bytes]]:
        return list(walk(self.nodes.get(key[0], b"")))

    def add_derived(self, records: Sequence[DerivedRecord]) -> None:
        """Fill what the files leave empty."""
        sets: dict[Key, list[tuple[int, bytes]]] = {}
        for record in records:
            parsed = self._parse(record)
            if parsed is not None:
                key, rdata = parsed
                sets.setdefault(key, []).append((record.ttl_s, rdata))
        taken = {owner: self.types(owner) for owner, _ in sets}
        for key, values in sets.items():
            rdatas = tuple(dict.fromkeys(rdata for _, rdata in values))
            if self._leaves_room(key, taken[key[0]]):
                ttl_s = min(ttl for ttl, _ in values)
                packed = b"".join(pack(key[1], ttl_s, 0, rdata) for rdata in rdatas)
                self.nodes[key[0]] = self.nodes.get(key[0], b"") + packed
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
            is_cut = codes.NS in self.types(above)
            if is_cut and above != owner and (above, codes.NS) not in self.derived:
                return False
            above = parent(above)
        return True

    def _warn_of_hidden_spf(self, key: Key, rdatas: tuple[bytes, ...]) -> None:
        hidden = next((r for r in rdatas if r[1:].startswith(_SPF)), None)
        present = [r[3] for r in self._walk(key) if r[0] == codes.TXT]
        if hidden is None or any(r[1:].startswith(_SPF) for r in present):
            return
        text = dns.rdata.from_wire(
            dns.rdataclass.IN, dns.rdatatype.TXT, hidden, 0, len(hidden)
        )
        reason = "this TXT set takes the place of the derived one, which had the SPF"
        fix = f"add `{to_text(key[0])} TXT {text}`"
        place = self.place(key) if present else Place(DERIVED)
        self._warn(place, reason, fix)

    def _parse(self, record: DerivedRecord) -> tuple[Key, bytes] | None:
        """Return the record as octets, or report it: a bug of ours harms no zone."""
        try:
            owner = name_octets(dns.name.from_text(record.owner)).lower()
            rdtype = dns.rdatatype.from_text(record.rdtype)
            rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, record.rdata)
            wire = rdata_octets(rdata)
        except (dns.exception.DNSException, ValueError) as error:
            reason = f"derived record {record.owner} {record.rdtype}: {error}"
            self._warn(Place(DERIVED, text=record.rdata), reason)
            return None
        if not is_below(owner, self.origin):
            return None
        return (owner, int(rdtype)), wire

    def _warn(self, place: Place, reason: str, fix: str = "") -> None:
        self.problems.append(Problem(Severity.WARNING, place, reason, fix))
