"""Answers nobody asks for any more: counted and freed bit by bit.

No I/O. At once, a hundred thousand would hold everybody up for some twenty
milliseconds.
"""

from collections.abc import Iterator, Sequence

from pabal.dns.server.counting import Entry

Kept = dict[bytes, tuple[Entry, int]]
"""Answers with what each of them takes."""

Ready = dict[bytes, Iterator[bytes]]
"""What the driver takes answers from: they are counted elsewhere."""


class Spent:
    """What a cache has forgotten.

    Attributes:
        repeated: What is still asked for, but in no cache.
    """

    __slots__ = ("_dicts", "repeated")

    def __init__(self) -> None:
        self.repeated: list[Entry] = []
        self._dicts: list[Kept | Ready] = []

    def __len__(self) -> int:
        return sum(map(len, self._dicts))

    def take(self, entries: Kept | Ready) -> None:
        """Take what a cache forgets."""
        if entries:
            self._dicts.append(entries)

    def free(self, count: int) -> None:
        """Count how often ``count`` of them were asked for, and let go of them."""
        dicts = self._dicts
        while dicts and count:
            count -= 1
            entries = dicts[-1]
            _, entry = entries.popitem()
            if isinstance(entry, tuple):
                entry[0].settle()
            if not entries:
                dicts.pop()

    def settle_repeated(self) -> None:
        """Count how often what was repeated was asked for, and let go of it."""
        for entry in self.repeated:
            entry.settle()
        self.repeated = []

    def entries(self) -> Sequence[Entry]:
        """Return all whose counts are behind."""
        gone = (
            entry[0]
            for entries in self._dicts
            for entry in entries.values()
            if isinstance(entry, tuple)
        )
        return [*self.repeated, *gone]
