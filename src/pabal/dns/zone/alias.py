"""ALIAS: a name that has the addresses of another, also at the apex.

Sans-IO, pure. A CNAME may not stand beside other data, and so never at the apex (RFC
1034 §3.6.2). An ALIAS is resolved by us, and what is served are address records like
any others: signed, turned by round robin, transferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.zone.history import is_newer
from pabal.dns.zone.packed import NOTHING, pack, unpack, walk
from pabal.dns.zone.shards import copied, differing
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.tree import Zone

TTL_MAX_S: Final = 300
"""The longest TTL of addresses that are another's: they move without telling us."""

ADDRESSES_MAX: Final = 64
"""Addresses of one kind taken from a target; more is no host."""

_MARK: Final = codes.ALIAS.to_bytes(2, "big")
_KINDS: Final = (codes.A, codes.AAAA)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a target has: RDATA of its A and AAAA records, sorted."""

    a: tuple[bytes, ...] = ()
    aaaa: tuple[bytes, ...] = ()

    def of(self, rdtype: int) -> tuple[bytes, ...]:
        """Return the RDATA of one kind."""
        return self.a if rdtype == codes.A else self.aaaa


Book = Mapping[bytes, Addresses | None]
"""Folded target → what it has; ``None``: nobody can say. Who is not there was not asked
for yet."""


def targets(
    zone: Zone, before: tuple[Zone, Mapping[bytes, bytes]] | None = None
) -> Mapping[bytes, bytes]:
    """Return the target of each ALIAS by its owner, both folded.

    Args:
        before: A version before and what was returned for it: then only what differs
            is looked at.
    """
    if not zone.nodes.may_have(_MARK):
        return {}
    packed = zone.nodes.packed
    if before is None:
        return {name: t for name, r in packed.items() if (t := _target(r))}
    found = dict(before[1])
    for name in differing(before[0].nodes.packed, packed):
        found.pop(name, None)
        if target := _target(packed.get(name, b"")):
            found[name] = target
    return found


def _target(records: bytes) -> bytes:
    """Return the folded target of the ALIAS in ``records``; empty: there is none."""
    if _MARK not in records:
        return b""
    found = [rdata for rdtype, _, _, rdata in walk(records) if rdtype == codes.ALIAS]
    return found[-1].lower() if found else b""


def flattened(
    own: Zone, aliases: Mapping[bytes, bytes], book: Book, before: Zone | None
) -> Zone:
    """Return ``own`` with addresses in place of its ALIAS records.

    Args:
        aliases: What ``targets`` says of it.
        book: What is known of the targets; while nobody can say, the addresses of the
            version served until now stay.
        before: That version.
    """
    nodes = copied(own.nodes.packed)
    for owner, target in aliases.items():
        records = [each for each in walk(nodes[owner]) if each[0] != codes.ALIAS]
        ttl_s = min(
            TTL_MAX_S,
            *(each[1] for each in walk(nodes[owner]) if each[0] == codes.ALIAS),
        )
        present = {each[0] for each in records}
        known = book.get(target)
        old = NOTHING if before is None else before.nodes.get(owner, NOTHING)
        for rdtype in _KINDS:
            if rdtype in present:
                continue  # the owner's addresses win
            rdatas = known.of(rdtype) if known is not None else ()
            if known is None and rdtype in old:
                rdatas = old[rdtype].rdatas
            records += [(rdtype, ttl_s, 0, rdata) for rdata in rdatas[:ADDRESSES_MAX]]
        nodes[owner] = b"".join(pack(*each) for each in records)
    return served_zone(own.origin, nodes, own.nodes.written, own.derived)


def unsigned_version(flat: Zone, before: Zone | None, serial: int | None) -> Zone:
    """Return ``flat`` as it is to be served without signatures.

    ``before``, itself, if that holds the same; otherwise with a serial number that
    comes after ``serial``, the one served last (RFC 1982 §3.1).
    """
    if before is not None and serial == before.serial and _is_same(flat, before):
        return before
    if serial is None or is_newer(flat.serial, serial):
        return flat
    rdata = flat.soa.rdatas[0]
    octets = ((serial + 1) % (1 << 32)).to_bytes(4, "big")
    nodes = copied(flat.nodes.packed)
    rest = b"".join(
        pack(*each) for each in walk(nodes[flat.origin]) if each[0] != codes.SOA
    )
    soa = pack(codes.SOA, flat.soa.ttl_s, 0, rdata[:-20] + octets + rdata[-16:])
    nodes[flat.origin] = soa + rest
    return served_zone(flat.origin, nodes, flat.nodes.written, flat.derived)


def _is_same(flat: Zone, before: Zone) -> bool:
    """Return whether two versions differ in nothing but a serial number not newer."""
    counts = (flat.origin, codes.SOA) not in flat.derived
    if counts and is_newer(flat.serial, before.serial):
        return False
    one, other, origin = flat.nodes.packed, before.nodes.packed, flat.origin
    if any(name != origin for name in differing(one, other)):
        return False
    return _but_serial(one[origin]) == _but_serial(other[origin])


def _but_serial(apex: bytes) -> dict[int, object]:
    return {
        rdtype: (rrset.ttl_s, rrset.rdatas)
        if rdtype != codes.SOA
        else (rrset.ttl_s, rrset.rdatas[0][:-20], rrset.rdatas[0][-16:])
        for rdtype, rrset in unpack(b"", apex).items()
    }
