"""DNS64: IPv6 addresses for names that only have IPv4 ones.

For networks without IPv4 whose router translates (NAT64): what the router takes to be
the IPv4 Internet is a prefix, and the address in it is made here.
Source: RFC 6147 §5 (synthesis), RFC 6052 §2 (addresses in a prefix).
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import dns.name
import dns.rdatatype
import dns.reversename
import dns.rrset

from pabal.base.errors import OperatorError
from pabal.dns.ports import Resolved, Resolver, Security, Steps
from pabal.dns.resolver.scrub import alias_target

PREFIX_LENGTHS: Final = (32, 40, 48, 56, 64, 96)
"""RFC 6052 §2.2: what a prefix may have; bits 64 to 71 of the address stay zero."""

MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
"""Addresses that are none of IPv6 (RFC 6147 §5.1.4: excluded)."""

NO_SOA_TTL_S: Final = 600
"""Longest TTL if the absence of AAAA came without SOA (RFC 6147 §5.1.7)."""

_RESERVED_OCTET: Final = 8
_NIBBLES_OF_ADDRESS: Final = 32

A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


def read_prefix(text: str) -> ipaddress.IPv6Network:
    """Return the prefix ``text`` means, like ``64:ff9b::/96``.

    Raises:
        OperatorError: It is none.
    """
    try:
        prefix = ipaddress.IPv6Network(text)
    except ValueError as error:
        raise OperatorError(f"{text!r} is no IPv6 prefix: {error}") from error
    if prefix.prefixlen not in PREFIX_LENGTHS:
        lengths = ", ".join(map(str, PREFIX_LENGTHS))
        raise OperatorError(f"the length of {text!r} is none of {lengths}.")
    return prefix


def embed(
    prefix: ipaddress.IPv6Network, address: ipaddress.IPv4Address
) -> ipaddress.IPv6Address:
    """Return ``address`` in ``prefix`` (RFC 6052 §2.2)."""
    octets = bytearray(prefix.network_address.packed)
    place = prefix.prefixlen // 8
    for octet in address.packed:
        if place == _RESERVED_OCTET:
            place += 1
        octets[place] = octet
        place += 1
    return ipaddress.IPv6Address(bytes(octets))


def extract(
    prefix: ipaddress.IPv6Network, address: ipaddress.IPv6Address
) -> ipaddress.IPv4Address:
    """Return the address that ``embed`` put into ``prefix``."""
    places = [i for i in range(16) if i != _RESERVED_OCTET]
    octets = [address.packed[i] for i in places if i >= prefix.prefixlen // 8]
    return ipaddress.IPv4Address(bytes(octets[:4]))


class Dns64Resolver:
    """Implements ``pabal.dns.ports.Resolver``.

    Deviates from RFC 6147 §5.5 (SHOULD): whether a client that wants DNSSEC data and
    no checking (DO and CD) synthesises by itself is seen by CD alone.
    """

    def __init__(self, resolver: Resolver, prefix: ipaddress.IPv6Network) -> None:
        self._resolver = resolver
        self._prefix = prefix

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        """Return the answer for absolute ``name``, made out of others if need be.

        Raises:
            ResolutionError: No server gave a usable answer in time, or it is bogus.
        """
        if rdtype == dns.rdatatype.PTR and not unchecked:
            alias = self._reverse(name)
            if alias is not None:
                return await self._follow(alias, steps)
        found = await self._resolver.resolve(name, rdtype, steps, unchecked=unchecked)
        if rdtype != AAAA or unchecked or found.rcode or _has_ipv6(found):
            return found
        other = await self._resolver.resolve(name, A, steps)
        made = self._made(other.answer, _ttl_max_s(found))
        if made is None:
            return found
        return Resolved(0, made, security=Security.INDETERMINATE, errors=other.errors)

    def _made(
        self, answer: Sequence[dns.rrset.RRset], ttl_max_s: int
    ) -> tuple[dns.rrset.RRset, ...] | None:
        """Return ``answer`` with its last set, of A records, as AAAA records."""
        if not answer or answer[-1].rdtype != A:
            return None
        last = answer[-1]
        texts = [
            str(embed(self._prefix, ipaddress.IPv4Address(rdata.to_text())))
            for rdata in last
        ]
        ttl_s = min(last.ttl, ttl_max_s)
        return (*answer[:-1], dns.rrset.from_text(last.name, ttl_s, "IN", AAAA, *texts))

    def _reverse(self, name: dns.name.Name) -> dns.rrset.RRset | None:
        """Return the alias from an address in the prefix to the one in it (§5.3.1)."""
        if len(name) != _NIBBLES_OF_ADDRESS + 3 or not name.is_subdomain(
            dns.reversename.ipv6_reverse_domain
        ):
            return None
        nibbles = b"".join(reversed(name.labels[:_NIBBLES_OF_ADDRESS])).decode("latin1")
        try:
            address = ipaddress.IPv6Address(int(nibbles, 16))
        except ValueError:
            return None
        if len(nibbles) != _NIBBLES_OF_ADDRESS or address not in self._prefix:
            return None
        target = dns.reversename.from_address(str(extract(self._prefix, address)))
        return dns.rrset.from_text(name, NO_SOA_TTL_S, "IN", "CNAME", str(target))

    async def _follow(self, alias: dns.rrset.RRset, steps: Steps | None) -> Resolved:
        target = alias_target(alias)
        assert target is not None  # noqa: S101 - made above
        rest = await self._resolver.resolve(target, dns.rdatatype.PTR, steps)
        return replace(
            rest,
            answer=(alias, *rest.answer),
            security=Security.INDETERMINATE,
            signatures=(),
            proofs=(),
        )


def _has_ipv6(found: Resolved) -> bool:
    return any(
        ipaddress.IPv6Address(rdata.to_text()) not in MAPPED
        for rrset in found.answer
        if rrset.rdtype == AAAA
        for rdata in rrset
    )


def _ttl_max_s(found: Resolved) -> int:
    return min((soa.ttl for soa in found.authority), default=NO_SOA_TTL_S)
