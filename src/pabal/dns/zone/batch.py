"""The next set of zones, gathered one by one.

Blocks for as long as parsing takes. ``Held`` is the one place that a zone passes on its
way into service: file and derived records (``load``), updates (``dynamic``), and at
last what ``Finish`` makes of it.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import dns.name
from typing_extensions import override

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire.name import to_text
from pabal.dns.wire.rrset import name_octets, name_of
from pabal.dns.zone.catalog import Listing, build_catalog
from pabal.dns.zone.dynamic import Dynamic, is_timed
from pabal.dns.zone.fallback import Fallbacks
from pabal.dns.zone.journal import SUFFIX, JournalError, JournalFile, Position
from pabal.dns.zone.load import ZoneInput
from pabal.dns.zone.problem import Place, Problem, Severity, has_errors
from pabal.dns.zone.reading import Apart, Reader, Stamps
from pabal.dns.zone.small import SmallZones
from pabal.dns.zone.source import SUFFIX as ZONE_SUFFIX
from pabal.dns.zone.source import ZoneSource, zone_file, zone_name
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.write import name_text


class Finish(Protocol):
    """Makes the zones that are served of what their owners mean, for example signed."""

    def begin(self) -> Collection[bytes] | None:
        """Look what has changed; called before the zones of one reload.

        Returns:
            The folded apexes that it may make another zone of; ``None``: of any.
        """
        ...

    def __call__(self, own: Zone, before: Zone | None) -> Zone:
        """Return the zone to serve for ``own``; ``before`` was served until now.

        The same object as before says that nothing changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a reload did.

    Attributes:
        loaded: Zones that are new or changed.
        unchanged: Zones that were looked at and stayed as they were.
        kept: Zones whose new version is wrong: the one before goes on.
        refused: Zones that are wrong and have no version before.
        removed: Zones that are no longer there.
        problems: Everything found, errors and warnings.
    """

    loaded: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every zone is as its owner wrote it."""
        return not has_errors(self.problems)


