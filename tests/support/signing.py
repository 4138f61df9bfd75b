"""Signing in dnspython's terms, for zones of tests: what must be found to be true.

Shares nothing with ``pabal.dns.zone.signing``, which works on octets, so each shows
what the other does wrong.

Sans-IO, pure: takes times as arguments and gives records back.
Cost: one signature a record set (0.03 ms P-256, 0.04 ms Ed25519) and sorting.
Source: RFC 4035 §2 (what a signed zone holds), RFC 5155 §7.1 (NSEC3), RFC 9077 §3
(TTL of NSEC), RFC 9276 §3.1 (no salt, no iterations).
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC3PARAM import NSEC3PARAM
from dns.rdtypes.ANY.RRSIG import RRSIG
from dns.rdtypes.ANY.SOA import SOA

from pabal.base.errors import LocalProtocolError
from pabal.dns.dnssec.canonical import (
    RRSIG_FIXED,
    canonical_name,
    labels_of,
    signed_data,
)
from pabal.dns.dnssec.keys import SigningKey
from pabal.dns.dnssec.nsec3 import SHA1
from pabal.dns.dnssec.record import record, rrset_of
from tests.support.chain import Node, nsec3_chain, nsec_chain

INCEPTION_SLACK_S: Final = 3600
"""Signatures begin so much earlier, for clocks that are slow."""

VALIDITY_S: Final = 14 * 86_400
"""How long signatures hold unless it is said otherwise."""

_SERIAL_BITS: Final = 0xFFFF_FFFF

_MADE: Final = frozenset(
    {
        dns.rdatatype.RRSIG,
        dns.rdatatype.NSEC,
        dns.rdatatype.NSEC3,
        dns.rdatatype.NSEC3PARAM,
    }
)
"""Made by signing: those a zone brings along are dropped."""


class ZoneContentError(LocalProtocolError):
    """Records that are no zone: no SOA at the origin, or names outside it."""


@dataclass(frozen=True, slots=True)
class Validity:
    """When signatures hold, seconds since 1970."""

    inception: int
    expiration: int

    @classmethod
    def around(cls, now: float, seconds: int = VALIDITY_S) -> "Validity":
        """Return ``seconds`` from ``now`` on, and a little before it."""
        return cls(int(now) - INCEPTION_SLACK_S, int(now) + seconds)


@dataclass(frozen=True, slots=True)
class Nsec3Parameters:
    """How names are hashed; the defaults are what RFC 9276 §3.1 asks for."""

    salt: bytes = b""
    iterations: int = 0
    opt_out: bool = False


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """What signs a zone, and how.

    Attributes:
        keys: At least one that is a KSK (``is_sep``). Those with it sign the DNSKEY
            records; those without, or the same if there are none, all else.
        validity: When the signatures hold.
        nsec3: Hashed denial; ``None``: NSEC.
    """

    keys: Sequence[SigningKey]
    validity: Validity
    nsec3: Nsec3Parameters | None = None

    def signers(self, rdtype: dns.rdatatype.RdataType) -> list[SigningKey]:
        """Return the keys that sign records of ``rdtype``."""
        sep = [key for key in self.keys if key.is_sep]
        rest = [key for key in self.keys if not key.is_sep]
        if rdtype in _BY_KSK:
            return sep or rest
        return rest or sep


_BY_KSK: Final = frozenset(
    {dns.rdatatype.DNSKEY, dns.rdatatype.CDS, dns.rdatatype.CDNSKEY}
)
"""RFC 7344 §4.1: what speaks to the parent is signed by what the parent knows."""


def sign_rrset(
    rrset: dns.rrset.RRset, zone: dns.name.Name, key: SigningKey, validity: Validity
) -> RRSIG:
    """Return the signature by ``key`` of ``zone`` over ``rrset``."""
    head = RRSIG_FIXED.pack(
        rrset.rdtype,
        key.algorithm,
        labels_of(rrset.name),
        rrset.ttl,
        validity.expiration & _SERIAL_BITS,
        validity.inception & _SERIAL_BITS,
        key.tag,
    ) + canonical_name(zone)
    bare = record(RRSIG, dns.rdatatype.RRSIG, head + b"?")
    signature = key.sign(signed_data(rrset, bare))
    return record(RRSIG, dns.rdatatype.RRSIG, head + signature)


def sign(
    rrset: dns.rrset.RRset, zone: dns.name.Name, policy: SigningPolicy
) -> dns.rrset.RRset:
    """Return the RRSIG record set for ``rrset``."""
    signatures = [
        sign_rrset(rrset, zone, key, policy.validity)
        for key in policy.signers(rrset.rdtype)
    ]
    return rrset_of(rrset.name, rrset.ttl, *signatures)


def sign_zone(
    origin: dns.name.Name, rrsets: Iterable[dns.rrset.RRset], policy: SigningPolicy
) -> list[dns.rrset.RRset]:
    """Return the records of the signed zone, in canonical order of their owners.

    DNSKEY, NSEC or NSEC3 (and NSEC3PARAM) and RRSIG records are added; those already
    there are replaced, but further DNSKEY records (of the next key, say) are kept.

    Raises:
        ZoneContentError: There is no SOA at ``origin``, or a name outside of it.
    """
    nodes = _nodes(origin, rrsets)
    ttl_s = _denial_ttl_s(nodes[origin])
    _publish(origin, nodes[origin], policy)
    _mark_cuts(origin, nodes)
    ordered = [nodes[name] for name in sorted(nodes)]
    signed: list[dns.rrset.RRset] = []
    if policy.nsec3 is None:
        chain = nsec_chain(origin, ordered, ttl_s)
    else:
        hashing = policy.nsec3
        chain = nsec3_chain(
            origin,
            ordered,
            ttl_s,
            (hashing.salt, hashing.iterations),
            opt_out=hashing.opt_out,
        )
    for node in ordered:
        for rrset in node.rrsets.values():
            signed.append(rrset)
            if node.signs(rrset.rdtype):
                signed.append(sign(rrset, origin, policy))
    for rrset in chain:
        signed += (rrset, sign(rrset, origin, policy))
    return sorted(signed, key=lambda rrset: rrset.name)


def _nodes(
    origin: dns.name.Name, rrsets: Iterable[dns.rrset.RRset]
) -> dict[dns.name.Name, Node]:
    nodes: dict[dns.name.Name, Node] = {}
    for rrset in rrsets:
        if not rrset.name.is_subdomain(origin):
            raise ZoneContentError(f"{rrset.name} is not in {origin}")
        if rrset.rdtype not in _MADE:
            node = nodes.setdefault(rrset.name, Node(rrset.name, origin))
            node.rrsets[rrset.rdtype] = rrset
    if origin not in nodes or dns.rdatatype.SOA not in nodes[origin].rrsets:
        raise ZoneContentError(f"{origin} has no SOA")
    return nodes


def _denial_ttl_s(apex: Node) -> int:
    """Return the TTL of NSEC records (RFC 9077 §3)."""
    rrset = apex.rrsets[dns.rdatatype.SOA]
    minimums = [int(rdata.minimum) for rdata in rrset if isinstance(rdata, SOA)]
    return min(rrset.ttl, *minimums)


def _publish(origin: dns.name.Name, apex: Node, policy: SigningPolicy) -> None:
    """Add the DNSKEY and NSEC3PARAM records to ``apex``."""
    soa = apex.rrsets[dns.rdatatype.SOA]
    old = apex.rrsets.get(dns.rdatatype.DNSKEY)
    keys = [key.dnskey for key in policy.keys]
    ttl_s = soa.ttl if old is None else old.ttl
    apex.rrsets[dns.rdatatype.DNSKEY] = rrset_of(origin, ttl_s, *keys, *(old or ()))
    if policy.nsec3 is not None:
        salt = policy.nsec3.salt
        # RFC 5155 §4.1.2: the opt-out flag is not set here.
        octets = struct.pack("!BBHB", SHA1, 0, policy.nsec3.iterations, len(salt))
        rdtype = dns.rdatatype.NSEC3PARAM
        apex.rrsets[rdtype] = rrset_of(
            origin, 0, record(NSEC3PARAM, rdtype, octets + salt)
        )


def _mark_cuts(origin: dns.name.Name, nodes: dict[dns.name.Name, Node]) -> None:
    """Mark the nodes that begin another zone, and those below them."""
    cuts = {
        name
        for name, node in nodes.items()
        if name != origin and dns.rdatatype.NS in node.rrsets
    }
    hiding = cuts | {
        name for name, node in nodes.items() if dns.rdatatype.DNAME in node.rrsets
    }
    if not hiding:
        return
    for name, node in nodes.items():
        node.is_cut = name in cuts
        above = name
        while above != origin and not node.is_occluded:
            above = above.parent()
            node.is_occluded = above in hiding
