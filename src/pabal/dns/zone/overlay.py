"""What dynamic updates have changed, laid over what the owner wrote.

Sans-IO. The owner's file is never written. An update to a set holds as long as the file
has that set as it was when it was first changed; once the owner edits the set, the file
wins there, and everywhere else the updates stay. Put back as it was, they return.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.order import gently_sorted
from pabal.dns.zone.tree import Key, Zone, changed

_DIGEST_OCTETS: Final = 16
"""Equal by accident once in 2^64 sets: nobody has reason to try."""

_SERIAL: Final = slice(-20, -16)
"""Where the serial number stands in the RDATA of an SOA (RFC 1035 §3.3.13)."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What updates did to one set.

    Attributes:
        owner: Letters as written.
        base: Digest of the set in the owner's file; empty: the file has none.
        ttl_s: Of the whole set.
        removed: RDATA that is in the set without updates, and goes.
        added: RDATA that comes.
        cleared: Whether nothing stays of the set without updates, whatever it is by
            now: derived records change by themselves.
    """

    owner: bytes
    base: bytes
    ttl_s: int
    removed: frozenset[bytes]
    added: tuple[bytes, ...]
    cleared: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether the set is as it would be without it, and not in the file."""
        return not (self.removed or self.added or self.base)


Patches = Mapping[Key, Patch]


def with_serial(soa: RRset, serial: int) -> RRset:
    """Return ``soa`` with another serial number."""
    rdata = soa.rdatas[0]
    octets = serial.to_bytes(4, "big")
    return replace(soa, rdatas=(rdata[:-20] + octets + rdata[_SERIAL.stop :],))


def next_serial(serial: int) -> int:
    """Return the serial number after ``serial`` (RFC 1982 §3.1); never 0."""
    return (serial + 1) % (1 << 32) or 1


def base_of(rrset: RRset | None) -> bytes:
    """Return the digest of a set of the file; an SOA's serial number does not count."""
    if rrset is None:
        return b""
    rdatas = with_serial(rrset, 0).rdatas if rrset.rdtype == codes.SOA else rrset.rdatas
    digest = hashlib.blake2b(rrset.ttl_s.to_bytes(4, "big"), digest_size=_DIGEST_OCTETS)
    for rdata in sorted(rdatas):
        digest.update(len(rdata).to_bytes(2, "big") + rdata)
    return digest.digest()


def digest_of(zone: Zone) -> bytes:
    """Return a digest of a zone without updates: another one when anything changed.

    The serial number of an SOA that is not in the file does not count.
    Cost: linear in the octets of the zone.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_OCTETS)
    packed = zone.nodes.packed
    for name in gently_sorted(packed):
        records = packed[name]
        if name == zone.origin:
            records = _apex(zone)
        digest.update(len(name).to_bytes(2, "big") + name)
        digest.update(len(records).to_bytes(4, "big") + records)
    return digest.digest()


def _apex(zone: Zone) -> bytes:
    octets = zone.nodes.packed[zone.origin]
    if (zone.origin, codes.SOA) in zone.derived:
        soa = zone.soa.rdatas[0]
        return octets.replace(soa, with_serial(zone.soa, 0).rdatas[0])
    return octets


def laid_over(plain: Zone, patches: Patches, soa: RRset | None) -> Zone:
    """Return ``plain`` with those of ``patches`` that hold.

    Args:
        plain: What the file says and what follows from the directory.
        soa: Has the serial number the zone gets; ``None``: that of ``plain``.

    Raises:
        ZoneBuildError: Never for patches that were made on some version of the zone.
    """
    held = {key: patch for key, patch in patches.items() if _holds(plain, key, patch)}
    names: dict[bytes, dict[int, RRset]] = {}
    for (name, rdtype), patch in held.items():
        rrsets = names.setdefault(name, dict(plain.nodes.get(name, {})))
        rrset = _patched(rrsets.get(rdtype), rdtype, patch)
        if rrset is None:
            rrsets.pop(rdtype, None)
        else:
            rrsets[rdtype] = rrset
    for name, rrsets in names.items():
        if codes.CNAME in rrsets and len(rrsets) > 1:
            _part(plain, name, rrsets, held)
    if soa is not None:
        apex = names.setdefault(plain.origin, dict(plain.apex))
        serial = int.from_bytes(soa.rdatas[0][_SERIAL], "big")
        apex[codes.SOA] = with_serial(apex[codes.SOA], serial)
    return changed(plain, names, frozenset(held)) if names else plain


def _holds(plain: Zone, key: Key, patch: Patch) -> bool:
    name, rdtype = key
    rrset = plain.nodes.get(name, {}).get(rdtype)
    own = None if rrset is None or key in plain.derived else rrset
    return base_of(own) == patch.base


def _patched(rrset: RRset | None, rdtype: int, patch: Patch) -> RRset | None:
    if rdtype == codes.SOA:
        # Its serial number is set by whoever called.
        return (
            RRset(patch.owner, rdtype, patch.ttl_s, patch.added)
            if patch.added
            else rrset
        )
    before = () if rrset is None or patch.cleared else rrset.rdatas
    kept = [rdata for rdata in before if rdata not in patch.removed]
    kept += [rdata for rdata in patch.added if rdata not in kept]
    if not kept:
        return None
    return RRset(patch.owner, rdtype, patch.ttl_s, tuple(kept))


def _part(
    plain: Zone, name: bytes, rrsets: dict[int, RRset], held: dict[Key, Patch]
) -> None:
    """Settle who may have a name where an alias meets other data (RFC 1034 §3.6.2).

    The owner's file wins over updates, and those over derived records.
    """
    before = plain.nodes.get(name, {})
    in_file = {rdtype for rdtype in before if (name, rdtype) not in plain.derived}
    patched = {rdtype for owner, rdtype in held if owner == name}
    if in_file - patched:
        for rdtype in patched:
            del held[name, rdtype]
        rrsets.clear()
        rrsets.update(before)
        return
    for rdtype in set(rrsets) - patched:
        del rrsets[rdtype]
