"""A zone as an immutable tree of names.

Sans-IO. The tree is one dict from folded wire name to the rrsets there, with every
empty non-terminal present, so that a walk down the labels is a few look-ups.

Source: RFC 1034 §4.2 (zones, cuts), RFC 4592 §2.2 (empty non-terminals), RFC 2308 §3
(the TTL of a negative answer).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pabal.base.errors import PabalError
from pabal.dns.wire import codes
from pabal.dns.wire.name import label_offsets
from pabal.dns.wire.rrset import RRset

Rrsets = Mapping[int, RRset]
"""What one name has, by type."""

_NOTHING: Final[Rrsets] = {}


class ZoneBuildError(PabalError):
    """The records do not make a zone: no SOA at the apex."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone; replaced whole, never changed.

    Attributes:
        origin: Folded wire name of the apex.
        nodes: Folded wire name → rrsets by type; empty non-terminals map to nothing.
        soa: The SOA as asked for by name.
        negative_soa: The SOA as it stands in negative answers, TTL by RFC 2308 §3.
        derived: The (folded owner, type) of rrsets that no file holds.
    """

    origin: bytes
    nodes: Mapping[bytes, Rrsets]
    soa: RRset
    negative_soa: RRset
    derived: frozenset[tuple[bytes, int]] = frozenset()

    @property
    def serial(self) -> int:
        """The serial number of the SOA (RFC 1035 §3.3.13)."""
        return int.from_bytes(self.soa.rdatas[0][-20:-16], "big")

    def is_derived(self, rrset: RRset) -> bool:
        """Return whether ``rrset`` follows from the directory, not from a file."""
        return (rrset.owner.lower(), rrset.rdtype) in self.derived


def build_zone(
    origin: bytes,
    rrsets: Iterable[RRset],
    derived: frozenset[tuple[bytes, int]] = frozenset(),
) -> Zone:
    """Return the zone of folded ``origin`` made of ``rrsets``, all at or below it.

    Raises:
        ZoneBuildError: There is no SOA at the apex.
    """
    nodes: dict[bytes, dict[int, RRset]] = {}
    for rrset in rrsets:
        nodes.setdefault(rrset.owner.lower(), {})[rrset.rdtype] = rrset
    soa = nodes.get(origin, {}).get(codes.SOA)
    if soa is None:
        raise ZoneBuildError("no SOA at the apex")
    tree: dict[bytes, Rrsets] = dict(nodes)
    for name in nodes:
        _add_empty_non_terminals(tree, name, len(origin))
    minimum = int.from_bytes(soa.rdatas[0][-4:], "big")
    negative = replace(soa, ttl_s=min(soa.ttl_s, minimum))
    return Zone(origin, tree, soa, negative, derived)


def _add_empty_non_terminals(
    tree: dict[bytes, Rrsets], name: bytes, origin_octets: int
) -> None:
    """Add the names between ``name`` and the apex that have no records themselves."""
    for offset in label_offsets(name)[1:]:
        above = name[offset:]
        if len(above) <= origin_octets or above in tree:
            return
        tree[above] = _NOTHING
