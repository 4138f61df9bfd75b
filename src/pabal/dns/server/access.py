"""Who may ask what: lists of networks as BIND reads them.

Sans-IO. The first element that fits decides; what no element fits is excluded.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.errors import OperatorError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EVERYTHING: Final = ("0.0.0.0/0", "::/0")
_NAMED: Final = {
    "any": _EVERYTHING,
    "localhost": ("127.0.0.0/8", "::1/128"),
}
"""Named lists. ``localhost`` is loopback only: BIND adds the machine's addresses."""


@dataclass(frozen=True, slots=True)
class AccessList:
    """A parsed list.

    Attributes:
        rules: Whether to allow, and the networks it holds for, in order.
    """

    rules: tuple[tuple[bool, tuple[Network, ...]], ...]

    def allows(self, address: Address) -> bool:
        """Return whether ``address`` is in the list; linear in the list."""
        for allowed, networks in self.rules:
            if any(address in network for network in networks):
                return allowed
        return False


def parse_access_list(elements: Sequence[str], key: str) -> AccessList:
    """Return the list of ``elements``, which configuration ``key`` holds.

    Raises:
        OperatorError: An element is no network, address or named list.
    """
    rules = []
    for element in elements:
        word = element.strip()
        allowed = not word.startswith("!")
        word = word.removeprefix("!").strip().lower()
        if word == "none":
            rules.append((not allowed, _networks(_EVERYTHING)))
            continue
        try:
            networks = _networks(_NAMED.get(word, (word,)))
        except ValueError as error:
            raise OperatorError(
                f"{key}: `{element}` is not a network: {error}.",
                "Write 192.0.2.0/24, 2001:db8::/32, any, none or localhost.",
            ) from error
        rules.append((allowed, networks))
    return AccessList(tuple(rules))


def _networks(words: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in words)


def parse_address(host: str) -> Address | None:
    """Return the address of a socket's peer; ``None`` if it is none.

    An IPv4 client of an IPv6 socket is an IPv4 client; the zone of a link-local address
    is not part of what lists speak of.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
