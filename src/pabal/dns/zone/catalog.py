"""Catalog zones: lists of zones, in a zone.

Sans-IO. Source: RFC 9432 §4.1 (SOA and NS), §4.2 (version), §4.3.1 (members),
§4.3.2 (change of ownership, groups), §5.1 (what is broken is not used).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import dns.exception
import dns.name

from pabal.base.errors import OperatorError, ProtocolError
from pabal.dns.wire import codes
from pabal.dns.wire.name import is_below, label_offsets
from pabal.dns.wire.rrset import RRset, name_octets
from pabal.dns.zone.packed import NOTHING
from pabal.dns.zone.tree import Zone, build_zone

_VERSION: Final = b"\x07version"
_ZONES: Final = b"\x05zones"
_OWNERSHIP: Final = b"\x03coo"
_GROUP: Final = b"\x05group"
_TEXT_TWO: Final = b"\x012"
"""``"2"``, the version that RFC 9432 §4.2.1 describes, as the RDATA of a TXT record."""

_NOBODY: Final = b"\x07invalid\x00"
"""The name server of a zone nobody is to ask (RFC 9432 §4.1)."""

_TIMERS: Final = (3600, 600, 2_147_483_646, 0)
"""Refresh, retry, expire, minimum of our catalog, seconds: the members of one that
expires would go (RFC 9432 §4.1 shows nearly these)."""

_MEMBERS_MAX: Final = 1_000_000
"""A longer list is no list of zones that this machine could hold."""

GROUPS_MAX: Final = 16
"""Groups of one member that are looked at: nobody has more to tell apart."""

GROUP_MAX_OCTETS: Final = 255
"""Longest name of a group: it is one string of a TXT record."""

_ID_OCTETS: Final = 16
"""Of the hash that a member's label is made of."""


NO_GROUPS: Final[Mapping[bytes, Sequence[bytes]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Listing:
    """A catalog of our own zones.

    Attributes:
        name: The catalog's, folded; empty: there is none.
        groups: Those of its members, by folded name.
    """

    name: bytes
    groups: Mapping[bytes, Sequence[bytes]]


NOT_LISTED: Final = Listing(b"", NO_GROUPS)


class CatalogError(ProtocolError):
    """A catalog zone is broken: what was known of it before stays (RFC 9432 §5.1)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One zone of a catalog.

    Attributes:
        label: Its unique label, folded; another one means that it begins anew.
        new_owner: The catalog, folded, that it is handed over to; empty: none.
        groups: What it is in, sorted; their meaning is the follower's.
    """

    label: bytes
    new_owner: bytes
    groups: tuple[bytes, ...] = ()


def read_catalog(zone: Zone) -> Mapping[bytes, Member]:
    """Return the members of catalog ``zone`` by folded name.

    Raises:
        CatalogError: It is no catalog of version 2, or lists a zone twice.
    """
    origin = zone.origin
    version = zone.nodes.get(_VERSION + origin, NOTHING).get(codes.TXT)
    if version is None or version.rdatas != (_TEXT_TWO,):
        raise CatalogError("its version is not 2")
    below = _ZONES + origin
    found: dict[bytes, Member] = {}
    for name in zone.nodes.packed:
        if not name.endswith(below) or len(label_offsets(name)) != _depth(below) + 1:
            continue
        pointer = zone.nodes[name].get(codes.PTR)
        if pointer is None:
            continue
        if len(pointer.rdatas) != 1:
            raise CatalogError("one label has several members")
        member = pointer.rdatas[0].lower()
        if member in found or len(found) >= _MEMBERS_MAX:
            raise CatalogError("a member is listed twice, or there are too many")
        handed = zone.nodes.get(_OWNERSHIP + name, NOTHING).get(codes.PTR)
        new_owner = b""
        if handed is not None and len(handed.rdatas) == 1:
            new_owner = handed.rdatas[0].lower()
        groups = _groups(zone.nodes.get(_GROUP + name, NOTHING).get(codes.TXT))
        found[member] = Member(name[: -len(below)], new_owner, groups)
    return {name: each for name, each in found.items() if not is_below(name, origin)}


def _groups(texts: RRset | None) -> tuple[bytes, ...]:
    """Return the groups that TXT records say, a single string each."""
    if texts is None:
        return ()
    single = (rdata for rdata in texts.rdatas if len(rdata) == 1 + rdata[0])
    return tuple(sorted(rdata[1:] for rdata in single)[:GROUPS_MAX])


def _depth(name: bytes) -> int:
    return len(label_offsets(name))


def read_groups(texts: Iterable[str]) -> Mapping[bytes, Sequence[bytes]]:
    """Return the groups of ``ZONE GROUP`` each, by folded name.

    Raises:
        OperatorError: One is of another form.
    """
    found: dict[bytes, list[bytes]] = {}
    for text in texts:
        words = text.split()
        try:
            name, group = dns.name.from_text(words[0]), words[1].encode()
        except (dns.exception.DNSException, IndexError, UnicodeError) as error:
            raise OperatorError(f"{text!r} is not a zone and its group.") from error
        if len(words) > 2 or len(group) > GROUP_MAX_OCTETS:
            reason = f"{text!r} is more than a zone and its group."
            raise OperatorError(reason, "Write ZONE GROUP.")
        found.setdefault(name_octets(name).lower(), []).append(group)
    return {name: sorted(set(groups)) for name, groups in found.items()}


def build_catalog(
    origin: bytes,
    hostname: bytes,
    members: Iterable[bytes],
    groups: Mapping[bytes, Sequence[bytes]] = NO_GROUPS,
) -> Zone:
    """Return a catalog that lists ``members``, serial number 1.

    A member's label follows from its name, so that it stays.

    Args:
        origin: Its folded name.
        hostname: Folded name of this server, for the SOA.
        members: Folded names.
        groups: What members are in, by folded name.
    """
    timers = b"".join(timer.to_bytes(4, "big") for timer in (1, *_TIMERS))
    soa = hostname + b"\x0ahostmaster" + hostname + timers
    rrsets = [
        RRset(origin, codes.SOA, 0, (soa,)),
        RRset(origin, codes.NS, 0, (_NOBODY,)),
        RRset(_VERSION + origin, codes.TXT, 0, (_TEXT_TWO,)),
    ]
    for member in members:
        digest = hashlib.blake2b(member, digest_size=_ID_OCTETS).hexdigest().encode()
        owner = bytes((len(digest),)) + digest + _ZONES + origin
        rrsets.append(RRset(owner, codes.PTR, 0, (member,)))
        if member in groups:
            texts = tuple(bytes((len(each),)) + each for each in groups[member])
            rrsets.append(RRset(_GROUP + owner, codes.TXT, 0, texts))
    return build_zone(origin, rrsets)
