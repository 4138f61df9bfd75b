"""The ready answers of all clients: one cache for each view and right.

No I/O.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain, count
from typing import Final

from pabal.base.clock import Clock
from pabal.dns.server.access import Rights
from pabal.dns.server.cache import AnswerCache
from pabal.dns.server.counting import Counts, Entry
from pabal.dns.settings import DnsSettings

KINDS_MAX: Final = 16
"""Kinds of clients, told apart by lists of single zones, whose answers are kept: they
share a quarter of the room, beside the room itself. What others get is not kept."""


class Caches:
    """An equal share of the room for each kind of clients.

    Args (of the constructor):
        views: How many views there are, the common one among them.
        is_apart: Told address and view of who may recurse: whether what it gets is
            not for others.

    Attributes:
        counts: What was answered, by whomever.
        turn: Counts the answers put in: each begins with the next of its versions.
    """

    def __init__(
        self,
        views: int,
        settings: DnsSettings,
        clock: Clock,
        is_apart: Callable[[str, int], bool] | None = None,
    ) -> None:
        self._is_apart = is_apart
        self._clock = clock
        self._second = int(clock.monotonic())
        self.turn = count(1)
        self.counts = Counts()
        entries_max = settings.cache_entries_max // (2 * views)
        octets_max = settings.cache_octets_max // (2 * views)
        self._caches = {
            Rights(query=True, recursion=recursion, view=view): AnswerCache(
                entries_max, octets_max, clock
            )
            for view in range(views)
            for recursion in (False, True)
        }
        self._kinds_max = len(self._caches) + KINDS_MAX
        self._further = partial(
            AnswerCache,
            settings.cache_entries_max // (4 * KINDS_MAX),
            settings.cache_octets_max // (4 * KINDS_MAX),
            clock,
        )
        self._friends = {c for rights, c in self._caches.items() if rights.recursion}

    def of(self, rights: Rights, host: str) -> AnswerCache | None:
        """Return where the answers for the client with these rights lie, if any do."""
        if (
            self._is_apart is not None
            and rights.recursion
            and self._is_apart(host, rights.view)
        ):
            return None
        found = self._caches.get(rights)
        return self._new(rights) if found is None else found

    def _new(self, rights: Rights) -> AnswerCache | None:
        """Return a cache for clients with lists of single zones; ``None``: no more."""
        if len(self._caches) >= self._kinds_max:
            return None
        made = self._caches[rights] = self._further()
        if rights.recursion:
            self._friends.add(made)
        return made

    @property
    def friends(self) -> AbstractSet[AnswerCache]:
        """Where the answers for clients lie whose rate is not limited; it may grow."""
        return self._friends

    def tick(self) -> None:
        """Let what ages do so: call it before answers are looked for, once a batch."""
        second = int(self._clock.monotonic())
        if second != self._second:
            self._second = second
            for cache in self._caches.values():
                cache.tick(second)

    def entries(self) -> Iterable[Entry]:
        """Return all whose counts may be behind."""
        return chain.from_iterable(cache.entries() for cache in self._caches.values())

    def clear(self) -> None:
        """Forget every answer."""
        for cache in self._caches.values():
            cache.clear()
