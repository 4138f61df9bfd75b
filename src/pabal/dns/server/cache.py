"""Ready answers: the octets after the id, by the octets after the id of the query.

No I/O. Two generations bound it: when the young one is full it becomes the old one and
what the old one held is forgotten, except what was asked for since. That costs a hit
nothing, and forgetting is one assignment. What was forgotten is freed bit by bit with
the next answers: at once, a hundred thousand would hold everybody up.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from struct import Struct
from typing import Final

from pabal.base.clock import Clock
from pabal.dns.server.counting import Entry, Group, Lasting, Turning, lasting
from pabal.dns.server.siblings import Siblings
from pabal.dns.server.spent import Spent
from pabal.dns.settings import FIXED, RANDOM
from pabal.dns.wire.option import with_options
from pabal.dns.wire.response import Rendered, turned

TURNS_MAX: Final = 16
"""Turned copies of one answer: beyond that many addresses some never come first."""

ENTRY_OVERHEAD_OCTETS: Final = 320
"""What a dict slot, two bytes objects and an iterator cost beside their octets."""

END_PART: Final = 10
"""In the last tenth of its time a positive answer is asked of the resolver again, which
then fetches it anew: what is popular never ends (see ``resolver.cache``)."""

REPEATED_MAX: Final = 4096
"""Answers put together that are kept as they are, until there is no room and a second
begins. Who asks once asks again, and one that lies ready costs a third or less; of a
flood of names only so many a second are kept: 2 MB, with signatures 4."""

FREED_WITH_EACH: Final = 4
"""Forgotten answers that are counted and freed with each that is kept: 2 us,
and what is forgotten is always less than there ever was."""

FREED_A_SECOND: Final = 5_000
"""The same when a second begins, should nothing be kept: 2 ms."""

_COUNT: Final = slice(6, 8)
"""Where a message says how many records its answer has (RFC 1035 §4.1.1)."""

_TTL: Final = Struct("!I")


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


class Ageing:
    """An entry for an answer of the resolver: its TTLs count down (RFC 1035 §4.1.3).

    They do so where the clock's own seconds begin, for all entries at once: never late,
    and early by less than a second.

    Attributes:
        error: An Extended DNS Error (RFC 8914), as an option. ``turning`` gives answers
            that carry it; as an iterator the entry gives them without any option, for
            who asked for others.
    """

    def __init__(
        self,
        rendered: Rendered,
        versions: list[bytes],
        clock: Clock,
        error: bytes = b"",
        group: Group | None = None,
    ) -> None:
        self.error = error
        self._group = group or Group()
        self._clock = clock
        self._versions = [bytearray(version) for version in versions]
        # The id is cut off, so everything stands two octets earlier.
        self._offsets = [offset - 2 for offset in rendered.ttl_offsets]
        octets = rendered.octets
        self._ttls = [_TTL.unpack_from(octets, at)[0] for at in rendered.ttl_offsets]
        self._life_s = rendered.ttl_min_s
        if octets[_COUNT] != b"\0\0":
            self._life_s -= self._life_s // END_PART
        self._born = int(clock.monotonic())
        self._age_s = 0
        self._plain, self._turning = self._made(versions)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the answer as of now; stop when a record's time is over."""
        if self.turning(int(self._clock.monotonic())) is None:
            raise StopIteration
        answer: bytes = next(self._plain)
        return answer

    def settle(self) -> None:
        """Tell the group how many were taken since this was called last."""
        self._plain.settle()
        self._turning.settle()

    def turning(self, second: int) -> Lasting | Turning | None:
        """Return the answer as it is in ``second`` of the clock, without end.

        ``None``: a record's time is over.
        """
        age_s = second - self._born
        if age_s >= self._life_s:
            return None
        if age_s != self._age_s:
            self._grow(age_s)
        return self._turning

    def _grow(self, age_s: int) -> None:
        self._age_s = age_s
        for version in self._versions:
            for offset, ttl_s in zip(self._offsets, self._ttls, strict=True):
                _TTL.pack_into(version, offset, ttl_s - age_s)
        self.settle()
        versions = [bytes(version) for version in self._versions]
        self._plain, self._turning = self._made(versions)

    def _made(
        self, versions: Sequence[bytes]
    ) -> tuple[Lasting | Turning, Lasting | Turning]:
        """Return what gives ``versions``, without options and with."""
        longer = [with_options(each, self.error) for each in versions]
        return lasting(versions, self._group), lasting(longer, self._group)


