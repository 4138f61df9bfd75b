"""Which zones need no look when a server reloads: most of many.

Sans-IO. A zone is settled when one file, and nothing else, decides what is served of
it: no derived records, updates, signatures, included files. As long as the stamp of
that file is the same, so is the zone. A hundred thousand of them are compared at once,
and in a process that was forked without touching, and thereby copying, their memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.batch import Held
from pabal.dns.zone.layers import layered
from pabal.dns.zone.source import COPIED, Stamp, is_plain, zone_name


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
        imprint: int,
        origins: Collection[bytes] | None,
        files: Iterable[str],
    ) -> Look:
        """Return what has to be looked at.

        Args:
            stamps: All files there are now.
            imprint: Theirs.
            origins: Apexes that something else decides about as well; ``None``: all.
            files: The same, as files.
        """
        if origins is None:
            return Look(stamps, {*self.loose, *self.files})
        busy = self._busy(origins, files)
        if imprint == self.imprint:
            return self._without_settled({*self.rest, *busy}, busy)
        known = self.stamps
        looked = {f for f, s in stamps.items() if known.get(f) != s} | busy
        changed = {file for file in known if stamps.get(file) != known[file]} | busy
        return self._without_settled(looked, changed)

    def look_at(
        self,
        named: Mapping[str, Stamp],
        gone: Collection[str],
        origins: Collection[bytes],
        files: Iterable[str],
    ) -> Look:
        """Return what has to be looked at if other files are as they were.

        Args:
            named: Files that may have changed, as they are now.
            gone: Files that are no longer there.
            origins: Apexes that something else decides about as well.
            files: The same, as files.
        """
        busy = self._busy(origins, files)
        known = self.stamps
        other = {file for file, stamp in named.items() if known.get(file) != stamp}
        looked = {*self.rest, *busy, *other}
        looked.difference_update(gone)
        changed = {file for file in (*busy, *other, *gone) if file in known}
        return self._without_settled(looked, changed)

    def _busy(self, origins: Iterable[bytes], files: Iterable[str]) -> set[str]:
        busy = {self.files[each] for each in origins if each in self.files}
        busy.update(file for file in files if file in self.stamps)
        return busy

    def _without_settled(self, looked: Collection[str], changed: set[str]) -> Look:
        """Return what to look at when the settled zones of ``changed`` are not."""
        if not changed:
            return Look(looked, self.loose)
        return Look(looked, self.loose | self._apexes(changed))

    def _apexes(self, files: Collection[str]) -> set[bytes]:
        """Return the folded apexes of the settled zones that ``files`` hold."""
        found = set()
        for file in files:
            name = zone_name(file.removeprefix(COPIED))
            apex = b"" if name is None else name_octets(name).lower()
            if self.files.get(apex) == file:
                found.add(apex)
        return found

    def after(
        self,
        stamps: Mapping[str, Stamp],
        imprint: int,
        look: Look,
        taken: Mapping[bytes, Held],
    ) -> "Settled":
        """Return what is settled when ``taken`` came of ``look`` at all files."""
        fresh = self._fresh(stamps, taken)
        if not fresh and look.loose == self.loose and imprint == self.imprint:
            return self
        known, files = self._known(look, taken, fresh)
        # Not as sets: to make them would hold everybody up.
        rest = frozenset(file for file in stamps if file not in known)
        loose = frozenset(taken.keys() - fresh.keys())
        return Settled(known, files, loose, rest, imprint)

    def after_some(
        self,
        named: Mapping[str, Stamp],
        gone: Collection[str],
        look: Look,
        taken: Mapping[bytes, Held],
    ) -> "Settled":
        """Return what is settled when ``taken`` came of a look at some files only."""
        stamps = {file: held.basis.stamps[0][1] for file, held in _files_of(taken)}
        stamps.update(named)
        fresh = self._fresh(stamps, taken)
        if not fresh and look.loose == self.loose and not named and not gone:
            return self
        known, files = self._known(look, taken, fresh)
        rest = {*self.rest, *look.files, *named}.difference(gone)
        loose = frozenset(taken.keys() - fresh.keys())
        unsettled = frozenset(file for file in rest if file not in known)
        return Settled(known, files, loose, unsettled, 0)

    def _fresh(
        self, stamps: Mapping[str, Stamp], taken: Mapping[bytes, Held]
    ) -> dict[bytes, Held]:
        return {
            apex: held
            for apex, held in taken.items()
            if is_settled(held)
            # Not of a file that is wrong now, or has changed since.
            and held.basis.stamps[0][1] == stamps.get(held.basis.stamps[0][0])
        }

    def _known(
        self, look: Look, taken: Mapping[bytes, Held], fresh: Mapping[bytes, Held]
    ) -> tuple[Mapping[str, Stamp], Mapping[bytes, str]]:
        """Return the stamps and files of what is settled now."""
        gone = {apex for apex in (*look.loose, *taken) if apex in self.files}
        before = {self.files[apex] for apex in gone}
        stamps = dict(held.basis.stamps[0] for held in fresh.values())
        named = {apex: held.basis.file or "" for apex, held in fresh.items()}
        return (
            layered(self.stamps, stamps, before),
            layered(self.files, named, gone),
        )

    def without(self, origin: bytes) -> "Settled":
        """Return the same with zone ``origin`` loose."""
        file = self.files.get(origin)
        if file is None:
            return self
        known = layered(self.stamps, {}, (file,))
        files = layered(self.files, {}, (origin,))
        rest = self.rest | {file}
        return Settled(known, files, self.loose | {origin}, rest, self.imprint)


def _files_of(taken: Mapping[bytes, Held]) -> Iterator[tuple[str, Held]]:
    """Yield the zones that are made of one file, and that file."""
    for held in taken.values():
        if len(held.basis.stamps) == 1:
            yield held.basis.stamps[0][0], held


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
