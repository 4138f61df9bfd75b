"""Mappings of a hundred thousand entries that are changed without being copied.

Sans-IO. To copy such a dict takes milliseconds in which no other thread runs, and
touches, in a process that was forked, memory that it would have had in common with the
others. So what changed lies over what was; now and then both become one.
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Generic, TypeVar, overload

from typing_extensions import override

COPIED_MAX: Final = 4096
"""Entries that are simply copied: that takes a tenth of a millisecond."""

OVER_MAX: Final = 4096
"""Changes that lie over the rest: they are copied with every further one."""

_REFERENCES: Final = 3
"""Of what nobody else has: the caller's, ours, that of ``getrefcount``'s argument."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Other = TypeVar("_Other")


class Layered(Mapping[_Key, _Value], Generic[_Key, _Value]):
    """A mapping with some changes over it; never changed itself.

    Args (of the constructor):
        base: What was; never changed.
        over: What came, or is another.
        gone: What is no longer there; nothing of it is in ``over``.
    """

    __slots__ = ("_base", "_gone", "_over")

    def __init__(
        self,
        base: Mapping[_Key, _Value],
        over: Mapping[_Key, _Value],
        gone: frozenset[_Key],
    ) -> None:
        self._base = base
        self._over = over
        self._gone = gone

    @override
    def __getitem__(self, key: _Key) -> _Value:
        found = self._over.get(key)
        if found is not None:
            return found
        if key in self._gone:
            raise KeyError(key)
        return self._base[key]

    @overload
    def get(self, key: _Key, /) -> _Value | None: ...
    @overload
    def get(self, key: _Key, /, default: _Value | _Other) -> _Value | _Other: ...
    @override
    def get(self, key: _Key, /, default: object = None) -> object:
        """Return what is at ``key``: asked for each name that is looked up."""
        found = self._over.get(key)
        if found is not None:
            return found
        if key in self._gone:
            return default
        return self._base.get(key, default)

    @override
    def __contains__(self, key: object) -> bool:
        return key in self._over or (key not in self._gone and key in self._base)

    @override
    def __iter__(self) -> Iterator[_Key]:
        over, gone = self._over, self._gone
        for key in self._base:
            if key not in gone:
                yield key
        for key in over:
            if key not in self._base:
                yield key

    @override
    def __len__(self) -> int:
        new = sum(key not in self._base for key in self._over)
        return len(self._base) - len(self._gone) + new

    def with_(
        self, more: Mapping[_Key, _Value], gone: Collection[_Key]
    ) -> Mapping[_Key, _Value]:
        """Return this without ``gone``, and then with ``more``."""
        base = self._base
        over = {key: v for key, v in self._over.items() if key not in gone}
        over.update(more)
        away = {*self._gone, *(key for key in gone if key in base)}
        away = {key for key in away if key not in over}
        if len(over) + len(away) <= OVER_MAX:
            return Layered(base, over, frozenset(away))
        # Entry by entry: a thread that does this lets others have their turn.
        made = {key: v for key, v in base.items() if key not in away}
        made.update(over)
        return made


def layered(
    mapping: Mapping[_Key, _Value],
    more: Mapping[_Key, _Value],
    gone: Collection[_Key],
) -> Mapping[_Key, _Value]:
    """Return ``mapping`` without ``gone``, and then with ``more``; no value is None."""
    if not more and not gone:
        return mapping
    if isinstance(mapping, Layered):
        return mapping.with_(more, gone)
    if len(mapping) <= COPIED_MAX:
        made = {key: v for key, v in mapping.items() if key not in gone}
        return {**made, **more}
    nothing: Layered[_Key, _Value] = Layered(mapping, {}, frozenset())
    return nothing.with_(more, gone)


def drop(mapping: Mapping[_Key, _Value]) -> None:
    """Free a dict entry by entry, if only the caller has it, who has no more use of it.

    At once, a hundred thousand would hold everybody up for some milliseconds.
    """
    if isinstance(mapping, dict) and sys.getrefcount(mapping) <= _REFERENCES:
        while mapping:
            mapping.popitem()
