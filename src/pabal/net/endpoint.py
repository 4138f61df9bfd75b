"""Addresses with ports, and networks: parsing and membership.

Sans-IO.
"""

import ipaddress
from dataclasses import dataclass

from typing_extensions import override

from pabal.base.errors import PabalError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class EndpointError(PabalError):
    """A text is not an address with a port."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address and a port.

    Attributes:
        address: Without brackets: ``127.0.0.1`` or ``::1``.
        port: 0 to 65535.
    """

    address: str
    port: int

    @override
    def __str__(self) -> str:
        if ":" in self.address:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Return the endpoint ``address:port``, IPv6 in brackets.

        Raises:
            EndpointError: The text is of another form; says which part.
        """
        address, colon, port = text.rpartition(":")
        if not colon:
            raise EndpointError(f"{text!r} has no port: write address:port")
        if not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise EndpointError(f"{port!r} is not a port (0 to 65535)")
        bare = address
        if address.startswith("[") and address.endswith("]"):
            bare = address[1:-1]
        elif ":" in address:
            raise EndpointError(f"an IPv6 address goes in brackets: [{address}]:{port}")
        try:
            return cls(str(ipaddress.ip_address(bare)), int(port))
        except ValueError:
            raise EndpointError(f"{bare!r} is not an IP address") from None

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is an IPv6 one."""
        return ":" in self.address

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can be at the other end."""
        return plain_address(self.address).is_loopback


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address, ``::ffff:192.0.2.1`` as the IPv4 one it means.

    Raises:
        ValueError: ``text`` is not an address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else address


def client_key(address: str) -> str:
    """Return what counts as one client for limits: an IPv4 address, an IPv6 /64.

    One IPv6 customer has at least a /64 (RFC 6177 §2).
    """
    if ":" not in address:
        return address  # an IPv4 address is written one way only by the kernel
    try:
        plain = plain_address(address)
    except ValueError:
        return address
    if isinstance(plain, ipaddress.IPv4Address):
        return str(plain)
    return str(ipaddress.IPv6Network((int(plain) >> 64 << 64, 64)))
