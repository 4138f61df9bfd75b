"""Zones that are asked elsewhere than their parents say: forward and stub zones.

Sans-IO: reads text, opens nothing.
Source: RFC 9499 §6 (forwarder), RFC 1034 §5.3.3 (SBELT: where a search may begin).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name

from pabal.base.errors import OperatorError
from pabal.dns.resolver.hints import DNS_PORT, Server, is_unicast
from pabal.net.endpoint import Endpoint, EndpointError


@dataclass(frozen=True, slots=True)
class Route:
    """Who is asked for the names at and below ``zone``.

    Attributes:
        zone: Absolute, folded.
        servers: Whom to ask; none: as if no forwarder were set.
        recursive: Resolvers, asked for everything below (forward zone); else name
            servers of the zone itself, from which the search begins (stub zone).
        first: Resolvers that are only asked first: what they do not answer is looked
            for as if there were none.
    """

    zone: dns.name.Name
    servers: tuple[Server, ...]
    recursive: bool
    first: bool = False


FIRST: Final = "first"
"""What a line says of resolvers that are only asked first."""


def read_route(text: str, *, recursive: bool) -> Route:
    """Return the route that ``text`` says: ``ZONE [first] ADDRESS[:PORT] …``.

    A forward zone without address is searched from the root; only one with addresses
    may say ``first``.

    Raises:
        OperatorError: It says none.
    """
    first, *rest = text.split() or [""]
    try:
        zone = dns.name.from_text(first).canonicalize() if first else None
    except (dns.exception.DNSException, UnicodeError) as error:
        raise OperatorError(f"{first!r} is not the name of a zone: {error}") from error
    is_first = recursive and rest[:1] == [FIRST]
    if is_first:
        del rest[0]
    if zone is None or not (rest or (recursive and not is_first)):
        raise OperatorError(
            f"{text!r} does not say whom to ask.",
            "Write the zone, then addresses: corp.example 192.0.2.1 192.0.2.2:5353",
        )
    return Route(zone, tuple(_server(word) for word in rest), recursive, is_first)


def _server(text: str) -> Server:
    try:
        address, port = str(ipaddress.ip_address(text)), DNS_PORT
    except ValueError:
        try:
            endpoint = Endpoint.parse(text)
        except EndpointError as error:
            raise OperatorError(f"{text!r} is not an address: {error}") from error
        address, port = endpoint.address, endpoint.port
    if not is_unicast(address):
        raise OperatorError(f"{text!r} is not the address of one host.")
    return Server("", address, port)


def closest_route(routes: Iterable[Route], name: dns.name.Name) -> Route | None:
    """Return the route of the deepest zone that ``name`` is in, if any."""
    fitting = [route for route in routes if name.is_subdomain(route.zone)]
    return max(fitting, key=lambda route: len(route.zone), default=None)
