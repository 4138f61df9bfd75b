"""Which names of a signed zone a change touches: those changed, and their neighbours.

Sans-IO, pure. What a full look at the zone would make, made from what was there before.
Cost: comparing references of all names, and what the change itself costs.
Source: RFC 4035 §2.3 and RFC 5155 §7.1 (chains), as in ``pabal.dns.zone.linking``.
"""

import base64
import bisect
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pabal.dns.dnssec.bitmap import bitmap_of
from pabal.dns.dnssec.nsec3 import DIGEST_OCTETS, SHA1
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.denial import order_key
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
from pabal.dns.zone.packed import pack, walk
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
        behind: New names of the chain, in order, by the old one they stand behind.
        first: New names of the chain that stand before all old ones.
    """

    links: list[Link] = field(default_factory=list)
    gone: set[bytes] = field(default_factory=set)
    behind: dict[bytes, list[bytes]] = field(default_factory=dict)
    first: list[bytes] = field(default_factory=list)


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
        or own.nodes.written != old.nodes.written
        or (codes.DNAME in own.apex) != (codes.DNAME in old.apex)
    ):
        return None
    now, then = own.nodes.packed, old.nodes.packed
    touched = {n for n, r in now.items() if then.get(n) is not r and then.get(n) != r}
    vanished = {n for n in then if n not in now}
    if len(touched) + len(vanished) > TOUCHED_MAX:
        return None
    touched.discard(own.origin)
    for name in touched | vanished:
        types = {r[0] for at in (now, then) for r in walk(at.get(name, b""))}
        if not types.isdisjoint(HIDING):
            return None  # what is below comes or goes with it
    places = [apex_place(own.origin, apex)]
    places += [place_at(own, name) for name in sorted(touched)]
    work = _Chain(own, before)
    if kind.nsec3:
        return work.hashed(places, vanished, then)
    return work.ordered(places, vanished, apex)


class _Chain:
    """The chain of a zone, changed."""

    def __init__(self, own: Zone, before: Zone) -> None:
        self._own = own
        self._before = before
        old_owners, old_keys = before.denial.order if before.denial else ((), ())
        self._old = old_owners, old_keys
        self._owners, self._keys = list(old_owners), list(old_keys)
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
        for name in (self._stale | linked.keys()) & self._present():
            place = linked.get(name) or (
                apex_place(origin, apex)
                if name == origin
                else place_at(self._own, name)
            )
            made.links.append(chain.link(place, self._following(name)))
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
        for name in (self._stale | bitmaps.keys()) & self._present():
            bitmap = bitmaps.get(name)
            if bitmap is None:
                rdata = self._before.nodes[name][codes.NSEC3].rdatas[0]
                bitmap = rdata[_NEXT.stop :]
            following = self._following(name)
            digest = _digest(following)
            plain = pack(codes.NSEC3, ttl_s, 0, _HEAD + digest + bitmap)
            made.links.append(Link(name, plain, b"", (codes.NSEC3,)))
        return made

    def _hash(self, name: bytes) -> bytes:
        digest = hashlib.sha1(name, usedforsecurity=False).digest()
        return hashed_owner(digest, self._own.origin)

    def _add(self, name: bytes) -> None:
        """Put ``name`` into the chain, if it is not there."""
        key = order_key(name)
        place = bisect.bisect_left(self._keys, key)
        if place < len(self._keys) and self._keys[place] == key:
            return
        self._keys.insert(place, key)
        self._owners.insert(place, name)
        self._stale.add(self._owners[place - 1])
        owners, keys = self._old
        behind = bisect.bisect_left(keys, key) - 1
        line = self._made.behind.setdefault(owners[behind], []) if behind >= 0 else None
        line = self._made.first if line is None else line
        bisect.insort(line, name, key=order_key)

    def _drop(self, name: bytes) -> None:
        """Take ``name`` out of the chain, if it is there."""
        key = order_key(name)
        place = bisect.bisect_left(self._keys, key)
        if place < len(self._keys) and self._keys[place] == key:
            del self._keys[place], self._owners[place]
            if self._owners:
                self._stale.add(self._owners[place - 1])

    def _present(self) -> set[bytes]:
        """Return those that may have to be linked anew and are in the chain."""
        return set(self._owners)

    def _following(self, name: bytes) -> bytes:
        place = bisect.bisect_left(self._keys, order_key(name))
        return self._owners[(place + 1) % len(self._owners)]


def _digest(owner: bytes) -> bytes:
    """Return the hash that ``owner`` of an NSEC3 record is called by."""
    return base64.b32hexdecode(owner[1 : 1 + owner[0]].upper())
