"""All zones for the command line, however many: what is kept of them is not read again.

A zone that is as it was when a server, or a tool, read it last is known from the file
of compiled zones; only what changed since, or depends on more than its file, is read.
"""

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import dns.name

from pabal.admin.layout import Layout
from pabal.admin.privileges import work_as_owner
from pabal.app.reading import MANY_FILES, compiled_zones, keep, read_kept
from pabal.config.settings import Settings
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_of
from pabal.dns.zone.batch import Report
from pabal.dns.zone.compiled import WARNED, Compiled, settled_of, state_of
from pabal.dns.zone.source import SUFFIX, DirectorySource, Stamp, zone_file
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import State, Zones


class ZoneSummary(NamedTuple):
    """A zone in one line.

    Attributes:
        serial: Of its SOA; ``None``: no server has read the zone yet.
        file: Its master file; empty: it follows from the directory.
        records: How many it has.
        state: ``ok``; ``kept``: the file is wrong, the last good version is served;
            ``wrong``: the file is wrong, and there was none.
    """

    name: str
    serial: int | None
    records: int
    file: str
    state: str = "ok"


@dataclass(frozen=True, slots=True)
class Found:
    """Zones as they were found.

    Attributes:
        zones: Those that had to be read.
        report: What was found of these.
        known: What is known of all others; without the zones themselves.
    """

    zones: Zones
    report: Report
    known: Compiled

    def summaries(self, settings: Settings) -> Sequence[ZoneSummary]:
        """Return every zone in one line: first those that are wrong, then by name."""
        wrong = [
            ZoneSummary(
                name, None, 0, file_of(settings, dns.name.from_text(name)), "wrong"
            )
            for name in self.report.refused
        ]
        known, files = self.known, self.zones.state.settled.files
        columns = known.apexes, known.files, known.serials, known.records
        read = self.zones.by_apex
        # Of a file with a plain name that is the zone's name.
        lines = [
            (apex, ZoneSummary(file[: -len(SUFFIX)] + ".", serial, records, file))
            for apex, file, serial, records in zip(*columns, strict=True)
            if apex in files and apex not in read
        ]
        lines += [
            (zone.origin, self._read(zone, settings)) for zone in self.zones.all()
        ]
        lines.sort(key=_apex)
        return wrong + [summary for _, summary in lines]

    def _read(self, zone: Zone, settings: Settings) -> ZoneSummary:
        name = name_of(zone.origin)
        held = self.zones.get_held(name)
        is_kept = held is not None and held.dynamic is not None
        is_owners = (zone.origin, codes.SOA) not in zone.derived
        records = sum(
            len(rrset.rdatas) for node in zone.nodes.values() for rrset in node.values()
        )
        text = name.to_text()
        return ZoneSummary(
            text,
            zone.serial if is_owners or is_kept else None,
            records,
            file_of(settings, name),
            "kept" if text in self.report.kept else "ok",
        )


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Keep the collector from looking, again and again, at a hundred thousand zones."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def find(settings: Settings, zones: Zones) -> Found:
    """Return all zones; those that are known as they are now are not read."""
    stamps, known = _known(settings, bodies=False)
    if known:
        zones.adopt(State({}, {}, settled_of(known, stamps), stamps))
    return Found(zones, zones.reload(), known)


def adopt_known(settings: Settings, zones: Zones) -> None:
    """Let the next reload of ``zones`` read only what is not known as it is now."""
    stamps, known = _known(settings, bodies=True)
    if known:
        zones.adopt(state_of(known, stamps))


def _known(settings: Settings, *, bodies: bool) -> tuple[Mapping[str, Stamp], Compiled]:
    """Return all files, and what is known of those that nothing is wrong with.

    Where they are many, what is not known is read, and kept.
    """
    source = DirectorySource(settings.dns.zones)
    try:
        stamps = source.stamps()
    except OSError:
        return {}, Compiled()  # who reads them says so
    if len(stamps) < MANY_FILES:
        return stamps, Compiled()
    path = Layout(settings.data).compiled
    known = read_kept(path, bodies=bodies)
    if dict(zip(known.files, known.stamps, strict=True)) != stamps:
        known = known.rows(lambda file, stamp: stamps.get(file) == stamp)
    if len(stamps) - len(known) >= MANY_FILES:
        work_as_owner(settings.data)
        known, is_stale = compiled_zones(source, stamps, path, _cores())
        if is_stale:
            keep(path, known)
    if WARNED in known.flags:
        flags = dict(zip(known.files, known.flags, strict=True))
        known = known.rows(lambda file, _: not flags[file])
    return stamps, known


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def file_of(settings: Settings, name: dns.name.Name) -> str:
    """Return where a zone comes from: its file, ours or a copy; empty: neither."""
    file = zone_file(name)
    if (Path(settings.dns.zones) / file).exists():
        return file
    copy = Layout(settings.data).copies / file
    return f"{copy.parent.name}/{file}" if copy.exists() else ""


def _apex(line: tuple[bytes, ZoneSummary]) -> bytes:
    return line[0]
