"""BIND's lists of addresses, turned into the flat lists of pabal.toml.

A list in pabal is flat: networks, ``any``, ``none``, ``localhost``, ``!`` before one
excludes it, the first that fits decides. BIND's may hold other lists; one that is
held counts only for what it lets in, so it becomes the networks it lets in.

Sans-IO. Source: BIND 9.18, address match lists.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.grammar import Braces, Statement
from pabal.config.named.lexer import Kind, Token
from pabal.config.named.values import network_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEPTH_MAX: Final = 50
"""Lists that hold lists, by name; deeper ones count as empty."""

NETWORKS_MAX: Final = 10_000
"""Most networks of a flat list: more is work for a firewall."""

_LOCALHOST: Final = "`localhost` (only the loopback addresses, not all of this machine)"

DENIED_MAX: Final = 200
"""Most networks a list that is held keeps out; each cuts all of those it lets in."""

_LOST_KEY: Final = "`{}` (there are addresses only in this list)"

_ANY: Final = ("0.0.0.0/0", "::/0")
_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


@dataclass(slots=True)
class Flat:
    """A list in the words of pabal.toml.

    Attributes:
        elements: Its elements.
        lost: What could not be kept, in words, each once.
    """

    elements: list[str] = field(default_factory=list)
    lost: dict[str, None] = field(default_factory=dict)


def flatten(
    items: Sequence[Statement],
    acls: Mapping[str, Statement],
    *,
    with_keys: bool = True,
) -> Flat:
    """Return a list of addresses as a flat one.

    Args:
        items: The elements of the list.
        acls: The lists that are defined, by lower-case name.
        with_keys: Whether the flat list may have ``key NAME``.
    """
    return _flat(items, acls, {}, with_keys=with_keys)


def _flat(
    items: Sequence[Statement],
    acls: Mapping[str, Statement],
    known: dict[str, Flat],
    *,
    with_keys: bool,
) -> Flat:
    """Return a list as a flat one; ``known``: named lists that were looked at."""
    flat = Flat()
    lists = _Lists(acls, flat.lost)
    touched = [lists.touched(item) for item in items]
    for number, item in enumerate(items):
        word, negated = _element(item)
        if isinstance(word, Token) and word.text.lower() in {"any", "none"}:
            fits = (word.text.lower() == "any") is not negated
            flat.elements.append("any" if fits else "none")
        elif isinstance(word, Token) and word.text.lower() == "localhost":
            flat.elements.append("!localhost" if negated else "localhost")
            flat.lost[_LOCALHOST] = None
        elif with_keys and _key_of(item):
            flat.elements.append(f"{'!' * negated}key {_key_of(item)}")
            flat.lost.pop(_key_lost(item), None)
        elif with_keys and not negated and lists.has_keys(word):
            made = _inner(word, lists, acls, known)
            _lay_in(flat, made, is_last=item is items[-1])
        elif negated:
            flat.elements += ["!" + _shown(each) for each in touched[number]]
        elif lists.inside(word):
            later = [each for networks in touched[number + 1 :] for each in networks]
            flat.elements += lists.positive(item, later)
        else:
            flat.elements += [_shown(each) for each in touched[number]]
    kept = list(dict.fromkeys(flat.elements))[:NETWORKS_MAX]
    flat.elements = kept or ["none"]
    return flat


def _element(item: Statement) -> tuple[Token | Braces | None, bool]:
    """Return what an element holds, and whether ``!`` stands before it."""
    signs = [p for p in item.parts if isinstance(p, Token) and p.kind is Kind.NOT]
    rest = item.parts[len(signs) :]
    return (rest[0] if rest else None), len(signs) % 2 == 1


def _key_of(item: Statement) -> str:
    """Return the key an element names, whatever stands before it; empty: none."""
    rest = [part for part in item.parts if not _is_not(part)]
    if len(rest) < 2 or not all(isinstance(part, Token) for part in rest):
        return ""
    words = [part.text for part in rest if isinstance(part, Token)]
    return words[1] if words[0].lower() == "key" else ""


def _is_not(part: Token | Braces) -> bool:
    return isinstance(part, Token) and part.kind is Kind.NOT


def _inner(
    held: Token | Braces | None,
    lists: "_Lists",
    acls: Mapping[str, Statement],
    known: dict[str, Flat],
) -> Flat:
    """Return a list with keys that another one holds, as a flat one."""
    name = held.text.lower() if isinstance(held, Token) else ""
    if name in known:
        return known[name]
    if name:
        known[name] = Flat()  # one may hold itself
    made = _flat(lists.inside(held), acls, known, with_keys=True)
    if name:
        known[name] = made
    return made


def _lay_in(flat: Flat, inner: Flat, *, is_last: bool) -> None:
    """Put the elements of a list with keys in the place of the list.

    What it excludes is out altogether then, also for what stands behind the list:
    nobody gets in who did not.
    """
    found = inner.elements
    if "none" in found:
        found = found[: found.index("none")]
    flat.elements += found
    for element in found:
        flat.lost.pop(_LOST_KEY.format(element.removeprefix("!")), None)
    flat.lost.update(inner.lost)
    for element in found if not is_last else ():
        if element.startswith("!"):
            why = f"`{element[1:]}`, which an inner list excludes, where more follows"
            flat.lost[why] = None


def _key_lost(item: Statement) -> str:
    words = [p.text for p in item.parts if isinstance(p, Token) and p.is_word]
    return _LOST_KEY.format(" ".join(words))


def _shown(network: Network) -> str:
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


class _Lists:
    """Knows the networks that lists let in."""

    def __init__(self, acls: Mapping[str, Statement], lost: dict[str, None]) -> None:
        self._acls = acls
        self._lost = lost
        self._open: set[str] = set()  # lists being looked into: one may hold itself
        self._known: dict[str, list[Network]] = {}

    def inside(self, held: Token | Braces | None) -> Sequence[Statement]:
        """Return the elements of a list that is held; nothing if it is none."""
        if isinstance(held, Braces):
            return held.items
        acl = self._acls.get(held.text.lower()) if held is not None else None
        return acl.body() if acl is not None else ()

    def has_keys(self, held: Token | Braces | None) -> bool:
        """Return whether a list, or one inside it, names a key."""
        waiting = list(self.inside(held))
        seen: set[str] = set()
        while waiting:
            item = waiting.pop()
            if _key_of(item):
                return True
            inner, _ = _element(item)
            word = inner.text.lower() if isinstance(inner, Token) else ""
            if word not in seen or not word:
                seen.add(word)
                waiting += self.inside(inner)
        return False

    def networks(self, item: Statement) -> list[Network]:
        """Return the networks that one element without its ``!`` holds."""
        held, _ = _element(item)
        if held is None:
            return []
        if isinstance(held, Braces):
            return self._let_in(held.items)
        word = held.text.lower()
        named = {"any": _ANY, "none": (), "localhost": _LOOPBACK}
        if held.kind is Kind.WORD:
            try:
                return [network_of(held.text)]
            except ValueError:
                pass  # a name then
        if word in named:
            return [ipaddress.ip_network(each) for each in named[word]]
        if word in self._acls:
            return self._named(word)
        self._lose(held, item)
        return []

    def _named(self, word: str) -> list[Network]:
        if word in self._open or len(self._open) > DEPTH_MAX:
            return []
        if word not in self._known:
            self._open.add(word)
            self._known[word] = self._let_in(self._acls[word].body())
            self._open.discard(word)
        return self._known[word]

    def touched(self, item: Statement) -> list[Network]:
        """Return the networks that one element says something about."""
        held, _ = _element(item)
        if isinstance(held, Token) and held.text.lower() == "none":
            return [ipaddress.ip_network(each) for each in _ANY]
        return self.networks(item)

    def positive(self, item: Statement, later: Sequence[Network]) -> list[str]:
        """Return the elements for one without ``!``.

        A list that excludes something keeps its ``!`` if nothing ``later`` is about
        what it excludes; otherwise what it lets in is spelt out.
        """
        held, _ = _element(item)
        short: list[str] = []
        for each in self.inside(held):
            word, negated = _element(each)
            if isinstance(word, Token) and word.text.lower() == "none":
                short = []
                break
            networks = self.touched(each)
            if negated and any(_overlap(n, other) for n in networks for other in later):
                short = []
                break
            short += [("!" if negated else "") + _shown(n) for n in networks]
        return short or [_shown(each) for each in self.networks(item)]

    def _lose(self, held: Token, item: Statement) -> None:
        word = held.text.lower()
        if word == "localnets":
            why = "`localnets` (write the networks of this machine yourself)"
        elif word in {"key", "geoip"}:
            why = _key_lost(item)
        else:
            why = f"`{held.text}` (it is not defined)"
        self._lost[why] = None

    def _let_in(self, items: Sequence[Statement]) -> list[Network]:
        """Return the networks for which the first element that fits has no ``!``."""
        denied: list[Network] = []
        found: list[Network] = []
        for item in items:
            held, negated = _element(item)
            none = isinstance(held, Token) and held.text.lower() == "none"
            networks = (
                [ipaddress.ip_network(each) for each in _ANY]
                if none
                else self.networks(item)
            )
            if negated is none:
                found += _without(networks, denied)
            else:
                denied += networks
            if len(found) > NETWORKS_MAX or len(denied) > DENIED_MAX:
                break
        return found


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _without(networks: Sequence[Network], taken: Sequence[Network]) -> list[Network]:
    """Return what is left of networks."""
    left = list(networks)
    for hole in taken:
        left = [part for each in left for part in _minus(each, hole)]
    return left


def _minus(network: Network, hole: Network) -> list[Network]:
    if isinstance(network, ipaddress.IPv4Network):
        if not isinstance(hole, ipaddress.IPv4Network) or not network.overlaps(hole):
            return [network]
        return [] if network.subnet_of(hole) else [*network.address_exclude(hole)]
    if not isinstance(hole, ipaddress.IPv6Network) or not network.overlaps(hole):
        return [network]
    return [] if network.subnet_of(hole) else [*network.address_exclude(hole)]
