"""Which zones need no look when a server reloads: most of many.

Sans-IO. A zone is settled when one file, and nothing else, decides what is served of
it: no derived records, updates, signatures, included files. As long as the stamp of
that file is the same, so is the zone. A hundred thousand of them are compared at once,
and in a process that was forked without touching, and thereby copying, their memory.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.dns.zone.batch import Held
from pabal.dns.zone.source import Stamp, is_plain

_IMPRINT: Final = (1 << 62) - 1
"""Bits of an imprint, in which sums of hashes are kept."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a reload has to do.

    Attributes:
        files: To be looked at.
        loose: Folded apexes of the zones that are only held on if they are found again.
    """

    files: Collection[str]
    loose: Collection[bytes]


@dataclass(frozen=True, slots=True)
class Settled:
    """The zones that need no look.

    Attributes:
        stamps: The stamp of each file at which its zone was loaded.
        files: The file of each zone by folded apex.
        loose: Folded apexes of the zones that are held and not settled.
        rest: The files there were that are of no settled zone.
        imprint: Another number for other files.
    """

    stamps: Mapping[str, Stamp]
    files: Mapping[bytes, str]
    loose: frozenset[bytes]
    rest: frozenset[str]
    imprint: int

    def look(
        self,
        stamps: Mapping[str, Stamp],
        origins: Collection[bytes] | None,
        files: Iterable[str],
    ) -> Look:
        """Return what has to be looked at.

        Args:
            stamps: All files there are now.
            origins: Apexes that something else decides about as well; ``None``: all.
            files: The same, as files.
        """
        if origins is None:
            return Look(stamps, {*self.loose, *self.files})
        busy = {self.files[each] for each in origins if each in self.files}
        busy.update(file for file in files if file in self.stamps)
        if imprint_of(stamps) == self.imprint:
            looked = {*self.rest, *busy}
            changed = busy
        else:
            known = self.stamps
            looked = {f for f, s in stamps.items() if known.get(f) != s} | busy
            changed = {file for file in known if stamps.get(file) != known[file]} | busy
        if not changed:
            return Look(looked, self.loose)
        gone = {apex for apex, file in self.files.items() if file in changed}
        return Look(looked, self.loose | gone)

    def after(
        self, stamps: Mapping[str, Stamp], look: Look, taken: Mapping[bytes, Held]
    ) -> "Settled":
        """Return what is settled when ``taken`` came of ``look``."""
        fresh = {
            apex: held
            for apex, held in taken.items()
            if is_settled(held)
            # Not of a file that is wrong now, or has changed since.
            and held.basis.stamps[0][1] == stamps.get(held.basis.stamps[0][0])
        }
        imprint = imprint_of(stamps)
        if not fresh and look.loose == self.loose and imprint == self.imprint:
            return self
        gone = {*look.loose, *taken}
        files = {a: file for a, file in self.files.items() if a not in gone}
        files.update({a: held.basis.file or "" for a, held in fresh.items()})
        known = {
            file: self.stamps[file] for file in files.values() if file in self.stamps
        }
        known.update(held.basis.stamps[0] for held in fresh.values())
        return Settled(
            known,
            files,
            frozenset(taken.keys() - fresh.keys()),
            frozenset(stamps.keys() - known.keys()),
            imprint,
        )

    def without(self, origin: bytes) -> "Settled":
        """Return the same with zone ``origin`` loose."""
        if origin not in self.files:
            return self
        files = {**self.files}
        file = files.pop(origin)
        known = {each: stamp for each, stamp in self.stamps.items() if each != file}
        return Settled(
            known, files, self.loose | {origin}, self.rest | {file}, self.imprint
        )


NOTHING_SETTLED: Final = Settled(
    MappingProxyType({}), MappingProxyType({}), frozenset(), frozenset(), 0
)


def is_settled(held: Held) -> bool:
    """Return whether one file alone decides what is served of a zone."""
    basis = held.basis
    return (
        basis.file is not None
        and not basis.hosted
        and held.served is held.own
        and held.dynamic is None
        and len(basis.stamps) == 1
        and basis.stamps[0][0] == basis.file
        and is_plain(basis.file)
    )


def imprint_of(stamps: Mapping[str, Stamp]) -> int:
    """Return a number that is another one for other files."""
    # Not as a set: to hash a hundred thousand at once would hold everybody up.
    total = 1 + len(stamps)
    for each in stamps.items():
        total = (total + hash(each)) & _IMPRINT
    return total
