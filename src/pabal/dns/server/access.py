"""Who may ask what: lists of networks as BIND reads them.

Sans-IO. The first element that fits decides; what no element fits is excluded.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.errors import OperatorError
from pabal.net.endpoint import plain_address

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
        rules: Whether to allow, and the networks or the list it holds for, in order.
    """

    rules: "tuple[tuple[bool, tuple[Network, ...] | AccessList], ...]"

    def allows(self, address: Address) -> bool:
        """Return whether ``address`` is in the list; linear in the list.

        What a list inside excludes it does not hold: the next element is looked at.
        """
        for allowed, held in self.rules:
            if isinstance(held, AccessList):
                fits = held.allows(address)
            else:
                fits = any(address in network for network in held)
            if fits:
                return allowed
        return False


def parse_access_list(elements: Sequence[str], key: str) -> AccessList:
    """Return the list of ``elements``, which configuration ``key`` holds.

    Args:
        elements: Networks and words; ``{ELEMENT; ELEMENT}`` is a list inside.

    Raises:
        OperatorError: An element is no network, address or named list.
    """
    rules: list[tuple[bool, tuple[Network, ...] | AccessList]] = []
    for element in elements:
        word = element.strip()
        allowed = not word.startswith("!")
        word = word.removeprefix("!").strip().lower()
        if word.startswith("{") and word.endswith("}"):
            rules.append((allowed, parse_access_list(_inside(word), key)))
            continue
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


def _inside(word: str) -> list[str]:
    """Return the elements of ``{ELEMENT; ELEMENT}``, those of lists inside together."""
    found = [""]
    depth = 0
    for letter in word[1:-1]:
        depth += (letter == "{") - (letter == "}")
        if letter == ";" and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [element.strip() for element in found if element.strip()]


def _networks(words: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in words)


CLIENTS_MAX: Final = 65_536
"""Addresses whose rights are remembered; forged ones make it forget, never grow."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a client may do.

    Attributes:
        query: Ask for what this server holds.
        recursion: Ask for names elsewhere; only together with ``query``, as in BIND.
        view: What it sees: 0 the common zones, else the so many-th view.
    """

    query: bool
    recursion: bool
    view: int = 0


@dataclass(frozen=True, slots=True)
class ViewAccess:
    """One view.

    Attributes:
        clients: Who sees it.
        recursion: Which of them may ask for names elsewhere; ``None``: who may anyway.
    """

    clients: AccessList
    recursion: AccessList | None = None


class Access:
    """Rights by address, remembered.

    Args (of the constructor):
        views: In their order: the first that a client is in is its view.
    """

    def __init__(
        self,
        query: AccessList,
        recursion: AccessList,
        views: Sequence[ViewAccess] = (),
    ) -> None:
        self._query = query
        self._recursion = recursion
        self._views = views
        self._known: dict[str, Rights] = {}

    def rights(self, host: str) -> Rights:
        """Return what the client at ``host``, a socket's peer address, may do."""
        rights = self._known.get(host)
        if rights is None:
            if len(self._known) >= CLIENTS_MAX:
                self._known.clear()
            rights = self._known[host] = self._decide(host)
        return rights

    def _decide(self, host: str) -> Rights:
        try:
            address = plain_address(host)
        except ValueError:
            return Rights(query=False, recursion=False)
        query = self._query.allows(address)
        recursion = self._recursion
        number = 0
        for index, view in enumerate(self._views, 1):
            if view.clients.allows(address):
                number, recursion = index, view.recursion or recursion
                break
        return Rights(query, query and recursion.allows(address), number)
