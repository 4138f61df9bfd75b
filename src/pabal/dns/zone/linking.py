"""The names of a zone in their order, linked by NSEC or NSEC3 records.

Sans-IO, pure. Cost: sorting, and 3 us a name.
Source: RFC 4035 §2.2 and §2.3 (what is signed, NSEC), RFC 5155 §7.1 (NSEC3), RFC 9077
§3 (TTL), RFC 9276 §3.1 (no salt, no iterations), RFC 6840 §5.1 (letters of the next).
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pabal.dns.dnssec.bitmap import bitmap_of
from pabal.dns.dnssec.nsec3 import (
    DIGEST_OCTETS,
    OPT_OUT,
    SHA1,
    HashCollisionError,
)
from pabal.dns.wire import codes
from pabal.dns.wire.name import is_below, label_offsets, to_text
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.denial import order_key
from pabal.dns.zone.order import gently_sorted
from pabal.dns.zone.packed import pack, walk
from pabal.dns.zone.shards import empty, take_apart
from pabal.dns.zone.tree import Zone

MADE: Final = frozenset((codes.RRSIG, codes.NSEC, codes.NSEC3, codes.NSEC3PARAM))
"""Made by signing: those a zone brings along are dropped."""

HIDING: Final = frozenset((codes.NS, codes.DNAME))
"""Types that decide what is below a name."""


@dataclass(frozen=True, slots=True)
class Link:
    """One name of the signed zone.

    Attributes:
        name: Folded.
        plain: Its records, packed; without the SOA at the apex.
        extra: The NSEC record there, packed.
        signed: The types that are signed there, NSEC included; never the SOA.
    """

    name: bytes
    plain: bytes
    extra: bytes
    signed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """How absence is denied: by NSEC3 or NSEC; with NSEC3 perhaps with opt-out."""

    nsec3: bool = False
    opt_out: bool = False


def chain(own: Zone, apex: Mapping[int, RRset], kind: Kind) -> Iterator[Link]:
    """Yield every name of ``own``, in no order that matters.

    Args:
        apex: What the apex has, in place of what ``own`` has there.

    Raises:
        HashCollisionError: Two names have one hash: only NSEC helps.
    """
    places = _places(own, apex)
    if kind.nsec3:
        return _hashed(own, places, opt_out=kind.opt_out)
    return _ordered(own, places)


@dataclass(frozen=True, slots=True)
class Place:
    """A name before it is linked.

    Attributes:
        types: What its NSEC record says of it, that record and RRSIG not counted.
        signed: Those of them that are signed, without the SOA.
        is_shown: Whether it is the zone's, not occluded.
        is_unsigned_cut: Whether it begins a zone without DS.
    """

    name: bytes
    plain: bytes
    types: tuple[int, ...]
    signed: tuple[int, ...]
    is_shown: bool
    is_unsigned_cut: bool = False


def _places(own: Zone, apex: Mapping[int, RRset]) -> Iterator[Place]:
    origin = own.origin
    packed = own.nodes.packed
    hiding: bytes | None = None
    for name in gently_sorted(packed, order_key):
        if name == origin:
            hiding = name if codes.DNAME in apex else None
            yield apex_place(origin, apex)
            continue
        plain, types = _owned(packed[name])
        if hiding is not None and name.endswith(hiding) and is_below(name, hiding):
            yield Place(name, plain, (), (), is_shown=False)
            continue
        hiding = None
        if not HIDING.isdisjoint(types):
            hiding = name
        yield _shown(name, plain, types)


def apex_place(origin: bytes, apex: Mapping[int, RRset]) -> Place:
    """Return the apex, which has the sets of ``apex``."""
    plain = b"".join(
        pack(rdtype, rrset.ttl_s, 0, rdata)
        for rdtype, rrset in apex.items()
        if rdtype != codes.SOA
        for rdata in rrset.rdatas
    )
    types = tuple(sorted(apex))
    signed = tuple(rdtype for rdtype in types if rdtype != codes.SOA)
    return Place(origin, plain, types, signed, is_shown=True)


def place_at(own: Zone, name: bytes) -> Place:
    """Return one name of ``own`` below its apex; cost: a look at those above it."""
    plain, types = _owned(own.nodes.packed[name])
    for offset in label_offsets(name)[1:]:
        above = name[offset:]
        if len(above) <= len(own.origin):
            break
        hides = {record[0] for record in walk(own.nodes.packed.get(above, b""))}
        if not HIDING.isdisjoint(hides):
            return Place(name, plain, (), (), is_shown=False)
    if codes.DNAME in own.apex:
        return Place(name, plain, (), (), is_shown=False)
    return _shown(name, plain, types)


def _shown(name: bytes, plain: bytes, types: tuple[int, ...]) -> Place:
    if codes.NS not in types:
        return Place(name, plain, types, types, is_shown=True)
    has_ds = codes.DS in types
    signed = (codes.DS,) if has_ds else ()
    # RFC 4035 §2.3: of a cut, the parent tells NS and DS.
    return Place(
        name,
        plain,
        (codes.NS, *signed),
        signed,
        is_shown=True,
        is_unsigned_cut=not has_ds,
    )


def _owned(records: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return ``records`` without what signing makes, and their types."""
    types = {record[0] for record in walk(records)}
    if types.isdisjoint(MADE):
        return records, tuple(sorted(types))
    kept = b"".join(pack(*each) for each in walk(records) if each[0] not in MADE)
    return kept, tuple(sorted(types - MADE))


