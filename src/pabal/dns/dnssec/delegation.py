"""What is said to the parent, and what the parent says.

Sans-IO, pure.
Source: RFC 7344 §3 and §4 (CDS and CDNSKEY), RFC 8078 §4 (the sign to delete),
RFC 8624 §3.3 and RFC 4509 (digest SHA-256).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from pabal.dns.dnssec.digest import make_ds, matches
from pabal.dns.dnssec.keystate import LEAVING, KeyState, Ring
from pabal.dns.dnssec.record import record
from pabal.dns.wire.rrset import rdata_octets

DELETE_CDS: Final = bytes((0, 0, 0, 0, 0))
DELETE_CDNSKEY: Final = bytes((0, 0, 3, 0, 0))
"""RDATA that asks the parent to take every DS away (RFC 8078 §4)."""


def dnskey_of(key: KeyState) -> DNSKEY:
    """Return the DNSKEY record of ``key``."""
    return record(DNSKEY, dns.rdatatype.DNSKEY, key.dnskey)


def ds_of(zone: dns.name.Name, key: KeyState) -> DS:
    """Return the DS record of ``key`` for the parent of ``zone``."""
    return make_ds(zone, dnskey_of(key))


@dataclass(frozen=True, slots=True)
class ForParent:
    """RDATA of the CDS and the CDNSKEY set; both empty: nothing is said."""

    cds: tuple[bytes, ...] = ()
    cdnskey: tuple[bytes, ...] = ()


def for_parent(zone: dns.name.Name, ring: Ring) -> ForParent:
    """Return what ``zone`` publishes for its parent to follow."""
    keys = [key for key in ring.keys if key.is_for_parent]
    if keys:
        return ForParent(
            tuple(rdata_octets(ds_of(zone, key)) for key in keys),
            tuple(key.dnskey for key in keys),
        )
    if any(key.ds.place in LEAVING for key in ring.keys):
        return ForParent((DELETE_CDS,), (DELETE_CDNSKEY,))
    return ForParent()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the parent's DS set says.

    Attributes:
        ours: Tags of our keys that it has.
        strangers: Tags of DS records that stand for no key of ours.
    """

    ours: frozenset[int]
    strangers: Sequence[int]


def seen_at_parent(zone: dns.name.Name, ring: Ring, records: Iterable[DS]) -> Seen:
    """Return which of our keys ``records``, the parent's DS set, stand for."""
    ours: set[int] = set()
    strangers: set[int] = set()
    for ds in records:
        found = {key.tag for key in ring.keys if matches(ds, zone, dnskey_of(key))}
        ours |= found
        if not found:
            strangers.add(int(ds.key_tag))
    return Seen(frozenset(ours), sorted(strangers))
