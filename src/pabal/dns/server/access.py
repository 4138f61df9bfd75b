"""Who may ask what, and what who sees: lists of networks and keys as BIND reads them.

Sans-IO. The first element that fits decides; what no element fits is excluded.
Security: a key counts only when the signature made with it was checked; whoever claims
one without is answered with an error before anything here is asked.
"""

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import dns.exception
import dns.name

from pabal.base.errors import OperatorError
from pabal.net.endpoint import plain_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KEY_WORD: Final = "key "
"""Before the name of a key, in a list."""

_EVERYTHING: Final = ("0.0.0.0/0", "::/0")
_NAMED: Final = {
    "any": _EVERYTHING,
    "localhost": ("127.0.0.0/8", "::1/128"),
    "localnets": ("127.0.0.0/8", "::1/128"),
}
"""Named lists. The configuration writes the last two out, with this machine's own."""


@dataclass(frozen=True, slots=True)
class AccessList:
    """A parsed list.

    Attributes:
        rules: Whether to allow, and the networks, the key or the list it holds for, in
            order.
    """

    rules: "tuple[tuple[bool, tuple[Network, ...] | dns.name.Name | AccessList], ...]"

    def allows(self, address: Address, key: dns.name.Name | None = None) -> bool:
        """Return whether ``address`` is in the list; linear in the list.

        What a list inside excludes it does not hold: the next element is looked at.

        Args:
            key: What the message was signed with, checked.
        """
        for allowed, held in self.rules:
            if isinstance(held, AccessList):
                fits = held.allows(address, key)
            elif isinstance(held, dns.name.Name):
                fits = held == key
            else:
                fits = any(address in network for network in held)
            if fits:
                return allowed
        return False

    @property
    def keys(self) -> frozenset[dns.name.Name]:
        """The keys it says something about, those of lists inside among them."""
        found: frozenset[dns.name.Name] = frozenset()
        for _, held in self.rules:
            if isinstance(held, AccessList):
                found |= held.keys
            elif isinstance(held, dns.name.Name):
                found |= {held}
        return found


NOBODY: Final = AccessList(())


