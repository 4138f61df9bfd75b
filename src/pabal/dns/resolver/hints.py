"""Where resolution starts: the root servers, or those the operator names.

Sans-IO: reads text, opens nothing.
Source: RFC 9609 §2 (root hints); addresses: www.internic.net/domain/named.root.
RFC 6890 (addresses that are nobody's).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rdtypes.nsbase
import dns.zonefile
from typing_extensions import override

from pabal.base.errors import OperatorError

DNS_PORT: Final = 53
"""Where name servers listen (RFC 1035 §4.2)."""


@dataclass(frozen=True, slots=True)
class Server:
    """One address of one name server.

    Attributes:
        name: Its host name as in the NS record, for people; may be empty.
        address: IPv4 or IPv6 address, presentation form.
        port: UDP and TCP port.
    """

    name: str
    address: str
    port: int = DNS_PORT

    @override
    def __str__(self) -> str:
        """Return ``name@address#port``."""
        return f"{self.name}@{self.address}#{self.port}"


_ROOT_ADDRESSES: Final = (
    ("a", "198.41.0.4", "2001:503:ba3e::2:30"),
    ("b", "170.247.170.2", "2801:1b8:10::b"),
    ("c", "192.33.4.12", "2001:500:2::c"),
    ("d", "199.7.91.13", "2001:500:2d::d"),
    ("e", "192.203.230.10", "2001:500:a8::e"),
    ("f", "192.5.5.241", "2001:500:2f::f"),
    ("g", "192.112.36.4", "2001:500:12::d0d"),
    ("h", "198.97.190.53", "2001:500:1::53"),
    ("i", "192.36.148.17", "2001:7fe::53"),
    ("j", "192.58.128.30", "2001:503:c27::2:30"),
    ("k", "193.0.14.129", "2001:7fd::1"),
    ("l", "199.7.83.42", "2001:500:9f::42"),
    ("m", "202.12.27.33", "2001:dc3::35"),
)

ROOT_SERVERS: Final = tuple(
    Server(f"{letter}.root-servers.net.", address)
    for letter, *addresses in _ROOT_ADDRESSES
    for address in addresses
)
"""The thirteen root servers, both address families."""


_LOOPBACK: Final = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128")))
"""This host."""

_NOWHERE: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # "this network"
            "169.254.0.0/16",  # this link; in clouds it knows secrets
            "224.0.0.0/4",  # groups
            "240.0.0.0/4",  # reserved, and broadcast
            "::/96",  # the unspecified one; IPv4 inside, given up (RFC 4291 §2.5.5.1)
            "::ffff:0:0/96",  # IPv4, for programs only
            "fe80::/10",  # this link
            "ff00::/8",  # groups (RFC 4291 §2.7)
        ),
    )
)
"""Where no name server of a zone can be (RFC 6890 §2.2: no destination, or not one that
is forwarded). Private addresses are not among them: organisations delegate to them."""


def addresses_of(rdatas: Iterable[dns.rdata.Rdata]) -> tuple[str, ...]:
    """Return the addresses in A or AAAA ``rdatas`` that a single host can have.

    Multicast, broadcast and the unspecified address are left out: asking them would
    turn the resolver against its own network.
    """
    texts = (rdata.to_text() for rdata in rdatas)
    return tuple(text for text in texts if is_unicast(text))


def is_unicast(address: str) -> bool:
    """Return whether ``address`` can be a single host's."""
    try:
        value = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (value.is_multicast or value.is_unspecified or int(value) == 0xFFFF_FFFF)


def is_loopback(address: str) -> bool:
    """Return whether ``address`` is this host's own."""
    value = ipaddress.ip_address(address)
    return any(value in network for network in _LOOPBACK)


def may_be_named(address: str) -> bool:
    """Return whether any zone may name ``address`` as that of its server.

    Strangers decide what is in their zones, but not whom the resolver talks to in its
    own network and on its own host.
    """
    value = ipaddress.ip_address(address)
    return not any(value in network for network in (*_LOOPBACK, *_NOWHERE))


def read_hints(text: str, port: int = DNS_PORT) -> tuple[Server, ...]:
    """Return the servers of a hints file (master-file format, like ``named.root``).

    Raises:
        OperatorError: It cannot be read, or names no root server with an address.
    """
    try:
        rrsets = dns.zonefile.read_rrsets(
            text, rdclass=None, origin=dns.name.root, relativize=False, default_ttl=0
        )
    except (dns.exception.DNSException, ValueError) as error:
        raise OperatorError(f"The root hints cannot be read: {error}") from error
    names = {
        rdata.target
        for rrset in rrsets
        if rrset.rdtype == dns.rdatatype.NS and rrset.name == dns.name.root
        for rdata in rrset
        if isinstance(rdata, dns.rdtypes.nsbase.NSBase)
    }
    servers = tuple(
        Server(str(rrset.name), address, port)
        for rrset in rrsets
        if rrset.name in names and rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}
        for address in addresses_of(rrset)
    )
    if not servers:
        raise OperatorError(
            "The root hints name no root server with an address.",
            "Give `. NS name.` and `name. A address` records.",
        )
    return servers