def denial_ttl_s(own: Zone) -> int:
    """Return the TTL of NSEC and NSEC3 records (RFC 9077 §3)."""
    return own.negative_soa.ttl_s


class _Bitmaps:
    """Type bitmaps: a zone has few different ones."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], bytes] = {}

    def of(self, types: tuple[int, ...]) -> bytes:
        found = self._known.get(types)
        if found is None:
            found = self._known[types] = bitmap_of(types)
        return found


class Ordered:
    """Links names of ``own`` by NSEC."""

    def __init__(self, own: Zone) -> None:
        self._bitmaps = _Bitmaps()
        self._ttl_s = denial_ttl_s(own)
        self._letters = own.nodes.written

    def link(self, place: Place, following: bytes) -> Link:
        """Return ``place`` with an NSEC record that leads to ``following``."""
        types = (*place.types, codes.RRSIG, codes.NSEC)
        rdata = self._letters.get(following, following) + self._bitmaps.of(types)
        extra = pack(codes.NSEC, self._ttl_s, 0, rdata)
        return Link(place.name, place.plain, extra, (*place.signed, codes.NSEC))


def is_ordered(place: Place, origin: bytes) -> bool:
    """Return whether a name has an NSEC record."""
    return place.is_shown and (bool(place.plain) or place.name == origin)


def hashed_types(place: Place, origin: bytes) -> tuple[int, ...]:
    """Return what an NSEC3 record says of a name."""
    signs = bool(place.signed) or place.name == origin
    return (*place.types, codes.RRSIG) if signs else place.types


def hashed_owner(digest: bytes, origin: bytes) -> bytes:
    """Return where the NSEC3 record of a name stands."""
    label = base64.b32hexencode(digest).lower()
    return bytes((len(label),)) + label + origin


def _ordered(own: Zone, places: Iterator[Place]) -> Iterator[Link]:
    """Link by NSEC: each name that has records to the next."""
    link = Ordered(own).link
    waiting: Place | None = None
    for place in places:
        if not is_ordered(place, own.origin):
            yield Link(place.name, place.plain, b"", ())
            continue
        if waiting is not None:
            yield link(waiting, place.name)
        waiting = place
    if waiting is not None:
        yield link(waiting, own.origin)


def _hashed(own: Zone, places: Iterator[Place], *, opt_out: bool) -> Iterator[Link]:
    """Link by NSEC3: the hashes of all names, empty non-terminals included."""
    bitmaps = _Bitmaps()
    found = empty(len(own.nodes))
    for place in places:
        yield Link(place.name, place.plain, b"", place.signed)
        if not place.is_shown or (opt_out and place.is_unsigned_cut):
            continue
        types = hashed_types(place, own.origin)
        digest = hashlib.sha1(place.name, usedforsecurity=False).digest()
        if digest in found:
            raise HashCollisionError(f"two names of {to_text(own.origin)} collide")
        found[digest] = bitmaps.of(types)
    head = bytes((SHA1, OPT_OUT if opt_out else 0, 0, 0, 0, DIGEST_OCTETS))
    ttl_s = denial_ttl_s(own)
    first: bytes | None = None
    waiting = b""
    for digest in gently_sorted(found):
        if first is None:
            first = digest
        else:
            yield _hashed_link(own, waiting, head + digest + found[waiting], ttl_s)
        waiting = digest
    if first is not None:
        yield _hashed_link(own, waiting, head + first + found[waiting], ttl_s)
    take_apart(found)


def _hashed_link(own: Zone, digest: bytes, rdata: bytes, ttl_s: int) -> Link:
    name = hashed_owner(digest, own.origin)
    return Link(name, pack(codes.NSEC3, ttl_s, 0, rdata), b"", (codes.NSEC3,))