class Journals:
    """The journals of all zones.

    Args (of the constructor):
        directory: Where they are; made when the first is.

    Attributes:
        writes: Whether this process may write them; tools only look.
    """

    def __init__(self, directory: Path, *, writes: bool = True) -> None:
        self._directory = directory
        self.writes = writes

    def present(self) -> dict[str, Position]:
        """Return the journals there are by name, and where each ends."""
        try:
            with os.scandir(self._directory) as entries:
                return {
                    entry.name: (entry.inode(), entry.stat().st_size)
                    for entry in entries
                    if entry.name.endswith(SUFFIX)
                }
        except OSError:
            return {}

    def of(self, name: dns.name.Name) -> Dynamic:
        """Return the updates of zone ``name``, not read yet."""
        return Dynamic(JournalFile(self._directory / journal_name(name)), self.writes)

    def make(self) -> None:
        """Make the directory; raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def zone_of(journal: str) -> dns.name.Name | None:
    """Return the zone that has the journal of this name; ``None`` if none can."""
    return zone_name(journal.removesuffix(SUFFIX) + ZONE_SUFFIX)


def journal_name(name: dns.name.Name) -> str:
    """Return how the journal of zone ``name`` is called."""
    return zone_file(name).removesuffix(ZONE_SUFFIX) + SUFFIX


@dataclass(frozen=True, slots=True)
class Basis:
    """What a running zone was made from; equal means nothing changed."""

    file: str | None
    stamps: Stamps
    hosted: bool
    derived: tuple[DerivedRecord, ...]

    def holds(self, given: ZoneInput, reader: Reader) -> bool:
        """Return whether ``given`` would give the same zone again."""
        return (
            (self.file, self.hosted, self.derived)
            == (given.file, given.hosted, given.derived)
        ) and all(reader.stamp(file) == stamp for file, stamp in self.stamps)


@dataclass(frozen=True, slots=True)
class Held:
    """One zone and where it comes from.

    Attributes:
        basis: What it was made from.
        own: As its owner means it: file, derived records, updates.
        served: As it is answered from.
        dynamic: Its updates, if it ever had one.
        copied: Whether another server's copy is served as it is.
    """

    basis: Basis
    own: Zone
    served: Zone
    dynamic: Dynamic | None
    copied: bool

    @property
    def zones(self) -> Sequence[Zone]:
        """What is held: often one zone."""
        return (self.own,) if self.own is self.served else (self.own, self.served)


class Owners(Mapping[bytes, Zone]):
    """Every zone of ``held`` as its owner means it, by folded apex."""

    def __init__(self, held: Mapping[bytes, Held]) -> None:
        self._held = held

    @override
    def __getitem__(self, origin: bytes) -> Zone:
        return self._held[origin].own

    @override
    def __iter__(self) -> Iterator[bytes]:
        return iter(self._held)

    @override
    def __len__(self) -> int:
        return len(self._held)


def served_of(finish: Finish | None, own: Zone, before: Zone | None) -> Zone:
    """Return the zone to answer from: the one place where that is decided."""
    return own if finish is None else finish(own, before)


@dataclass(slots=True)
class Batch:
    """Gathers the next set of zones.

    Attributes:
        running: What is held until now, by folded apex.
        source: Where files come from.
        journals: Where updates are, if any may be.
        finish: Makes served zones of owners' zones, if set.
        fallbacks: Where last good versions are kept, if anywhere.
        numbers: Whether others copy our zones: what changes has a new serial number.
        apart: Reads large zones, if set.
        held: The next set, as far as it was taken.
        finished: The folded apexes that are not served as they are; ``None``: any.
        begun: Whether a zone in it has a journal it had not before.
    """

    running: Mapping[bytes, Held]
    source: ZoneSource
    journals: Journals | None = None
    finish: Finish | None = None
    fallbacks: Fallbacks | None = None
    numbers: bool = False
    apart: Apart | None = None
    held: dict[bytes, Held] = field(default_factory=dict)
    finished: Collection[bytes] | None = ()
    begun: bool = False
    _small: SmallZones = field(default_factory=SmallZones)
    _updated: Mapping[str, Position] = field(default_factory=dict)
    _fallen: frozenset[str] = frozenset()
    _names: dict[str, list[str]] = field(default_factory=dict)
    _problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.journals is not None:
            self._updated = self.journals.present()
        if self.fallbacks is not None:
            self._fallen = self.fallbacks.present()
        if self.finish is not None:
            self.finished = self.finish.begin()

    def files_touched(self) -> Iterator[str]:
        """Yield the files of zones that have updates or a last good version."""
        for journal in self._updated:
            yield journal.removesuffix(SUFFIX) + ZONE_SUFFIX
        yield from self._fallen

    def take(self, given: ZoneInput) -> None:
        """Load the zone of ``given``, unless nothing it is made from has changed."""
        origin = name_octets(given.name).lower()
        before = self.running.get(origin)
        reader = Reader(self.source)
        if (
            before is not None
            and before.basis.holds(given, reader)
            and self._follow(given, before)
        ):
            return
        known = () if before is None else before.basis.stamps
        loaded = reader.load(given, self._small, self.apart, known)
        self._problems.extend(loaded.problems)
        basis = Basis(given.file, reader.stamps(), given.hosted, given.derived)
        if loaded.zone is not None:
            self._lay(given, basis, loaded.zone, before)
        elif before is not None:
            self._keep("kept", given, before)
        else:
            self._fall_back(given, basis)
        self._mind(given, loaded.zone, before)

    def _fall_back(self, given: ZoneInput, basis: Basis) -> None:
        """Serve the last good version after a restart, if one is kept."""
        zone = None
        if self.fallbacks is not None and zone_file(given.name) in self._fallen:
            zone = self.fallbacks.load(given.name)
        if zone is None:
            self._note("refused", given)
            return
        served = self._served(zone, None, copied=given.copied)
        self._keep("kept", given, Held(basis, zone, served, None, given.copied))
        self._note("loaded", given)

    def _mind(self, given: ZoneInput, good: Zone | None, before: Held | None) -> None:
        """Keep the last good version on disk as long as the file is wrong."""
        fallbacks = self.fallbacks
        kept = zone_file(given.name) in self._fallen if self._fallen else False
        if fallbacks is None or given.copied or kept == (good is None):
            return
        try:
            if good is not None:
                fallbacks.drop(given.name)
            elif before is not None:
                fallbacks.save(given.name, before.own)
        except OSError as error:
            place = Place(given.file or "")
            reason = f"the last good version cannot be kept: {error}"
            self._problems.append(Problem(Severity.WARNING, place, reason))

    def _follow(self, given: ZoneInput, before: Held) -> bool:
        """Take the zone over as it is, with updates done elsewhere, if that will do."""
        dynamic = self._dynamic(given, before)
        if dynamic is None and self._is_numbered(given, before.own):
            before = self._begun(given, before)
        if dynamic is None or (before.dynamic and not dynamic.is_behind):
            self._keep("unchanged", given, before)
            return True
        try:
            own = dynamic.follow(before.own)
        except (OSError, JournalError) as error:
            self._broken(given, dynamic, error)
            self._keep("kept", given, before)
            return True
        if own is before.own:
            self._keep("unchanged", given, replace(before, dynamic=dynamic))
        elif own is not None:
            self.put(given.name, replace(before, dynamic=dynamic), own)
        return own is not None

    def put(self, name: dns.name.Name, before: Held, own: Zone) -> None:
        """Hold another version of a zone, made from the same."""
        served = self._served(own, before.served, copied=before.copied)
        held = Held(before.basis, own, served, before.dynamic, before.copied)
        self.held[own.origin] = held
        self._names.setdefault("loaded", []).append(name.to_text())

    def _lay(
        self, given: ZoneInput, basis: Basis, plain: Zone, before: Held | None
    ) -> None:
        """Hold a zone just loaded, with its updates."""
        dynamic = self._dynamic(given, before)
        numbered = self._is_numbered(given, plain)
        if dynamic is None and numbered and self.journals is not None:
            dynamic = self.journals.of(given.name)
        own = plain
        if dynamic is not None:
            onto = dynamic.from_now_on if numbered else dynamic.onto
            try:
                own = onto(plain, self._version(before, dynamic, numbered=numbered))
            except (OSError, JournalError) as error:
                self._broken(given, dynamic, error)
                if before is not None:
                    self._keep("kept", given, before)
                    return
        was = None if before is None else before.served
        served = self._served(own, was, copied=given.copied)
        self._keep("loaded", given, Held(basis, own, served, dynamic, given.copied))

    def _served(self, own: Zone, before: Zone | None, *, copied: bool) -> Zone:
        return own if copied else served_of(self.finish, own, before)

    def _dynamic(self, given: ZoneInput, before: Held | None) -> Dynamic | None:
        if given.copied or self.journals is None:
            return None
        if before is not None and before.dynamic is not None:
            return before.dynamic
        if self._updated and journal_name(given.name) in self._updated:
            return self.journals.of(given.name)
        return None

    def _is_numbered(self, given: ZoneInput, plain: Zone) -> bool:
        """Return whether each version of a zone needs a serial number of ours.

        Derived records change by themselves: with the owner's number alone secondaries
        would not hear of it. Who has no SOA of its own has the time of its latest
        change as its number: written down, or each process would have another one.
        """
        return (
            given.hosted
            and self.journals is not None
            and self.journals.writes
            and (self.numbers or is_timed(plain))
        )

    def _version(
        self, before: Held | None, dynamic: Dynamic, *, numbered: bool
    ) -> Zone | None:
        """Return the version before, if what the journal says of it is true.

        What somebody read who knew no journal, before a fork, may be newer than that
        with the same serial number. Raises JournalError, OSError.
        """
        if before is None:
            return None
        if before.dynamic is None and not (numbered and dynamic.begin(before.own)):
            return None
        return before.own

    def _begun(self, given: ZoneInput, before: Held) -> Held:
        """Return a zone that was read by somebody else, its versions now kept."""
        if self.journals is None:
            return before
        dynamic = self.journals.of(given.name)
        try:
            if not dynamic.begin(before.own):
                return before  # somebody was faster: it is read next time
        except (OSError, JournalError) as error:
            self._broken(given, dynamic, error)
            return before
        self.begun = True
        return replace(before, dynamic=dynamic)

    def _broken(self, given: ZoneInput, dynamic: Dynamic, error: Exception) -> None:
        place = Place(str(dynamic.journal.path))
        reason = f"the updates of {given.name} cannot be had: {error}"
        fix = "restore the file from a backup, or remove it: then they are lost"
        self._problems.append(Problem(Severity.ERROR, place, reason, fix))

    def _keep(self, what: str, given: ZoneInput, held: Held) -> None:
        if what != "loaded":
            served = self._served(held.own, held.served, copied=held.copied)
            if served is not held.served:
                # Only what is made of it is another one.
                held = replace(held, served=served)
                self._note("loaded", given)
                if what == "unchanged":
                    what = ""
        self.held[held.own.origin] = held
        if what:
            self._note(what, given, held.own.origin)

    def _note(self, what: str, given: ZoneInput, origin: bytes = b"") -> None:
        # Not by dnspython: each look goes through all names.
        name = name_text(origin or name_octets(given.name))
        self._names.setdefault(what, []).append(name)

    def list_zones(
        self,
        listing: Listing,
        hostname: bytes,
        all_held: Mapping[bytes, Held],
    ) -> None:
        """Hold ``listing`` of all zones that are not copies."""
        origin = listing.name
        if self.journals is None:
            return
        members = [name for name, held in all_held.items() if not held.copied]
        plain = build_catalog(origin, hostname, members, listing.groups)
        given = ZoneInput(
            name_of(origin),
            None,
            hosted=False,
            derived=(),
            hostname="",
            serial=1,
            copied=True,
        )
        before = self.running.get(origin)
        was = None if before is None else before.own
        dynamic = self.journals.of(given.name) if before is None else before.dynamic
        try:
            self.journals.make()
            own = plain if dynamic is None else dynamic.from_now_on(plain, was)
        except (OSError, JournalError) as error:
            place = Place(journal_name(given.name))
            reason = f"the catalog of zones cannot be kept: {error}"
            self._problems.append(Problem(Severity.ERROR, place, reason))
            return
        if before is not None and before.own.nodes.packed == own.nodes.packed:
            self._keep("unchanged", given, before)
            return
        basis = Basis(None, (), hosted=False, derived=())
        self._keep("loaded", given, Held(basis, own, own, dynamic, copied=True))

    def report(self, loose: Collection[bytes]) -> Report:
        """Return what became of each zone.

        Args:
            loose: Folded apexes of the zones that had to be found again.
        """
        removed = [
            to_text(origin) for origin in sorted(loose) if origin not in self.held
        ]
        lists = {what: tuple(names) for what, names in self._names.items()}
        return Report(
            loaded=lists.get("loaded", ()),
            unchanged=lists.get("unchanged", ()),
            kept=lists.get("kept", ()),
            refused=lists.get("refused", ()),
            removed=tuple(removed),
            problems=tuple(self._problems),
        )
