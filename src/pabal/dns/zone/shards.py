"""The names of a large zone in many small dicts: versions share what they have alike.

Sans-IO. One dict of a million names is copied, grown and freed in steps of tens of
milliseconds, in which no other thread runs. Here each step concerns one part: a version
that differs in a few names costs a few parts, and the memory of those.
"""

from collections.abc import ItemsView, Iterator, Mapping, MutableMapping, Sequence
from typing import Final

from typing_extensions import override

PARTS: Final = 1024
"""Of a large zone: a million names make parts of a thousand."""

SPLIT_NAMES: Final = 8192
"""A smaller zone is one dict: to copy it takes a quarter of a millisecond."""

SHIFT: Final = 20
"""Which bits of a hash choose the part: not those that choose the place in it."""

_MASK: Final = PARTS - 1


class Shards(MutableMapping[bytes, bytes]):
    """Octets by name. A copy costs a list of references, a change one part."""

    __slots__ = ("_lent", "parts")

    def __init__(self, parts: list[dict[bytes, bytes]] | None = None) -> None:
        self.parts = [{} for _ in range(PARTS)] if parts is None else parts
        self._lent = bytearray(PARTS)

    def copy(self) -> "Shards":
        """Return the same names, to be changed without changing these."""
        made = Shards(self.parts.copy())
        self._lent = bytearray(b"\x01" * PARTS)
        made._lent = bytearray(b"\x01" * PARTS)
        return made

    def _own(self, name: bytes) -> dict[bytes, bytes]:
        """Return the part of ``name``, which nobody else has."""
        place = hash(name) >> SHIFT & _MASK
        if self._lent[place]:
            self.parts[place] = self.parts[place].copy()
            self._lent[place] = 0
        return self.parts[place]

    def own_parts(self) -> Sequence[dict[bytes, bytes]]:
        """Return the parts, to be changed without changing any copy."""
        if any(self._lent):
            for place, lent in enumerate(self._lent):
                if lent:
                    self.parts[place] = self.parts[place].copy()
            self._lent = bytearray(PARTS)
        return self.parts

    @override
    def __getitem__(self, name: bytes) -> bytes:
        return self.parts[hash(name) >> SHIFT & _MASK][name]

    @override
    def __setitem__(self, name: bytes, value: bytes) -> None:
        self._own(name)[name] = value

    @override
    def __delitem__(self, name: bytes) -> None:
        del self._own(name)[name]

    @override
    def __contains__(self, name: object) -> bool:
        return name in self.parts[hash(name) >> SHIFT & _MASK]

    @override
    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            yield from part

    @override
    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @override
    def items(self) -> ItemsView[bytes, bytes]:
        """Return names and values, without a look-up for each."""
        return _Items(self)


class _Items(ItemsView[bytes, bytes]):
    """Goes through the parts."""

    def __init__(self, shards: Shards) -> None:
        super().__init__(shards)
        self._parts = shards.parts

    @override
    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        for part in self._parts:
            yield from part.items()


def empty(expected: int) -> MutableMapping[bytes, bytes]:
    """Return what ``expected`` names fit into well."""
    return Shards() if expected > SPLIT_NAMES else {}


def split(names: dict[bytes, bytes]) -> list[dict[bytes, bytes]]:
    """Return the parts that ``names`` are in, in ``Shards``."""
    parts: list[dict[bytes, bytes]] = [{} for _ in range(PARTS)]
    for name, value in names.items():
        parts[hash(name) >> SHIFT & _MASK][name] = value
    return parts


def fitting(names: dict[bytes, bytes]) -> MutableMapping[bytes, bytes]:
    """Return ``names``, in parts if they are many."""
    return Shards(split(names)) if len(names) > SPLIT_NAMES else names


def copied(names: Mapping[bytes, bytes]) -> MutableMapping[bytes, bytes]:
    """Return ``names`` to be changed, without changing them."""
    return names.copy() if isinstance(names, Shards) else fitting(dict(names))


def parts_of(names: Mapping[bytes, bytes]) -> Sequence[Mapping[bytes, bytes]]:
    """Return what ``names`` consist of: each part is soon gone through, or freed."""
    return names.parts if isinstance(names, Shards) else (names,)


def own_parts(
    names: MutableMapping[bytes, bytes],
) -> Sequence[MutableMapping[bytes, bytes]]:
    """Return what ``names`` consist of, to be changed name by name."""
    return names.own_parts() if isinstance(names, Shards) else (names,)


def put_all(names: MutableMapping[bytes, bytes], more: Mapping[bytes, bytes]) -> None:
    """Put ``more`` into ``names``, in little time for each of many."""
    if isinstance(names, Shards):
        parts = names.own_parts()
        for name, value in more.items():
            parts[hash(name) >> SHIFT & _MASK][name] = value
    else:
        names.update(more)


def take_apart(names: Mapping[bytes, bytes]) -> None:
    """Free ``names``, which nobody else uses, part by part."""
    parts = names.parts if isinstance(names, Shards) else []
    while parts:
        parts.pop()


def differing(
    one: Mapping[bytes, bytes], other: Mapping[bytes, bytes]
) -> Iterator[bytes]:
    """Yield the names that have not the same in both; parts in common cost nothing."""
    if isinstance(one, Shards) and isinstance(other, Shards):
        pairs = zip(one.parts, other.parts, strict=True)
        for mine, theirs in pairs:
            if mine is not theirs and mine != theirs:
                yield from _differing(mine, theirs)
    elif one is not other:
        yield from _differing(one, other)


def _differing(
    one: Mapping[bytes, bytes], other: Mapping[bytes, bytes]
) -> Iterator[bytes]:
    for name, value in one.items():
        theirs = other.get(name)
        if theirs is not value and theirs != value:
            yield name
    for name in other:
        if name not in one:
            yield name
