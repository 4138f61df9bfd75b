"""A zone as an immutable tree of names.

Sans-IO. The tree is one dict from folded wire name to the records there, with every
empty non-terminal present, so that a walk down the labels is a few look-ups.

Source: RFC 1034 §4.2 (zones, cuts), RFC 4592 §2.2 (empty non-terminals), RFC 2308 §3
(the TTL of a negative answer).
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Final

from pabal.base.errors import PabalError
from pabal.dns.wire import codes
from pabal.dns.wire.name import label_offsets
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.denial import Denial
from pabal.dns.zone.gathering import Gathering
from pabal.dns.zone.packed import Nodes, Rrsets, has_type, pack, without_lines
from pabal.dns.zone.shards import copied, empty, own_parts, parts_of

Key = tuple[bytes, int]
"""Folded owner and type."""


class ZoneBuildError(PabalError):
    """The records do not make a zone: no SOA at the apex."""


@dataclass(frozen=True, slots=True)
class _Top:
    """What a zone is asked for most, as objects."""

    apex: Rrsets
    soa: RRset
    negative_soa: RRset


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone; replaced whole, never changed.

    Attributes:
        origin: Folded wire name of the apex, at which ``nodes`` has an SOA.
        nodes: Folded wire name → rrsets by type; empty non-terminals map to nothing.
        derived: The (folded owner, type) of rrsets that no file holds.
        denial: Finds the proofs of a signed zone; ``None`` for one that is not.
        updated: The (folded owner, type) of sets that dynamic updates have changed.
        withheld: Nobody is to see it yet: who asks for it is to come again.
        below: ``names_below``, once some name has vanished.
    """

    origin: bytes
    nodes: Nodes
    derived: frozenset[Key] = frozenset()
    denial: Denial | None = None
    updated: frozenset[Key] = frozenset()
    withheld: bool = False
    below: Mapping[bytes, bytes] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    # Made when first asked for: of a hundred thousand zones few are.
    _made: _Top | None = field(default=None, init=False, repr=False, compare=False)

    def _top(self) -> _Top:
        apex = self.nodes[self.origin]
        soa = apex[codes.SOA]
        minimum = int.from_bytes(soa.rdatas[0][-4:], "big")
        negative = RRset(soa.owner, codes.SOA, min(soa.ttl_s, minimum), soa.rdatas)
        made = _Top(apex, soa, negative)
        object.__setattr__(self, "_made", made)
        return made

    @property
    def apex(self) -> Rrsets:
        """The rrsets of the apex, which every walk begins with."""
        return (self._made or self._top()).apex

    @property
    def soa(self) -> RRset:
        """The SOA as asked for by name."""
        return (self._made or self._top()).soa

    @property
    def negative_soa(self) -> RRset:
        """The SOA as it stands in negative answers, TTL by RFC 2308 §3."""
        return (self._made or self._top()).negative_soa

    @property
    def serial(self) -> int:
        """The serial number of the SOA (RFC 1035 §3.3.13)."""
        return int.from_bytes(self.soa.rdatas[0][-20:-16], "big")

    @property
    def is_signed(self) -> bool:
        """Whether there are signatures at its apex."""
        return has_type(self.nodes.packed[self.origin], codes.RRSIG)

    def is_derived(self, rrset: RRset) -> bool:
        """Return whether ``rrset`` follows from the directory, not from a file."""
        return (rrset.owner.lower(), rrset.rdtype) in self.derived


def build_zone(
    origin: bytes,
    rrsets: Iterable[RRset],
    derived: frozenset[Key] = frozenset(),
) -> Zone:
    """Return the zone of folded ``origin`` made of ``rrsets``, all at or below it.

    Raises:
        ZoneBuildError: There is no SOA at the apex.
    """
    gathering = Gathering()
    for rrset in rrsets:
        for rdata in rrset.rdatas:
            gathering.add(rrset.owner, rrset.rdtype, rrset.ttl_s, 0, rdata)
    gathering.settle()
    return build_packed(origin, gathering.nodes, gathering.letters, derived)


def build_packed(
    origin: bytes,
    nodes: MutableMapping[bytes, bytes],
    letters: Mapping[bytes, bytes],
    derived: frozenset[Key] = frozenset(),
) -> Zone:
    """Return the zone of folded ``origin`` made of ``nodes``, which it takes over.

    Args:
        nodes: Folded owner → its records, packed and settled, all at or below origin.
        letters: Folded owner → the owner as written, where that differs.

    Raises:
        ZoneBuildError: There is no SOA at the apex.
    """
    top = len(origin) + 1
    for part in own_parts(nodes):
        for name in list(part):
            part[name] = without_lines(part[name])
            # The name above is the apex, or there, or it has to be made.
            if len(name) - name[0] > top and name[name[0] + 1 :] not in nodes:
                add_empty_non_terminals(nodes, name, len(origin))
    return _finished(origin, Nodes(nodes, letters), derived)


