"""All zones of this server, and their exchange while it runs.

``reload`` may take long and is meant for a thread; every look-up sees either the old
set of zones or the new one, because the set is one immutable mapping replaced at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import dns.name
import dns.rdatatype
from typing_extensions import override

from pabal.base.clock import Clock
from pabal.dns.ports import DerivedRecord, DerivedSource, LocalZones, Resolved
from pabal.dns.wire import codes
from pabal.dns.wire.name import label_offsets, to_text
from pabal.dns.wire.rrset import name_octets, name_of, to_dnspython
from pabal.dns.zone.history import History
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.lookup import lookup
from pabal.dns.zone.problem import Place, Problem, Severity, has_errors
from pabal.dns.zone.source import COPIED, Stamp, ZoneSource
from pabal.dns.zone.tree import Zone

_SERIAL_MODULUS: Final = 1 << 32
"""RFC 1982 §3: serial numbers have 32 bits."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a reload did.

    Attributes:
        loaded: Zones that are new or changed.
        unchanged: Zones that stayed as they were.
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


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a running zone was made from; equal means nothing changed."""

    file: str | None
    stamps: tuple[tuple[str, Stamp], ...]
    hosted: bool
    derived: tuple[DerivedRecord, ...]

    def holds(self, given: ZoneInput, reader: "_Reader") -> bool:
        """Return whether ``given`` would give the same zone again."""
        return (
            (self.file, self.hosted, self.derived)
            == (given.file, given.hosted, given.derived)
        ) and all(reader.stamp(file) == stamp for file, stamp in self.stamps)


class Finish(Protocol):
    """Makes the zones that are served of what their owners mean, for example signed."""

    def begin(self) -> None:
        """Look what has changed; called before the zones of one reload."""
        ...

    def __call__(self, own: Zone, before: Zone | None) -> Zone:
        """Return the zone to serve for ``own``; ``before`` was served until now.

        The same object as before says that nothing changed.
        """
        ...


class Zones(LocalZones):
    """The zones this server is authoritative for.

    Args (of the constructor):
        source: The owners' master files.
        derived: What follows from the directory; called where ``reload`` runs.
        hostname: This server's name, for the SOA and NS of zones without a file.
        clock: Makes serial numbers.
    """

    def __init__(
        self,
        source: ZoneSource,
        derived: DerivedSource | None,
        hostname: str,
        clock: Clock,
    ) -> None:
        self._source = source
        self._derived = derived
        self._hostname = hostname
        self._clock = clock
        self._zones: Mapping[bytes, Zone] = {}
        self._own: Mapping[bytes, Zone] = {}
        self.finish: Finish | None = None
        """Makes served zones of the owners', if set."""
        self._bases: dict[bytes, _Basis] = {}
        self.history: History | None = None
        """Takes what changed from version to version, if set."""
        self.version = 0
        """Grows with every reload that changed something."""

    def all(self) -> Sequence[Zone]:
        """Return every zone, ordered by name."""
        return [zone for _, zone in sorted(self._zones.items())]

    @property
    def by_apex(self) -> Mapping[bytes, Zone]:
        """Every zone by its folded apex; replaced, never changed."""
        return self._zones

    @property
    def owners(self) -> Mapping[bytes, Zone]:
        """Every zone as its owner means it; replaced, never changed."""
        return self._own

    def get(self, name: dns.name.Name) -> Zone | None:
        """Return the zone of exactly this name."""
        return self._zones.get(name_octets(name).lower())

    def find(self, name: bytes, rdtype: int) -> Zone | None:
        """Return the zone nearest to folded ``name`` for ``rdtype``, if any.

        The DS of a zone's apex belongs to the parent (RFC 4035 §3.1.4.1).
        """
        zones = self._zones
        own: Zone | None = None
        for offset in label_offsets(name):
            zone = zones.get(name[offset:])
            if zone is None:
                continue
            if offset or rdtype != codes.DS:
                return zone
            own = zone
        return own

    @override
    def local(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Resolved | None:
        """Return the authoritative answer, or ``None`` if no zone here holds it.

        A delegation away from here is ``None`` too. An alias whose target lies
        elsewhere is returned as far as it goes: its target is still to be resolved.
        """
        folded = name_octets(name).lower()
        if rdtype == dns.rdatatype.DS and name != dns.name.root:
            # RFC 4035 §3.1.4.1: of its DS only the parent knows, wherever that is.
            zone = self.find(folded, codes.DS)
            if zone is not None and zone.origin == folded:
                return None
        answer = lookup(self, folded, int(rdtype))
        if answer is None:
            return None
        response = answer.response
        if answer.unresolved is not None and not response.answer:
            return None
        # A referral at the end of a chain says nothing a resolver should believe.
        final = answer.unresolved is None
        return Resolved(
            response.rcode,
            tuple(to_dnspython(rrset) for rrset in response.answer),
            tuple(to_dnspython(rrset) for rrset in response.authority if final),
            authoritative=True,
        )

    def reload(self) -> Report:
        """Check every zone that changed and put the right ones into service at once.

        Blocks for as long as parsing takes. Never raises for what a file holds.
        """
        try:
            files = self._source.files()
        except OSError as error:
            problem = Problem(Severity.ERROR, Place("zones"), f"cannot read: {error}")
            return Report(problems=(problem,))
        hosted = self._hosted()
        batch = _Batch(self._own, self._bases)
        for name in sorted(files.keys() | hosted.keys(), key=_labels):
            derived: tuple[DerivedRecord, ...] = ()
            if self._derived is not None and name in hosted:
                derived = tuple(self._derived.records(hosted[name]))
            file = files.get(name)
            given = ZoneInput(
                name,
                file,
                name in hosted,
                derived,
                self._hostname,
                int(self._clock.now()) % _SERIAL_MODULUS,
                copied=file is not None and file.startswith(COPIED),
            )
            batch.take(given, self._source)
        served = self._finished(batch.zones)
        report = self._with_finished(batch.report(), served)
        if report.loaded or report.removed:
            self._remember(served)
            self._zones, self._own, self._bases = served, batch.zones, batch.bases
            self.version += 1
        return report

    def _finished(self, owners: Mapping[bytes, Zone]) -> Mapping[bytes, Zone]:
        """Return the zones to serve: the one place where that is decided."""
        finish = self.finish
        if finish is None:
            return owners
        finish.begin()
        before = self._zones
        return {
            origin: finish(own, before.get(origin)) for origin, own in owners.items()
        }

    def _with_finished(self, report: Report, served: Mapping[bytes, Zone]) -> Report:
        """Return ``report`` with the zones that only ``finish`` has changed."""
        before = self._zones
        changed = [o for o, zone in served.items() if zone is not before.get(o)]
        again = {name_of(o).to_text() for o in changed} & {*report.unchanged}
        if not again:
            return report
        unchanged = tuple(name for name in report.unchanged if name not in again)
        loaded = (*report.loaded, *sorted(again))
        return replace(report, loaded=loaded, unchanged=unchanged)

    def _remember(self, coming: Mapping[bytes, Zone]) -> None:
        """Note what changes with the zones that are about to be served."""
        if self.history is None:
            return
        for origin, zone in self._zones.items():
            after = coming.get(origin)
            if after is None:
                self.history.forget(origin)
            elif after is not zone:
                self.history.note(zone, after)

    def _hosted(self) -> Mapping[dns.name.Name, str]:
        """Return the hosted domains by name."""
        if self._derived is None:
            return {}
        return {
            dns.name.from_text(domain).canonicalize(): domain
            for domain in self._derived.domains()
        }


def _labels(name: dns.name.Name) -> tuple[bytes, ...]:
    """Sort names by something cheap: a hundred thousand of them."""
    return name.labels


class _Batch:
    """The next set of zones, gathered one by one."""

    def __init__(
        self, running: Mapping[bytes, Zone], bases: Mapping[bytes, _Basis]
    ) -> None:
        self._running = running
        self._running_bases = bases
        self.zones: dict[bytes, Zone] = {}
        self.bases: dict[bytes, _Basis] = {}
        self._names: dict[str, list[str]] = {
            "loaded": [],
            "unchanged": [],
            "kept": [],
            "refused": [],
        }
        self._problems: list[Problem] = []

    def take(self, given: ZoneInput, source: ZoneSource) -> None:
        """Load the zone of ``given``, unless nothing it is made from has changed."""
        origin = name_octets(given.name).lower()
        before = self._running.get(origin)
        reader = _Reader(source)
        basis = self._running_bases.get(origin)
        if before is not None and basis is not None and basis.holds(given, reader):
            self._keep("unchanged", given, before, basis)
            return
        loaded = load_zone(given, reader.read)
        self._problems.extend(loaded.problems)
        if loaded.zone is not None:
            basis = _Basis(given.file, reader.stamps(), given.hosted, given.derived)
            self._keep("loaded", given, loaded.zone, basis)
        elif before is not None and basis is not None:
            self._keep("kept", given, before, basis)
        else:
            self._names["refused"].append(given.name.to_text())

    def _keep(self, what: str, given: ZoneInput, zone: Zone, basis: _Basis) -> None:
        self.zones[zone.origin] = zone
        self.bases[zone.origin] = basis
        self._names[what].append(given.name.to_text())

    def report(self) -> Report:
        """Return what became of each zone."""
        removed = [
            to_text(origin) for origin in self._running if origin not in self.zones
        ]
        return Report(
            loaded=tuple(self._names["loaded"]),
            unchanged=tuple(self._names["unchanged"]),
            kept=tuple(self._names["kept"]),
            refused=tuple(self._names["refused"]),
            removed=tuple(removed),
            problems=tuple(self._problems),
        )


class _Reader:
    """Reads files and remembers which, and in what state."""

    def __init__(self, source: ZoneSource) -> None:
        self._source = source
        self._stamps: dict[str, Stamp] = {}

    def read(self, file: str) -> str:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        # The stamp first: a change while we read is then seen at the next reload.
        self._stamps[file] = self._source.stamp(file)
        return self._source.read(file)

    def stamp(self, file: str) -> Stamp | None:
        """Return the stamp of ``file`` now; ``None`` if it cannot be had."""
        try:
            return self._source.stamp(file)
        except OSError:
            return None

    def stamps(self) -> tuple[tuple[str, Stamp], ...]:
        """Return the files read and their stamps."""
        return tuple(self._stamps.items())
