"""The chain of NSEC or NSEC3 records of a zone, as ``tests.support.signing`` makes it.

Sans-IO, pure.
Source: RFC 4035 §2.3 (NSEC), RFC 5155 §7.1 (NSEC3).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

from pabal.dns.dnssec.bitmap import bitmap_of
from pabal.dns.dnssec.nsec3 import (
    OPT_OUT,
    SHA1,
    HashCollisionError,
    hash_label,
    nsec3_hash,
)
from pabal.dns.dnssec.record import record, rrset_of

_AT_CUT: Final = frozenset({dns.rdatatype.NS, dns.rdatatype.DS})
"""Of a cut, the parent tells these (RFC 4035 §2.3)."""


@dataclass(slots=True)
class Node:
    """A name of a zone and its records.

    Attributes:
        name: The owner.
        origin: The zone.
        rrsets: Its records by type.
        is_cut: It begins another zone.
        is_occluded: It is below a cut or a DNAME: glue, or never seen.
    """

    name: dns.name.Name
    origin: dns.name.Name
    rrsets: dict[dns.rdatatype.RdataType, dns.rrset.RRset] = field(default_factory=dict)
    is_cut: bool = False
    is_occluded: bool = False

    def signs(self, rdtype: dns.rdatatype.RdataType) -> bool:
        """Return whether the records of ``rdtype`` here are this zone's to sign."""
        if self.is_occluded:
            return False
        return not self.is_cut or rdtype == dns.rdatatype.DS

    @property
    def is_unsigned_cut(self) -> bool:
        """Whether it begins a zone without DS."""
        return self.is_cut and dns.rdatatype.DS not in self.rrsets

    def types(self) -> set[int]:
        """Return the types its NSEC or NSEC3 record has, itself not counted."""
        types = {int(rdtype) for rdtype in self.rrsets}
        if self.is_cut:
            types &= _AT_CUT
        if any(self.signs(rdtype) for rdtype in self.rrsets):
            types.add(dns.rdatatype.RRSIG)
        return types


def nsec_chain(
    origin: dns.name.Name, nodes: Sequence[Node], ttl_s: int
) -> list[dns.rrset.RRset]:
    """Return the NSEC records of ``nodes``, which are in canonical order."""
    shown = [node for node in nodes if not node.is_occluded]
    chain = []
    for place, node in enumerate(shown):
        until = shown[place + 1].name if place + 1 < len(shown) else origin
        types = node.types() | {dns.rdatatype.NSEC, dns.rdatatype.RRSIG}
        # RFC 6840 §5.1: the next name keeps its letters.
        octets = until.to_wire() or b""
        rdata = record(NSEC, dns.rdatatype.NSEC, octets + bitmap_of(types))
        chain.append(rrset_of(node.name, ttl_s, rdata))
    return chain


def nsec3_chain(
    origin: dns.name.Name,
    nodes: Sequence[Node],
    ttl_s: int,
    hashing: tuple[bytes, int],
    *,
    opt_out: bool,
) -> list[dns.rrset.RRset]:
    """Return the NSEC3 records of ``nodes``; ``hashing`` is salt and iterations.

    Raises:
        HashCollisionError: Two names have one hash.
    """
    salt, iterations = hashing
    types: dict[dns.name.Name, set[int]] = {}
    for node in nodes:
        if node.is_occluded or (opt_out and node.is_unsigned_cut):
            continue
        types[node.name] = node.types()
        above = node.name
        while above != origin:
            # RFC 5155 §7.1: empty non-terminals have one, too.
            above = above.parent()
            types.setdefault(above, set())
    digests = {nsec3_hash(name, salt, iterations): name for name in types}
    if len(digests) != len(types):
        raise HashCollisionError(f"two names of {origin} have one hash")
    ordered = sorted(digests)
    flags = OPT_OUT if opt_out else 0
    head = struct.pack("!BBHB", SHA1, flags, iterations, len(salt)) + salt
    chain = []
    for place, digest in enumerate(ordered):
        until = ordered[(place + 1) % len(ordered)]
        octets = head + bytes((len(until),)) + until + bitmap_of(types[digests[digest]])
        rdata = record(NSEC3, dns.rdatatype.NSEC3, octets)
        owner = dns.name.Name((hash_label(digest), *origin.labels))
        chain.append(rrset_of(owner, ttl_s, rdata))
    return chain