class AnswerCache:
    """Ready answers for one class of clients.

    Attributes:
        ready: Looked into first, by the driver itself: one dict look-up. Its entries
            never end; what ages is as of this second, and ``tick`` ends it. What
            ``siblings`` said is there once it was asked for.
        siblings: Asked next: what is known of names beside others.
    """

    def __init__(self, entries_max: int, octets_max: int, clock: Clock) -> None:
        self.ready: dict[bytes, Iterator[bytes]] = {}
        self.siblings = Siblings()
        self._clock = clock
        self._second = int(clock.monotonic())
        self._some_age = False
        self._repeated_room = REPEATED_MAX
        self._spent = Spent()
        # With what each of them takes.
        self._young: dict[bytes, tuple[Entry, int]] = {}
        self._old: dict[bytes, tuple[Entry, int]] = {}
        self._entries_max = max(1, entries_max // 2)
        self._octets_max = octets_max // 2
        self._octets = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def tick(self, second: int) -> None:
        """Let what ages do so: call it in each ``second`` of the clock.

        Where nothing ages, as in our own zones, ``ready`` stays as it is.
        """
        self._second = second
        if self._some_age or not self._repeated_room:
            self._start_over()
        self._spent.free(FREED_A_SECOND)

    def _start_over(self) -> None:
        self._spent.take(self.ready)
        self.ready = {}
        self._some_age = False
        self._repeated_room = REPEATED_MAX
        self._spent.settle_repeated()

    def find(self, key: bytes) -> bytes | None:
        """Return the answer to query ``key`` that is not in ``ready`` but can be."""
        self._spent.free(FREED_WITH_EACH)
        kept = self._young.get(key)
        if kept is None:
            answer = self.siblings.answer(key)
            if answer is not None and self._repeated_room:
                self._repeated_room -= 1
                repeated = lasting((answer,), self.siblings.group)
                self._spent.repeated.append(repeated)
                self.ready[key] = repeated
            return answer
        entry: Iterator[bytes] = kept[0]
        if isinstance(entry, Ageing):
            turning = entry.turning(self._second)
            if turning is None:
                return None
            self._some_age = True
            entry = turning
        self.ready[key] = entry
        return next(entry)

    def entry(self, key: bytes) -> Entry | None:
        """Return what is kept for ``key``; asked for, it stays another generation."""
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.pop(key, None)
            if kept is None:
                return None
            self._put(key, *kept)
        return kept[0]

    def hit(self, data: bytes) -> bytes | None:
        """Return the answer to query ``data`` if it lies ready under these octets."""
        second = int(self._clock.monotonic())
        if second != self._second:
            self.tick(second)
        key = data[2:]
        entry = self.ready.get(key)
        answer = self.find(key) if entry is None else next(entry)
        return None if answer is None else data[:2] + answer

    def put(self, key: bytes, entry: Entry, octets: int) -> None:
        """Keep ``entry``, whose versions have ``octets`` in all, for ``key``."""
        replaced = self._old.pop(key, None)
        if replaced is not None:
            replaced[0].settle()
        self.ready.pop(key, None)
        self._spent.free(FREED_WITH_EACH)
        self._put(key, entry, octets + len(key) + ENTRY_OVERHEAD_OCTETS)

    def _put(self, key: bytes, entry: Entry, size: int) -> None:
        full = len(self._young) >= self._entries_max
        if full or self._octets + size > self._octets_max:
            self._spent.take(self._old)
            self._old, self._young = self._young, {}
            self._octets = 0
            # What the driver still finds would not be asked for here, and be forgotten.
            self._start_over()
        before = self._young.get(key)
        self._octets += size
        if before is not None:
            self._octets -= before[1]
            before[0].settle()
        self._young[key] = entry, size

    def clear(self) -> None:
        """Forget everything."""
        self.siblings.clear()
        self._start_over()
        self._spent.take(self._young)
        self._spent.take(self._old)
        self._young, self._old = {}, {}
        self._octets = 0

    def entries(self) -> Iterable[Entry]:
        """Return all whose counts may be behind, those that went among them."""
        kept = [*self._young.values(), *self._old.values()]
        return chain(self._spent.entries(), (entry for entry, _ in kept))