def _finished(
    origin: bytes,
    tree: Nodes,
    derived: frozenset[Key],
    before: Denial | None = None,
    names: Iterable[bytes] = (),
) -> Zone:
    """Return the zone of ``tree``, which has other records at ``names`` than before."""
    octets = tree.packed.get(origin, b"")
    if not has_type(octets, codes.SOA):
        raise ZoneBuildError("no SOA at the apex")
    denial = None
    if has_type(octets, codes.RRSIG):
        apex = tree[origin]
        if not (codes.NSEC in apex or codes.NSEC3PARAM in apex):
            pass  # signatures that prove nothing
        elif before is None:
            denial = Denial(origin, tree, apex)
        else:
            denial = before.after(tree, apex, names)
    return Zone(origin, tree, derived, denial)


def changed(zone: Zone, names: Mapping[bytes, Rrsets], updated: frozenset[Key]) -> Zone:
    """Return ``zone`` with other records at some names.

    Cost: what changes, and parts of the zone around it (``shards``); linear in the
    names of the zone where some vanish for the first time.

    Args:
        names: Folded owner → all rrsets it has now; none: the name goes.
        updated: That of the new zone.

    Raises:
        ZoneBuildError: The apex has no SOA left.
    """
    nodes = copied(zone.nodes.packed)
    spelt = {
        name: next((rrset.owner for rrset in rrsets.values()), name)
        for name, rrsets in names.items()
    }
    fresh = {
        name: b"".join(
            pack(rrset.rdtype, rrset.ttl_s, 0, rdata)
            for rrset in rrsets.values()
            for rdata in rrset.rdatas
        )
        for name, rrsets in names.items()
    }
    below = None if zone.below is None else copied(zone.below)
    emptied = [name for name, octets in fresh.items() if not octets and name in nodes]
    if emptied and below is None:
        below = names_below(nodes, zone.origin)
    for name, octets in fresh.items():
        if octets:
            _put(nodes, below, name, octets, zone.origin)
    if below is not None:
        for name in emptied:
            _take_out(nodes, below, name, zone.origin)
    tree = Nodes(nodes, respelt(zone.nodes.written, spelt))
    made = _finished(zone.origin, tree, zone.derived, zone.denial, names)
    made = replace(made, updated=updated)
    object.__setattr__(made, "below", below)
    return made


_COUNT_OCTETS: Final = 4
_ONE: Final = (1).to_bytes(_COUNT_OCTETS, "big")


def names_below(
    nodes: Mapping[bytes, bytes], origin: bytes
) -> MutableMapping[bytes, bytes]:
    """Return how many names stand right below each name, where there are any.

    As octets, for they are kept as names are; without the apex.
    """
    counts = empty(len(nodes))
    for part in parts_of(nodes):
        for name in part:
            _count(counts, name, 1, origin)
    return counts


def _count(
    below: MutableMapping[bytes, bytes], name: bytes, step: int, origin: bytes
) -> None:
    """Count ``name`` at the name above, up or down."""
    above = name[name[0] + 1 :]
    if len(above) <= len(origin):
        return
    before = below.get(above)
    if before is None:
        below[above] = _ONE
        return
    count = int.from_bytes(before, "big") + step
    if count:
        below[above] = count.to_bytes(_COUNT_OCTETS, "big")
    else:
        del below[above]


def _put(
    nodes: MutableMapping[bytes, bytes],
    below: MutableMapping[bytes, bytes] | None,
    name: bytes,
    octets: bytes,
    origin: bytes,
) -> None:
    """Put a name with records in place, and the empty names above it."""
    is_new = name not in nodes
    nodes[name] = octets
    while is_new and name != origin:
        if below is not None:
            _count(below, name, 1, origin)
        name = name[name[0] + 1 :]
        is_new = name not in nodes
        if is_new:
            nodes[name] = b""


def _take_out(
    nodes: MutableMapping[bytes, bytes],
    below: MutableMapping[bytes, bytes],
    name: bytes,
    origin: bytes,
) -> None:
    """Empty a name; it goes, and empty names above, where there is no name below."""
    if name not in nodes:
        return  # it went with the last name below it, and was counted then
    nodes[name] = b""
    while name != origin and not nodes[name] and name not in below:
        del nodes[name]
        _count(below, name, -1, origin)
        name = name[name[0] + 1 :]


def respelt(
    letters: Mapping[bytes, bytes], spelt: Mapping[bytes, bytes]
) -> Mapping[bytes, bytes]:
    """Return ``letters`` with some names as they are ``spelt`` now; itself if they are.

    Args:
        spelt: Folded owner → the owner as written, which may be the same.
    """
    others = [name for name, owner in spelt.items() if letters.get(name, name) != owner]
    if not others:
        return letters
    made = copied(letters)
    for name in others:
        made[name] = spelt[name]
        if spelt[name] == name:
            del made[name]
    return made


def add_empty_non_terminals(
    nodes: MutableMapping[bytes, bytes], name: bytes, origin_octets: int
) -> None:
    """Add the names between ``name`` and the apex that have no records themselves."""
    for offset in label_offsets(name)[1:]:
        above = name[offset:]
        if len(above) <= origin_octets or above in nodes:
            return
        nodes[above] = b""
