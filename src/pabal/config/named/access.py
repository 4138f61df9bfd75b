"""BIND's lists of addresses as pabal.toml has them: [dns.acl.NAME], and its elements.

Both decide alike: the first element that fits, ``!`` before it excludes, and what a
list inside excludes that does not hold. So a named list stays one, and a list without
a name that excludes something gets one.

Sans-IO. Source: BIND 9.18, address match lists. Security: what cannot be said in
pabal.toml makes a list narrower, never wider.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.acls import ACL
from pabal.config.named.grammar import Braces, Statement
from pabal.config.named.lexer import Kind, Token
from pabal.config.named.values import network_of
from pabal.config.section import ACL_WORDS, written_out

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEPTH_MAX: Final = 50
"""Lists that hold lists; deeper ones are left out."""

ELEMENTS_MAX: Final = 10_000
"""Most elements of a list: more is work for a firewall."""

_UNNAMED: Final = "list"
"""What a list is called that has no name."""

_OUTSIDE: Final = "outside"
"""What a list is called that holds whoever is not in another."""

_ON_KEYS: Final = "who is kept out by key cannot be told here: nothing behind it counts"
_BEHIND: Final = "who is kept out by it cannot be told: nothing behind it is taken over"


@dataclass(slots=True)
class Flat:
    """A list in the words of pabal.toml.

    Attributes:
        elements: Its elements; names of lists among them.
        lost: What could not be kept, in words, each once.
        is_narrower: Whether somebody who was in the list may not be any more.
    """

    elements: list[str] = field(default_factory=list)
    lost: dict[str, None] = field(default_factory=dict)
    is_narrower: bool = False

    def lose(self, what: str) -> None:
        """Note that an element is left out."""
        self.lost[what] = None
        self.is_narrower = True


@dataclass(slots=True)
class Lists:
    """The lists of a configuration that are in use.

    Attributes:
        acls: The lists that are defined, by lower-case name.
        tables: What they became: elements by NAME of [dns.acl.NAME], in an order in
            which each holds only those before it.
        made: Lists with a name of their own that are in ``tables``, each once.
    """

    acls: Mapping[str, Statement]
    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    made: list[tuple[Statement, str, Flat]] = field(default_factory=list)
    _named: dict[tuple[str, bool], tuple[str, Flat]] = field(default_factory=dict)
    _unnamed: dict[tuple[str, ...], str] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def flatten(
        self,
        items: Sequence[Statement],
        keys: Collection[str],
        *,
        with_keys: bool = True,
    ) -> Flat:
        """Return a list of addresses in the words of pabal.toml.

        Args:
            items: The elements of the list.
            keys: Names of the keys that were taken over, lower-case.
            with_keys: Whether the list may have ``key NAME``.
        """
        flat = Flat()
        for item in items[:ELEMENTS_MAX]:
            held, negated = _element(item)
            found = self._found(item, held, keys, flat, with_keys=with_keys)
            if found is None:
                if negated:
                    break  # who it keeps out would be let in by what follows
                continue
            flat.elements += [_signed(each, negated=negated) for each in found]
        if len(items) > ELEMENTS_MAX:
            flat.lose(f"what follows {ELEMENTS_MAX} elements")
        flat.elements = [*dict.fromkeys(flat.elements)] or ["none"]
        return flat

    def both(self, one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
        """Return the elements for whoever is in both lists."""
        if tuple(one) == tuple(other) or tuple(other[:1]) == ("any",):
            return tuple(one)
        if tuple(one[:1]) == ("any",):
            return tuple(other)
        outside = (*(_turned(each) for each in other), "any")
        return (f"!{self._table_for(outside, _OUTSIDE)}", *one)

    def written_out(self, elements: Sequence[str]) -> list[str]:
        """Return elements with every list in them written out."""
        lists: dict[str, str] = {}
        for name, inside in self.tables.items():
            found = (written_out(each, lists) for each in inside)
            lists[name] = "{" + "; ".join(found) + "}"
        return [written_out(each, lists) for each in elements]

    def _found(
        self,
        item: Statement,
        held: Token | Braces | None,
        keys: Collection[str],
        flat: Flat,
        *,
        with_keys: bool,
    ) -> Sequence[str] | None:
        """Return what an element without its ``!`` becomes; ``None``: it is lost."""
        _, negated = _element(item)
        if held is None:
            return ()
        if isinstance(held, Braces):
            inner = self._inside(held, keys, with_keys=with_keys)
            return self._laid_in(inner[0], inner[1], flat, negated=negated)
        if _key_of(item):
            return _key(item, keys if with_keys else None, flat, negated=negated)
        word = held.text.lower()
        network = _network(held)
        if word in ACL_WORDS or network is not None:
            return (_shown(network) if network is not None else word,)
        if word not in self.acls:
            _lose(held, item, flat, negated=negated)
            return None
        name, made = self._table(word, keys, with_keys=with_keys)
        names = [name] if name else []
        return self._laid_in(names, made, flat, negated=negated, is_named=bool(name))

    def _laid_in(
        self,
        elements: Sequence[str],
        inner: Flat,
        flat: Flat,
        *,
        negated: bool,
        is_named: bool = False,
    ) -> Sequence[str] | None:
        """Return what a list inside becomes.

        What one with a name lost is told where that is. Behind ``!`` it must hold
        whomever it held, or more would be let in.
        """
        if inner.is_narrower and negated:
            said = ", ".join(inner.lost) or "a list in it that lost something"
            flat.lose(f"a list behind `!`, itself without {said} ({_BEHIND})")
            return None
        flat.is_narrower |= inner.is_narrower
        if not is_named:
            flat.lost.update(inner.lost)
        return elements

    def _inside(
        self, braces: Braces, keys: Collection[str], *, with_keys: bool
    ) -> tuple[Sequence[str], Flat]:
        """Return the elements for a list without a name, and what became of it."""
        inner = Flat()
        if len(self._open) >= DEPTH_MAX:
            inner.lose("lists in lists too deep to follow")
            return (), inner
        self._open.append("")
        inner = self.flatten(braces.items, keys, with_keys=with_keys)
        self._open.pop()
        if not any(e == "none" or e.startswith("!") for e in inner.elements):
            return inner.elements, inner  # its elements say the same without it
        if inner.elements[0] == "none":
            return (), inner  # it holds nobody
        return (self._table_for(tuple(inner.elements), _UNNAMED),), inner

    def _table_for(self, content: tuple[str, ...], stem: str) -> str:
        """Return the name of a table that holds ``content``."""
        if content not in self._unnamed:
            self._unnamed[content] = self._name(stem)
            self.tables[self._unnamed[content]] = content
        return self._unnamed[content]

    def _table(
        self, word: str, keys: Collection[str], *, with_keys: bool
    ) -> tuple[str, Flat]:
        """Return the name of the table for a list, and what became of it."""
        inner = Flat()
        if word in self._open:
            inner.lose(f"`{word}` (it holds itself)")
            return "", inner
        if len(self._open) >= DEPTH_MAX:
            inner.lose(f"`{word}` (lists in lists too deep to follow)")
            return "", inner
        if (word, with_keys) not in self._named:
            whole = None if with_keys else self._table(word, keys, with_keys=True)
            acl = self.acls[word]
            self._open.append(word)
            inner = self.flatten(acl.body(), keys, with_keys=with_keys)
            self._open.pop()
            if whole is not None and whole[1].elements == inner.elements:
                self._named[word, with_keys] = whole
                return whole
            stem = _stem(acl.value()) + ("" if with_keys else "-addresses")
            name = self._name(stem)
            self.tables[name] = tuple(inner.elements)
            self.made.append((acl, name, inner))
            self._named[word, with_keys] = name, inner
        return self._named[word, with_keys]

    def take_all(self, keys: Collection[str]) -> None:
        """Make a table of every list, also of those that nothing uses."""
        for word in self.acls:
            self._table(word, keys, with_keys=True)

    def _name(self, stem: str) -> str:
        """Return a name that no table has."""
        taken = {name.lower() for name in self.tables} | set(ACL_WORDS)
        number, name = 1, stem
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        return name


def table_of(name: str) -> str:
    """Return the table of pabal.toml for the list ``name``."""
    return f"{ACL}{name}"


def _stem(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or _UNNAMED


def _signed(element: str, *, negated: bool) -> str:
    """Return an element with ``!`` before it; ``any`` and ``none`` are words of it."""
    if not negated:
        return element
    return {"any": "none", "none": "any"}.get(element, f"!{element}")


def _turned(element: str) -> str:
    """Return an element that decides the other way."""
    if element.startswith("!"):
        return element[1:]
    return _signed(element, negated=True)


def _element(item: Statement) -> tuple[Token | Braces | None, bool]:
    """Return what an element holds, and whether ``!`` stands before it."""
    signs = [part for part in item.parts if _is_not(part)]
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


def _network(token: Token) -> Network | None:
    """Return the network a word means; ``None``: none."""
    if token.kind is not Kind.WORD:
        return None
    try:
        return network_of(token.text)
    except ValueError:
        return None  # a name then


def _shown(network: Network) -> str:
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


def _key(
    item: Statement, keys: Collection[str] | None, flat: Flat, *, negated: bool
) -> Sequence[str] | None:
    """Return what an element with a key becomes.

    Args:
        keys: Those that were taken over; ``None``: only addresses count.
    """
    key = _key_of(item)
    if keys is None:
        flat.lose(f"`key {key}` ({_ON_KEYS if negated else 'only addresses count'})")
        return None
    if key.lower().removesuffix(".") in keys:
        return (f"key {key}",)
    # Nobody can sign with it: whether it lets in or keeps out is all one.
    flat.lost[f"`key {key}` (its key was not taken over)"] = None
    return ()


def _lose(held: Token, item: Statement, flat: Flat, *, negated: bool) -> None:
    """Note an element that pabal has nothing like."""
    words = [p.text for p in item.parts if isinstance(p, Token) and p.is_word]
    if held.text.lower() == "geoip":
        why = "there are networks only, not countries: write them in a list"
    else:
        why = "it is not defined"
    flat.lose(f"`{' '.join(words)}` ({why}{f'; {_BEHIND}' if negated else ''})")