def parse_access_list(elements: Sequence[str], key: str) -> AccessList:
    """Return the list of ``elements``, which configuration ``key`` holds.

    Args:
        elements: Networks, words, ``key NAME``; ``{ELEMENT; ELEMENT}`` is a list
            inside.

    Raises:
        OperatorError: An element is no network, address, key or named list.
    """
    rules: list[tuple[bool, tuple[Network, ...] | dns.name.Name | AccessList]] = []
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
            if word.startswith(KEY_WORD):
                name = dns.name.from_text(word.removeprefix(KEY_WORD).strip())
                rules.append((allowed, name.canonicalize()))
                continue
            networks = _networks(_NAMED.get(word, (word,)))
        except (ValueError, dns.exception.DNSException) as error:
            raise OperatorError(
                f"{key}: `{element}` is not a network: {error}.",
                "Write 192.0.2.0/24, 2001:db8::/32, any, none, localhost, localnets or"
                " key NAME.",
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
        recursion: Ask for names elsewhere; only together with ``query`` (BIND looks at
            its lists for recursion alone).
        view: What it sees: 0 the common zones, else the so many-th view.
        others: Folded apexes of zones that decide the other way than ``query``.
    """

    query: bool
    recursion: bool
    view: int = 0
    others: frozenset[bytes] = frozenset()

    @property
    def any_query(self) -> bool:
        """Whether it may ask about one zone at least."""
        return self.query or bool(self.others)

    def may_see(self, origin: bytes) -> bool:
        """Return whether it may ask about the zone at folded ``origin``."""
        return self.query is not (origin in self.others)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a question came, besides the address of who asks.

    Attributes:
        destination: Which of our addresses was asked; empty: that is not known.
        key: What it was signed with, and the signature was good.
    """

    destination: str = ""
    key: dns.name.Name | None = None


PLAIN: Final = Arrival()
"""Unsigned, to an address of ours that does not matter."""


@dataclass(frozen=True, slots=True)
class ViewAccess:
    """One view: whoever fits all it says is in it.

    Attributes:
        clients: Who sees it.
        recursion: Which of them may ask for names elsewhere; ``None``: who may anyway.
        query: Which of them may ask at all; ``None``: who may anyway.
        destinations: Which of our addresses they ask; ``None``: any.
        recursive_only: Whether only questions that want recursion are in it.
    """

    clients: AccessList
    recursion: AccessList | None = None
    query: AccessList | None = None
    destinations: AccessList | None = None
    recursive_only: bool = False

    def holds(self, address: Address, arrival: Arrival, *, recursive: bool) -> bool:
        """Return whether a question is in it."""
        if self.recursive_only and not recursive:
            return False
        if self.destinations is not None:
            destination = _address(arrival.destination)
            if destination is None or not self.destinations.allows(destination):
                return False
        return self.clients.allows(address, arrival.key)


NO_ZONES: Final[Mapping[tuple[int, bytes], AccessList]] = MappingProxyType({})

SETS_MAX: Final = 4096
"""Sets of zones that are remembered: as many as there are kinds of clients."""


class Access:
    """Rights by address, and by whatever else the lists ask for; remembered.

    Args (of the constructor):
        views: In their order: the first that a client is in is its view.
        private: Folded apexes of the zones that nobody is answered from.
        zones: Who may ask about single zones, by number of the view and folded apex;
            what a view says nothing of is as in the common zones.

    Attributes:
        private: The same.
    """

    def __init__(
        self,
        query: AccessList,
        recursion: AccessList,
        views: Sequence[ViewAccess] = (),
        private: Collection[bytes] = (),
        zones: Mapping[tuple[int, bytes], AccessList] = NO_ZONES,
    ) -> None:
        self.private = frozenset(private)
        self._query = query
        self._recursion = recursion
        self._views = views
        self._known: dict[str | tuple[str, Arrival, bool], Rights] = {}
        self._by_destination = any(view.destinations is not None for view in views)
        self._by_wish = any(view.recursive_only for view in views)
        lists = [query, recursion, *(view.clients for view in views)]
        for view in views:
            lists += [each for each in (view.query, view.recursion) if each is not None]
        lists += zones.values()
        self._zones = [_by_list(zones, number) for number in range(len(views) + 1)]
        self._sets: dict[tuple[int, tuple[bool, ...], bool], frozenset[bytes]] = {}
        self._by_key = any(each.keys for each in lists)

    @property
    def by_destination(self) -> bool:
        """Whether rights depend on which of our addresses is asked."""
        return self._by_destination

    def rights(
        self, host: str, arrival: Arrival = PLAIN, *, recursive: bool = False
    ) -> Rights:
        """Return what the client at ``host``, a socket's peer address, may do.

        Args:
            recursive: Whether it wants an answer from elsewhere (RD).
        """
        key: str | tuple[str, Arrival, bool] = host
        if self._by_destination or self._by_wish or self._by_key:
            key = host, arrival, recursive
        rights = self._known.get(key)
        if rights is None:
            if len(self._known) >= CLIENTS_MAX:
                self._known.clear()
            rights = self._known[key] = self._decide(host, arrival, recursive=recursive)
        return rights

    def settled(self, host: str, destination: str = "") -> Rights | None:
        """Return what unsigned questions of ``host`` may do, one as the other.

        ``None``: that depends on what is not known before they are taken apart.
        """
        if self._by_destination and not destination:
            return None
        arrival = Arrival(destination) if self._by_destination else PLAIN
        rights = self.rights(host, arrival)
        if self._by_wish and rights != self.rights(host, arrival, recursive=True):
            return None
        return rights

    def hides(self, *origins: bytes) -> bool:
        """Return whether one of these zones, folded apexes, is private."""
        return not self.private.isdisjoint(origins)

    def is_friend(self, host: str) -> bool:
        """Return whether ``host`` may have as many answers as it likes."""
        rights = self.settled(host)
        return rights is not None and rights.recursion

    def _decide(self, host: str, arrival: Arrival, *, recursive: bool) -> Rights:
        address = _address(host)
        if address is None:
            return Rights(query=False, recursion=False)
        query, recursion = self._query, self._recursion
        number = 0
        for index, view in enumerate(self._views, 1):
            if view.holds(address, arrival, recursive=recursive):
                query, recursion = view.query or query, view.recursion or recursion
                number = index
                break
        may = query.allows(address, arrival.key)
        wider = may and recursion.allows(address, arrival.key)
        others = self._others(number, address, arrival.key, otherwise=may)
        return Rights(may, wider, number, others)

    def _others(
        self, view: int, address: Address, key: dns.name.Name | None, *, otherwise: bool
    ) -> frozenset[bytes]:
        """Return the zones that decide other than ``otherwise``.

        Clients for whom all lists decide alike share the set.
        """
        lists = self._zones[view]
        if not lists:
            return frozenset()
        allowed = tuple(each.allows(address, key) for each, _ in lists)
        found = self._sets.get((view, allowed, otherwise))
        if found is None:
            if len(self._sets) >= SETS_MAX:
                self._sets.clear()
            found = frozenset().union(
                *(
                    origins
                    for may, (_, origins) in zip(allowed, lists, strict=True)
                    if may is not otherwise
                )
            )
            self._sets[view, allowed, otherwise] = found
        return found


def _by_list(
    zones: Mapping[tuple[int, bytes], AccessList], view: int
) -> list[tuple[AccessList, frozenset[bytes]]]:
    """Return the zones of a view by their lists: each is asked once a client."""
    own = {origin: each for (number, origin), each in zones.items() if number == view}
    common = {origin: each for (number, origin), each in zones.items() if not number}
    found: dict[AccessList, set[bytes]] = {}
    for origin, each in (common | own).items():
        found.setdefault(each, set()).add(origin)
    return [(each, frozenset(origins)) for each, origins in found.items()]


def _address(host: str) -> Address | None:
    """Return the address of ``host``; ``None``: it is none."""
    try:
        return plain_address(host)
    except ValueError:
        return None
