"""What the command line works with: the same databases, without a running server.

Every function takes the settings and hands out objects that are closed with their
context. A running server hears of changes by the doorbell.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.name
import dns.rdatatype

from pabal.admin.derived import DerivedRecords
from pabal.admin.layout import Layout
from pabal.admin.privileges import work_as_owner
from pabal.app import parts
from pabal.app.shared import DIRECTORY_BELL, QUEUE_BELL, ZONES_BELL, make
from pabal.base.clock import Clock, SystemClock
from pabal.base.errors import OperatorError
from pabal.config.problem import Problem, Span
from pabal.config.settings import Settings
from pabal.directory.book import Book
from pabal.directory.ports import DirectoryError
from pabal.dns.resolver.explanation import Explanation, explain
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset, name_of, to_dnspython
from pabal.dns.zone import problem as zone_problem
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.master import ReadFile
from pabal.dns.zone.packed import NOTHING
from pabal.dns.zone.source import ROOT_FILE, SUFFIX, DirectorySource, zone_name
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones
from pabal.mta.policy import keys
from pabal.mta.queue.control import QueueControl
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.net.doorbell import SilentDoorbell, UnixDoorbell
from pabal.store.sqlite.store import SqliteStore
from pabal.trace.sqlite import SqliteTraceReader


@dataclass(frozen=True, slots=True)
class Office:
    """Domains, accounts and aliases, and what hangs on them."""

    settings: Settings
    directory: Book
    derived: DerivedRecords
    bell: UnixDoorbell

    def rang(self, subject: str = DIRECTORY_BELL) -> None:
        """Tell a running server that something changed."""
        self.bell.ring(subject)

    def add_domain(self, name: str) -> None:
        """Host a domain and make its DKIM keys.

        Raises:
            DirectoryError: It is hosted already, or is no domain.
            OperatorError: The keys cannot be written.
        """
        self.directory.add_domain(name)
        keys.generate(Layout(self.settings.data).dkim, name)
        self.rang()

    def remove_domain(self, name: str) -> None:
        """Host a domain no longer; its keys stay, for when it comes back.

        Raises:
            DirectoryError: It is not hosted, or has accounts.
        """
        self.directory.remove_domain(name)
        self.rang()

    def expect_hosted(self, name: str) -> None:
        """Check that a domain is hosted.

        Raises:
            DirectoryError: It is not.
        """
        if not self.directory.is_hosted(name):
            raise DirectoryError(f"{name} is not hosted here: `pabal domain list`")

    def remove_account(self, address: str) -> None:
        """Remove an account and all its mail.

        Raises:
            DirectoryError: There is none.
        """
        account = self.directory.remove_account(address)
        self.rang()
        asyncio.run(_remove_mail(self.settings, account.id))


async def _remove_mail(settings: Settings, account_id: int) -> None:
    store = SqliteStore(Layout(settings.data).mail, SystemClock(), SilentDoorbell())
    try:
        await store.remove(account_id)
    finally:
        await store.close()


@contextlib.contextmanager
def administration(settings: Settings) -> Iterator[Office]:
    """Open the directory.

    Raises:
        OperatorError: The data directory cannot be used.
        UnavailableError: The database cannot be opened.
    """
    layout = Layout(settings.data)
    _enter(layout)
    with (
        contextlib.closing(_bell(layout)) as bell,
        contextlib.closing(parts.open_directory(settings, SystemClock())) as book,
    ):
        yield Office(settings, book, parts.derived_records(settings, book), bell)


@contextlib.asynccontextmanager
async def queue_office(settings: Settings) -> AsyncIterator[QueueControl]:
    """Open the queue, beside a running server or without one."""
    layout = Layout(settings.data)
    _enter(layout)
    with contextlib.closing(_bell(layout)) as bell:
        queue = SqliteQueue(layout.queue, layout.spool)
        try:
            yield QueueControl(queue, lambda: bell.ring(QUEUE_BELL))
        finally:
            await queue.close()


def open_traces(settings: Settings) -> SqliteTraceReader:
    """Return the traces; the caller closes them.

    Raises:
        OperatorError: Nothing was ever traced here.
    """
    path = Layout(settings.data).trace
    if path.exists():
        work_as_owner(settings.data)
    else:
        raise OperatorError(
            f"there are no traces in {path.parent} yet.", "Start it: `pabal serve`."
        )
    return SqliteTraceReader(path)


async def explain_name(
    settings: Settings, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> Explanation:
    """Resolve a name as the server would, from an empty cache."""
    _enter(Layout(settings.data))
    clock = SystemClock()
    with contextlib.closing(parts.open_directory(settings, clock)) as book:
        zones = parts.zones(settings, book, clock)
        resolver = parts.resolver(settings, clock, zones)
        try:
            await asyncio.to_thread(zones.reload)
            return await explain(resolver, name, rdtype, clock)
        finally:
            await resolver.stop()


@dataclass(frozen=True, slots=True)
class ZoneSummary:
    """A zone in one line.

    Attributes:
        file: Its master file; empty: it follows from the directory.
        records: How many it has.
    """

    name: str
    serial: int
    records: int
    file: str


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """One record, and where it is from: file, derived, signing or alias."""

    owner: str
    ttl_s: int
    rdtype: str
    rdata: str
    origin: str


@dataclass(frozen=True, slots=True)
class ZonesOffice:
    """The zones as the server reads them."""

    settings: Settings
    zones: Zones
    found: Sequence[Problem]
    bell: UnixDoorbell

    def problems(self) -> Sequence[Problem]:
        """Return what is wrong with them."""
        return self.found

    def ring(self) -> None:
        """Let a running server read them again."""
        self.bell.ring(ZONES_BELL)

    def summaries(self) -> Sequence[ZoneSummary]:
        """Return every zone in one line."""
        return [
            ZoneSummary(
                name := name_of(zone.origin).to_text(),
                zone.serial,
                sum(
                    len(r.rdatas) for node in zone.nodes.values() for r in node.values()
                ),
                self._file(name),
            )
            for zone in self.zones.all()
        ]

    def records(self, name: dns.name.Name) -> Sequence[ZoneRecord]:
        """Return every record of a zone.

        Raises:
            OperatorError: There is no such zone.
        """
        zone = self.zones.get(name)
        if zone is None:
            missing = name.to_text(omit_final_dot=True)
            raise OperatorError(
                f"there is no zone {missing}.",
                "`pabal zone list` shows those there are.",
            )
        found = []
        own = self.zones.owners[zone.origin]
        for owner, node in zone.nodes.items():
            for rrset in node.values():
                shown = to_dnspython(rrset)
                found += [
                    ZoneRecord(
                        shown.name.to_text(),
                        shown.ttl,
                        dns.rdatatype.to_text(shown.rdtype),
                        rdata.to_text(),
                        _origin(own, owner, rrset),
                    )
                    for rdata in shown
                ]
        return sorted(found, key=lambda record: _order(record.owner))

    def _file(self, name: str) -> str:
        stem = "root" if name == "." else name.removesuffix(".")
        path = self.settings.dns.zones / f"{stem}.zone"
        return path.name if path.exists() else ""


def _origin(own: Zone, owner: bytes, rrset: RRset) -> str:
    if own.is_derived(rrset):
        return "derived"
    here = own.nodes.get(owner, NOTHING)
    if rrset.rdtype in here:
        return "file"
    is_address = rrset.rdtype in {codes.A, codes.AAAA}
    return "alias" if is_address and codes.ALIAS in here else "signing"


def _order(owner: str) -> tuple[str, ...]:
    """Sort names by their labels from the right (RFC 4034 §6.1)."""
    return tuple(reversed(owner.lower().rstrip(".").split(".")))


@contextlib.contextmanager
def zones_office(settings: Settings) -> Iterator[ZonesOffice]:
    """Read the zones as the server would."""
    layout = Layout(settings.data)
    _enter(layout)
    clock = SystemClock()
    with (
        contextlib.closing(_bell(layout)) as bell,
        contextlib.closing(parts.open_directory(settings, clock)) as book,
    ):
        zones = parts.zones(settings, book, clock)
        report = zones.reload()
        found = [_shown(settings.dns.zones, each) for each in report.problems]
        yield ZonesOffice(settings, zones, found, bell)


@dataclass(frozen=True, slots=True)
class ZoneTools:
    """What is needed to change something about a zone without reading it."""

    settings: Settings
    directory: Book
    bell: UnixDoorbell
    clock: Clock

    def names(self) -> frozenset[dns.name.Name]:
        """Return the zones there are: those with a file, and hosted domains."""
        hosted = frozenset(
            dns.name.from_text(domain).canonicalize()
            for domain in self.directory.domains()
        )
        return hosted | DirectorySource(self.settings.dns.zones).files().keys()


@contextlib.contextmanager
def zone_tools(settings: Settings) -> Iterator[ZoneTools]:
    """Open what changes zones without reading any."""
    layout = Layout(settings.data)
    _enter(layout)
    clock = SystemClock()
    with (
        contextlib.closing(_bell(layout)) as bell,
        contextlib.closing(parts.open_directory(settings, clock)) as book,
    ):
        yield ZoneTools(settings, book, bell, clock)


def check_zones(settings: Settings) -> tuple[list[Problem], int]:
    """Return what is wrong with the zones, and how many there are."""
    with zones_office(settings) as office:
        return list(office.found), len(office.zones.all())


def check_zone_file(
    file: Path, zone: str = "", read: ReadFile | None = None
) -> list[Problem]:
    """Return what is wrong with one master file.

    Args:
        file: The file.
        zone: The name of the zone; empty: that of the file without its ending.
        read: Reads it and what it includes; ``None``: from its directory only.
    """
    if zone:
        name = zone_name(ROOT_FILE if zone == "." else zone + SUFFIX)
    else:
        name = zone_name(file.name if file.suffix == SUFFIX else file.stem + SUFFIX)
    if name is None:
        reason = f"{file.stem!r} is not the name of a zone"
        return [Problem(str(file), Span(0, 0), reason, "call it DOMAIN.zone")]
    given = ZoneInput(
        name,
        file.name if read is None else str(file),
        hosted=False,
        derived=(),
        hostname="localhost",
        serial=1,
    )
    reader = read or DirectorySource(file.parent).read
    return [_shown(file.parent, each) for each in load_zone(given, reader).problems]


def _shown(directory: Path, found: zone_problem.Problem) -> Problem:
    place = found.place
    return Problem(
        str(directory / place.file),
        Span(place.line, max(1, place.column) if place.line else 0),
        found.reason,
        found.fix,
        place.text,
        warning=found.severity is zone_problem.Severity.WARNING,
    )


def _enter(layout: Layout) -> None:
    """Make what is missing of the data, and be its owner from now on."""
    make(layout.data, layout.make)
    work_as_owner(layout.data)


def _bell(layout: Layout) -> UnixDoorbell:
    return UnixDoorbell(layout.run, f"tool-{os.getpid()}", SystemClock())
