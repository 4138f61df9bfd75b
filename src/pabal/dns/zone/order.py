"""Names in the order of a zone, in short runs: versions share what they have alike.

Sans-IO. A list of a million names is copied, sorted and freed in steps in which no
other thread runs; a run is short. A change costs a list of references and its runs.
Source: RFC 4034 §6.1 (the order), RFC 5155 §7.1 (that of hashes).
"""

import bisect
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

RUN_NAMES: Final = 512
"""Names of a run that was just made; one twice as long is cut in two."""

SORTED_NAMES: Final = 2048
"""Sorted at once, which no other thread may interrupt: a millisecond."""

SAMPLES: Final = 8
"""Names looked at for each such heap, so that none is much larger than others."""

Key = Callable[[bytes], bytes]
"""Returns octets that sort as a name does."""

_Run = tuple[tuple[bytes, ...], tuple[bytes, ...]]
"""Keys, and the names they are of: one tuple, where names sort by themselves."""


class Order:
    """Names in order, in a ring: the first comes after the last.

    Args (of the constructor):
        key: What names sort by; ``None``: they themselves.
        names: In any order; those that come in order need no sorting.
    """

    __slots__ = ("_firsts", "_key", "_runs")

    def __init__(self, key: Key | None, names: Collection[bytes] = ()) -> None:
        self._key = key
        self._runs: list[_Run] = []
        self._firsts: list[bytes] = []
        if not self._fill(names):
            self._runs, self._firsts = [], []
            self._fill(gently_sorted(names, key))

    def _fill(self, names: Iterable[bytes]) -> bool:
        """Take ``names`` over; return whether they came in order."""
        source, last = iter(names), None
        while piece := tuple(islice(source, RUN_NAMES)):
            run = self._run(piece)
            keys = run[0]
            if last is not None and last >= keys[0]:
                return False
            if any(one >= other for one, other in pairwise(keys)):
                return False
            last = keys[-1]
            self._runs.append(run)
            self._firsts.append(keys[0])
        return True

    def following(self, names: Iterable[bytes]) -> "Order":
        """Put ``names``, which come in order, into this, which is empty; return it.

        Raises:
            ValueError: They come in another order.
        """
        if not self._fill(names):
            raise ValueError("names out of order")
        return self

    def _run(self, names: tuple[bytes, ...]) -> _Run:
        key = self._key
        return (names if key is None else tuple(map(key, names))), names

    def copy(self) -> "Order":
        """Return the same, to be changed without changing this."""
        made = Order(self._key)
        made._runs, made._firsts = self._runs.copy(), self._firsts.copy()
        return made

    def __iter__(self) -> Iterator[bytes]:
        for _, names in self._runs:
            yield from names

    def __len__(self) -> int:
        return sum(len(names) for _, names in self._runs)

    def __contains__(self, name: bytes) -> bool:
        return bool(self._runs) and self.at_or_before(name) == name

    def at_or_before(self, name: bytes) -> bytes:
        """Return ``name`` or the one before it; there must be any."""
        run, place = self._place(name)
        return self._runs[run][1][place - 1] if place else self._runs[-1][1][-1]

    def before(self, name: bytes) -> bytes:
        """Return the one before ``name``, there or not; there must be any."""
        run, place = self._place(name)
        place -= self._is_at(name, run, place)
        names = self._runs[run][1]
        return names[place - 1] if place else self._runs[run - 1][1][-1]

    def after(self, name: bytes) -> bytes:
        """Return the one after ``name``, there or not; there must be any."""
        run, place = self._place(name)
        names = self._runs[run][1]
        if place < len(names):
            return names[place]
        return self._runs[(run + 1) % len(self._runs)][1][0]

    def _place(self, name: bytes) -> tuple[int, int]:
        """Return the run for ``name``, and how many of it are not behind it."""
        key = name if self._key is None else self._key(name)
        run = max(bisect.bisect_right(self._firsts, key) - 1, 0)
        return run, bisect.bisect_right(self._runs[run][0], key)

    def _is_at(self, name: bytes, run: int, place: int) -> bool:
        return place > 0 and self._runs[run][1][place - 1] == name

    def add(self, name: bytes) -> bool:
        """Put ``name`` in its place; return whether it was not there."""
        if not self._runs:
            self._fill((name,))
            return True
        run, place = self._place(name)
        if self._is_at(name, run, place):
            return False
        names = self._runs[run][1]
        self._put(run, (*names[:place], name, *names[place:]))
        return True

    def discard(self, name: bytes) -> bool:
        """Take ``name`` out; return whether it was there."""
        if not self._runs:
            return False
        run, place = self._place(name)
        if not self._is_at(name, run, place):
            return False
        names = self._runs[run][1]
        self._put(run, (*names[: place - 1], *names[place:]))
        return True

    def _put(self, place: int, names: tuple[bytes, ...]) -> None:
        """Put ``names`` in the place of one run."""
        halves: Sequence[tuple[bytes, ...]] = (names,) if names else ()
        if len(names) > 2 * RUN_NAMES:
            halves = names[:RUN_NAMES], names[RUN_NAMES:]
        runs = [self._run(half) for half in halves]
        self._runs[place : place + 1] = runs
        self._firsts[place : place + 1] = [keys[0] for keys, _ in runs]

    @property
    def runs(self) -> list[_Run]:
        """What it consists of, for whoever frees it bit by bit."""
        return self._runs


def gently_sorted(names: Collection[bytes], key: Key | None = None) -> Iterator[bytes]:
    """Yield ``names`` in order; other threads wait for a heap of them at most."""
    count = len(names)
    if count <= SORTED_NAMES:
        yield from sorted(names, key=key)
        return
    step = max(1, SORTED_NAMES // SAMPLES)
    sample = list(gently_sorted(list(islice(names, 0, None, step)), key))
    bounds = [each if key is None else key(each) for each in sample[::SAMPLES]]
    heaps: list[list[bytes]] = [[] for _ in range(len(bounds) + 1)]
    for name in names:
        sorts_by = name if key is None else key(name)
        heaps[bisect.bisect_right(bounds, sorts_by)].append(name)
    for place, heap in enumerate(heaps):
        heap.sort(key=key)
        yield from heap
        heaps[place] = []
