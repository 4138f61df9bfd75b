"""The records of a zone as they come, name by name.

Sans-IO. Linear in the octets, however many records one name has.
"""

from collections.abc import MutableMapping
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.zone.packed import HEAD, pack, walk
from pabal.dns.zone.shards import PARTS, SHIFT, SPLIT_NAMES, Shards, split

JOINED_MAX_OCTETS: Final = 4096
"""Octets of one name that are joined anew for each record; more grow in place."""


class Gathering:
    """Takes records in any order.

    Attributes:
        letters: The owners that were not written in lower case.
        mixed: Lines whose record has another TTL than those before it in its rrset,
            with the TTL the rrset got.
    """

    def __init__(self) -> None:
        # One, or as many as a large zone has; looked into without a call.
        self._parts: list[dict[bytes, bytes]] = [{}]
        self._mask = 0
        self._several: list[set[bytes]] = [set()]
        self.letters: dict[bytes, bytes] = {}
        self.mixed: list[tuple[int, int]] = []
        self._large: dict[bytes, bytearray] = {}

    @property
    def nodes(self) -> MutableMapping[bytes, bytes]:
        """Folded owner → its records, packed; ``settle`` makes all of them bytes."""
        return Shards(self._parts) if self._mask else self._parts[0]

    def add(
        self, owner: bytes, rdtype: int, ttl_s: int, line: int, rdata: bytes
    ) -> None:
        """Take one record of ``owner``, an absolute wire name."""
        folded = owner.lower()
        record = HEAD.pack(rdtype, ttl_s, line, len(rdata)) + rdata
        place = hash(folded) >> SHIFT & self._mask
        part = self._parts[place]
        before = part.get(folded)
        if before is None:
            part[folded] = record
            if owner != folded:
                self.letters[folded] = owner
            if not self._mask and len(part) > SPLIT_NAMES:
                self._split()
            return
        self._several[place].add(folded)
        if len(before) < JOINED_MAX_OCTETS:
            part[folded] = before + record
        else:
            self._large.setdefault(folded, bytearray()).extend(record)

    def settle(self) -> None:
        """Make sets of what came: no record twice, one TTL a set (RFC 2181 §5)."""
        nodes = self.nodes
        for owner, more in self._large.items():
            nodes[owner] += bytes(more)
        self._large = {}
        for part, several in zip(self._parts, self._several, strict=True):
            for owner in several:
                part[owner] = self._settled(part[owner])
            several.clear()

    def _split(self) -> None:
        """Go on as for a large zone."""
        (names,), (several,) = self._parts, self._several
        self._parts, self._mask = split(names), PARTS - 1
        self._several = [set() for _ in range(PARTS)]
        for name in several:
            self._several[hash(name) >> SHIFT & self._mask].add(name)

    def _settled(self, records: bytes) -> bytes:
        ttls: dict[int, int] = {}
        seen: set[tuple[int, bytes]] = set()
        lines: dict[int, int] = {}
        count = 0
        for rdtype, ttl_s, line, rdata in walk(records):
            count += 1
            seen.add((rdtype, rdata))
            if rdtype == codes.RRSIG:
                # Signatures over different sets stand together, each with its TTL.
                continue
            least = ttls.setdefault(rdtype, ttl_s)
            if ttl_s != least:
                ttls[rdtype] = min(least, ttl_s)
                lines.setdefault(rdtype, line)
        if not lines and len(seen) == count:
            return records
        # RFC 2181 §5.2: one TTL a set; the smallest harms nobody.
        self.mixed += [(line, ttls[rdtype]) for rdtype, line in lines.items()]
        return _merged(records, ttls)


def _merged(records: bytes, ttls: dict[int, int]) -> bytes:
    """Return ``records`` without repetition, each with the TTL of its type."""
    first: dict[tuple[int, bytes], tuple[int, int]] = {}
    for rdtype, ttl_s, line, rdata in walk(records):
        first.setdefault((rdtype, rdata), (ttls.get(rdtype, ttl_s), line))
    return b"".join(
        pack(rdtype, ttl_s, line, rdata)
        for (rdtype, rdata), (ttl_s, line) in first.items()
    )
