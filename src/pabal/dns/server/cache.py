"""Ready answers: the octets after the id, by the octets after the id of the query.

No I/O. Two generations bound it: when the young one is full it becomes the old one and
what the old one held is forgotten, except what was asked for since. That costs a hit
nothing, and forgetting is one assignment.
"""

import secrets
from collections.abc import Iterator, Sequence
from itertools import cycle
from struct import Struct
from typing import Final

from pabal.base.clock import Clock
from pabal.dns.server.missing import MissingNames
from pabal.dns.settings import FIXED, RANDOM
from pabal.dns.wire.response import Rendered, turned

TURNS_MAX: Final = 16
"""Turned copies of one answer: beyond that many addresses some never come first."""

ENTRY_OVERHEAD_OCTETS: Final = 300
"""What a dict slot, two bytes objects and an iterator cost beside their octets."""

_TTL: Final = Struct("!I")

Entry = Iterator[bytes]
"""Gives the octets after the id, again and again, turned each time; stops when the
answer has lived out its TTL. Iterators of ``itertools`` cost a hit no Python frame."""


def turns(rendered: Rendered, order: str, firsts: Sequence[int] = ()) -> list[bytes]:
    """Return the versions of an answer that clients get in turn, ids cut off.

    Args:
        order: One of ``ORDERS``.
        firsts: Which record stands first in each; empty: as ``order`` says.
    """
    run = rendered.run
    if run is None or (order == FIXED and not firsts):
        return [rendered.octets[2:]]
    count = min(run.count, TURNS_MAX)
    if firsts and max(firsts) < run.count:
        chosen = firsts
    elif order == RANDOM:
        chosen = [secrets.randbelow(run.count) for _ in range(TURNS_MAX)]
    else:
        chosen = range(count)
    made = {by: turned(rendered.octets, run, by)[2:] for by in set(chosen)}
    return [made[by] for by in chosen]


def lasting(versions: list[bytes]) -> Entry:
    """Return an entry that never stops: our own zones, until they change."""
    return cycle(versions)


class Ageing:
    """An entry for an answer of the resolver: its TTLs count down (RFC 1035 §4.1.3)."""

    def __init__(self, rendered: Rendered, versions: list[bytes], clock: Clock) -> None:
        self._clock = clock
        self._versions = [bytearray(version) for version in versions]
        # The id is cut off, so everything stands two octets earlier.
        self._offsets = [offset - 2 for offset in rendered.ttl_offsets]
        octets = rendered.octets
        self._ttls = [_TTL.unpack_from(octets, at)[0] for at in rendered.ttl_offsets]
        self._life_s = rendered.ttl_min_s
        self._born = clock.monotonic()
        self._age_s = 0
        self._turning: Iterator[bytes] = cycle(versions)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the answer as of now; stop when a record's time is over."""
        age_s = int(self._clock.monotonic() - self._born)
        if age_s != self._age_s:
            self._grow(age_s)
        return next(self._turning)

    def _grow(self, age_s: int) -> None:
        if age_s >= self._life_s:
            raise StopIteration
        self._age_s = age_s
        for version in self._versions:
            for offset, ttl_s in zip(self._offsets, self._ttls, strict=True):
                _TTL.pack_into(version, offset, ttl_s - age_s)
        self._turning = cycle([bytes(version) for version in self._versions])


class AnswerCache:
    """Ready answers for one class of clients.

    Attributes:
        young: Looked into first, by the driver itself: one dict look-up.
        missing: Looked into next: names that do not exist.
    """

    def __init__(self, entries_max: int, octets_max: int) -> None:
        self.young: dict[bytes, Entry] = {}
        self.missing = MissingNames()
        self._young_sizes: dict[bytes, int] = {}
        self._old: dict[bytes, Entry] = {}
        self._old_sizes: dict[bytes, int] = {}
        self._entries_max = max(1, entries_max // 2)
        self._octets_max = octets_max // 2
        self._octets = 0

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def entry(self, key: bytes) -> Entry | None:
        """Return what is kept for ``key``; asked for, it stays another generation."""
        entry = self.young.get(key)
        if entry is None:
            entry = self._old.pop(key, None)
            if entry is not None:
                self._put(key, entry, self._old_sizes.pop(key))
        return entry

    def hit(self, data: bytes) -> bytes | None:
        """Return the answer to query ``data`` if it lies ready under these octets."""
        entry = self.young.get(data[2:])
        if entry is None:
            return self.missing.answer(data)
        answer = next(entry, None)
        return None if answer is None else data[:2] + answer

    def put(self, key: bytes, entry: Entry, octets: int) -> None:
        """Keep ``entry``, whose versions have ``octets`` in all, for ``key``."""
        self._old.pop(key, None)
        self._put(key, entry, octets + len(key) + ENTRY_OVERHEAD_OCTETS)

    def _put(self, key: bytes, entry: Entry, size: int) -> None:
        full = len(self.young) >= self._entries_max
        if full or self._octets + size > self._octets_max:
            self._old, self._old_sizes = self.young, self._young_sizes
            self.young, self._young_sizes = {}, {}
            self._octets = 0
        self._octets += size - self._young_sizes.get(key, 0)
        self.young[key] = entry
        self._young_sizes[key] = size

    def clear(self) -> None:
        """Forget everything."""
        self.missing.clear()
        self.young, self._young_sizes = {}, {}
        self._old, self._old_sizes = {}, {}
        self._octets = 0
