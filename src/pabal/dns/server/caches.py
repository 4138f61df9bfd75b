"""The ready answers of all clients: one cache for each view and right.

No I/O.
"""

from collections.abc import Callable, Iterable
from itertools import chain, count

from pabal.base.clock import Clock
from pabal.dns.server.access import Rights
from pabal.dns.server.cache import AnswerCache
from pabal.dns.server.counting import Counts, Entry
from pabal.dns.settings import DnsSettings


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
            (view, recursion): AnswerCache(entries_max, octets_max, clock)
            for view in range(views)
            for recursion in (False, True)
        }

    def of(self, rights: Rights, host: str) -> AnswerCache | None:
        """Return where the answers for the client with these rights lie, if any do."""
        if (
            self._is_apart is not None
            and rights.recursion
            and self._is_apart(host, rights.view)
        ):
            return None
        return self._caches[rights.view, rights.recursion]

    @property
    def friends(self) -> frozenset[AnswerCache]:
        """Where the answers for clients lie whose rate is not limited."""
        return frozenset(c for (_, friend), c in self._caches.items() if friend)

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
