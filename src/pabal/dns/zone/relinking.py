"""Which names of a signed zone a change touches: those changed, and their neighbours.

Sans-IO, pure. What a full look at the zone would make, made from what was there before.
Cost: what the change itself costs, and comparing the parts of the zone it touches.
Source: RFC 4035 §2.3 and RFC 5155 §7.1 (chains), as in ``pabal.dns.zone.linking``.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pabal.dns.dnssec.bitmap import bitmap_of
from pabal.dns.dnssec.nsec3 import DIGEST_OCTETS, SHA1
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.linking import (
    HIDING,
    Kind,
    Link,
    Ordered,
    Place,
    apex_place,
    denial_ttl_s,
    hashed_owner,
    hashed_types,
    is_ordered,
    place_at,
)
from pabal.dns.zone.order import Order
from pabal.dns.zone.packed import pack, walk
from pabal.dns.zone.shards import differing
from pabal.dns.zone.tree import Zone

TOUCHED_MAX: Final = 2_000
"""Names; with more a look at all of them costs little more."""

_HEAD: Final = bytes((SHA1, 0, 0, 0, 0, DIGEST_OCTETS))
"""NSEC3 without flags, iterations and salt (RFC 9276 §3.1)."""

_NEXT: Final = slice(len(_HEAD), len(_HEAD) + DIGEST_OCTETS)


@dataclass(frozen=True, slots=True)
class Relinked:
    """What a change does to a signed zone.

    Attributes:
        links: Names that are to be looked at.
        gone: Names that are no longer there.
    """

    links: list[Link] = field(default_factory=list)
    gone: set[bytes] = field(default_factory=set)


def relink(
    own: Zone, old: Zone, before: Zone, apex: Mapping[int, RRset], kind: Kind
) -> Relinked | None:
    """Return what leads from ``before`` to the signed zone of ``own``.

    Args:
        old: What ``before`` is the signed zone of, in the same kind.
        apex: What the apex has, in place of what ``own`` has there.

    Returns:
        ``None``: everything has to be looked at.
    """
    if (
        kind.opt_out
        or before.denial is None
        or denial_ttl_s(own) != denial_ttl_s(old)
        or any(differing(own.nodes.written, old.nodes.written))
        or (codes.DNAME in own.apex) != (codes.DNAME in old.apex)
    ):
        return None
    now, then = own.nodes.packed, old.nodes.packed
    changed = set(islice(differing(now, then), TOUCHED_MAX + 1))
    if len(changed) > TOUCHED_MAX:
        return None
    touched = {name for name in changed if name in now and name != own.origin}
    vanished = {name for name in changed if name not in now}
    for name in touched | vanished:
        types = {r[0] for at in (now, then) for r in walk(at.get(name, b""))}
        if not types.isdisjoint(HIDING):
            return None  # what is below comes or goes with it
    places = [apex_place(own.origin, apex)]
    places += [place_at(own, name) for name in sorted(touched)]
    work = _Chain(own, before, before.denial.order)
    if kind.nsec3:
        return work.hashed(places, vanished, then)
    return work.ordered(places, vanished, apex)


class _Chain:
    """The chain of a zone, changed."""

    def __init__(self, own: Zone, before: Zone, order: Order) -> None:
        self._own = own
        self._before = before
        self._order = order.copy()
        self._stale: set[bytes] = set()
        self._made = Relinked()

    def ordered(
        self, places: list[Place], vanished: set[bytes], apex: Mapping[int, RRset]
    ) -> Relinked:
        """Change an NSEC chain."""
        origin, made = self._own.origin, self._made
        linked: dict[bytes, Place] = {}
        for place in places:
            if is_ordered(place, origin):
                linked[place.name] = place
                self._add(place.name)
            else:
                self._drop(place.name)
                made.links.append(Link(place.name, place.plain, b"", ()))
        made.gone.update(vanished)
        for name in vanished:
            self._drop(name)
        chain = Ordered(self._own)
        for name in self._present(self._stale | linked.keys()):
            place = linked.get(name) or (
                apex_place(origin, apex)
                if name == origin
                else place_at(self._own, name)
            )
            made.links.append(chain.link(place, self._order.after(name)))
        return made

    def hashed(
        self, places: list[Place], vanished: set[bytes], then: Mapping[bytes, bytes]
    ) -> Relinked | None:
        """Change an NSEC3 chain."""
        origin, made = self._own.origin, self._made
        bitmaps: dict[bytes, bytes] = {}
        made.gone.update(vanished)
        for name in vanished:
            hashed = self._hash(name)
            self._drop(hashed)
            made.gone.add(hashed)
        for place in places:
            made.links.append(Link(place.name, place.plain, b"", place.signed))
            hashed = self._hash(place.name)
            if not place.is_shown:
                continue
            if place.name not in then and hashed in self._before.nodes.packed:
                return None  # two names with one hash, or a name that looks like one
            bitmaps[hashed] = bitmap_of(hashed_types(place, origin))
            self._add(hashed)
        ttl_s = denial_ttl_s(self._own)
        for name in self._present(self._stale | bitmaps.keys()):
            bitmap = bitmaps.get(name)
            if bitmap is None:
                rdata = self._before.nodes[name][codes.NSEC3].rdatas[0]
                bitmap = rdata[_NEXT.stop :]
            following = self._order.after(name)
            digest = _digest(following)
            plain = pack(codes.NSEC3, ttl_s, 0, _HEAD + digest + bitmap)
            made.links.append(Link(name, plain, b"", (codes.NSEC3,)))
        return made

    def _hash(self, name: bytes) -> bytes:
        digest = hashlib.sha1(name, usedforsecurity=False).digest()
        return hashed_owner(digest, self._own.origin)

    def _add(self, name: bytes) -> None:
        """Put ``name`` into the chain, if it is not there."""
        if self._order.add(name):
            self._stale.add(self._order.before(name))

    def _drop(self, name: bytes) -> None:
        """Take ``name`` out of the chain, if it is there."""
        if self._order.discard(name) and self._order.runs:
            self._stale.add(self._order.before(name))

    def _present(self, names: set[bytes]) -> set[bytes]:
        """Return those of ``names`` that are in the chain."""
        return {name for name in names if name in self._order}


def _digest(owner: bytes) -> bytes:
    """Return the hash that ``owner`` of an NSEC3 record is called by."""
    return base64.b32hexdecode(owner[1 : 1 + owner[0]].upper())
