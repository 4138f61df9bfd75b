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
from pabal.app import caches, outlooks, parts, resolving
from pabal.app.caches import ProcessCache
from pabal.app.inventory import ZoneSummary, adopt_known, file_of, find
from pabal.app.shared import (
    ASKED_BELL,
    DIRECTORY_BELL,
    FILES_BELL,
    QUEUE_BELL,
    ZONES_BELL,
    make,
)
from pabal.base.clock import Clock, SystemClock
from pabal.base.errors import NotFoundError
from pabal.config.problem import Problem, Span
from pabal.config.settings import Settings
from pabal.directory.book import Book
from pabal.directory.ports import DirectoryError
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset, name_of, to_dnspython
from pabal.dns.zone import problem as zone_problem
from pabal.dns.zone.batch import Report
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.master import ReadFile
from pabal.dns.zone.packed import NOTHING
from pabal.dns.zone.source import (
    ROOT_FILE,
    SUFFIX,
    DirectorySource,
    zone_file,
    zone_name,
)
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones
from pabal.mta.policy import keys
from pabal.mta.queue.control import QueueControl
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.net.doorbell import SilentDoorbell, UnixDoorbell
from pabal.store import room
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


def used(settings: Settings, account_id: int) -> tuple[int, int]:
    """Return how many octets and messages an account has; nothing is made for it.

    Raises:
        UnavailableError: Its mail cannot be read.
    """
    if not (Layout(settings.data).mail / str(account_id)).is_dir():
        return 0, 0
    return asyncio.run(_used(settings, account_id))


async def _used(settings: Settings, account_id: int) -> tuple[int, int]:
    store = SqliteStore(Layout(settings.data).mail, SystemClock(), SilentDoorbell())
    try:
        usage = await room.used(await store.account(account_id))
    finally:
        await store.close()
    return usage.octets, usage.messages


@contextlib.contextmanager
def administration(settings: Settings) -> Iterator[Office]:
    """Open the directory.

    Raises:
        OperatorError: The data directory cannot be used.
        UnavailableError: The database cannot be opened.
    """
    layout = Layout(settings.data)
    enter(layout)
    with (
        contextlib.closing(open_bell(layout)) as bell,
        contextlib.closing(parts.open_directory(settings, SystemClock())) as book,
    ):
        yield Office(settings, book, parts.derived_records(settings, book), bell)


@contextlib.asynccontextmanager
async def queue_office(settings: Settings) -> AsyncIterator[QueueControl]:
    """Open the queue, beside a running server or without one."""
    layout = Layout(settings.data)
    enter(layout)
    with contextlib.closing(open_bell(layout)) as bell:
        queue = SqliteQueue(layout.queue, layout.spool)
        try:
            yield QueueControl(queue, lambda: bell.ring(QUEUE_BELL))
        finally:
            await queue.close()


def open_traces(settings: Settings) -> SqliteTraceReader:
    """Return the traces; the caller closes them.

    Raises:
        NotFoundError: Nothing was ever traced here.
    """
    path = Layout(settings.data).trace
    if path.exists():
        work_as_owner(settings.data)
    else:
        raise NotFoundError(
            f"there are no traces in {path.parent} yet.", "Start it: `pabal serve`."
        )
    return SqliteTraceReader(path)


async def cached_names(settings: Settings, name: dns.name.Name) -> list[ProcessCache]:
    """Return what the running processes know at and below ``name``.

    Raises:
        UnavailableError: None runs, or one does not answer.
    """
    layout = Layout(settings.data)
    enter(layout)
    with contextlib.closing(open_bell(layout)) as bell:
        return await caches.collect(layout, bell, name)


def flush_cache(settings: Settings, name: dns.name.Name, view: str = "") -> list[str]:
    """Let the running processes forget ``name`` and below; return who they are.

    Args:
        view: Whose cache, as ``caches.cache_of`` says; empty: all of them.

    Raises:
        UnavailableError: None runs.
    """
    layout = Layout(settings.data)
    enter(layout)
    with contextlib.closing(open_bell(layout)) as bell:
        found = caches.expect_processes(layout)
        bell.ring(f"{caches.FLUSH_BELL} {name.to_text()} {view}".rstrip())
        return found


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """One record.

    From ``file``, ``derived``, ``alias``, ``update``, ``signing`` or ``copy``.
    """

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
    report: Report
    found: Sequence[Problem]

    def problems(self) -> Sequence[Problem]:
        """Return what is wrong with them."""
        return self.found

    def records(self, name: dns.name.Name) -> Sequence[ZoneRecord]:
        """Return every record of a zone.

        Raises:
            NotFoundError: There is no such zone.
        """
        zone = self.zones.get(name)
        if zone is None:
            missing = name.to_text(omit_final_dot=True)
            raise NotFoundError(
                f"there is no zone {missing}.",
                "`pabal zone list` shows those there are.",
            )
        found = []
        # What another server sent is a file here, but nobody's of this machine.
        filed = (
            "copy" if "/" in file_of(self.settings, name_of(zone.origin)) else "file"
        )
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
                        _origin(own, owner, rrset, filed),
                    )
                    for rdata in shown
                ]
        return sorted(found, key=lambda record: _order(record.owner))


def _origin(own: Zone, owner: bytes, rrset: RRset, filed: str) -> str:
    if (owner, rrset.rdtype) in own.updated:
        return "update"
    if own.is_derived(rrset):
        return "derived"
    here = own.nodes.get(owner, NOTHING)
    if rrset.rdtype in here:
        return filed
    is_address = rrset.rdtype in {codes.A, codes.AAAA}
    return "alias" if is_address and codes.ALIAS in here else "signing"


def _order(owner: str) -> tuple[str, ...]:
    """Sort names by their labels from the right (RFC 4034 §6.1)."""
    return tuple(reversed(owner.lower().rstrip(".").split(".")))


@contextlib.contextmanager
def zones_office(settings: Settings) -> Iterator[ZonesOffice]:
    """Read the zones as the server would."""
    with zone_tools(settings) as tools:
        book, clock = tools.directory, tools.clock
        zones = parts.zones(settings, book, clock)
        adopt_known(settings, zones)
        report = zones.reload()
        found = [shown_problem(settings.dns.zones, each) for each in report.problems]
        views = outlooks.views_by_name(settings, clock).values()
        for view, chosen in zip(views, settings.dns.views, strict=True):
            wrong = view.rebuild(zones.owners, zones.by_apex)
            found += [shown_problem(Path(chosen.zones), each) for each in wrong]
        yield ZonesOffice(settings, zones, report, found)


def list_zones(settings: Settings) -> Sequence[ZoneSummary]:
    """Return every zone in one line."""
    with zone_tools(settings) as tools:
        zones = parts.zones(settings, tools.directory, tools.clock)
        return find(settings, zones).summaries(settings)


def changed_problems(settings: Settings) -> Sequence[Problem]:
    """Return what is wrong with the zones, those left out that nothing is wrong with.

    As ``zones_office`` finds it, in a fraction of the time where zones are many.
    """
    if settings.dns.views:
        with zones_office(settings) as office:
            return office.problems()
    with zone_tools(settings) as tools:
        zones = parts.zones(settings, tools.directory, tools.clock)
        report = find(settings, zones).report
        return [shown_problem(settings.dns.zones, each) for each in report.problems]


def zone_input(settings: Settings, name: dns.name.Name, file: str | None) -> ZoneInput:
    """Return what a zone is made from, with the text of ``file`` as its file."""
    with administration(settings) as office:
        text = name.to_text(omit_final_dot=True)
        hosted = text in office.derived.domains()
        derived = tuple(office.derived.records(text)) if hosted else ()
    serial = int(SystemClock().now()) % (1 << 32)
    return ZoneInput(name, file, hosted, derived, settings.hostname, serial)


def ring_zones(
    settings: Settings, name: dns.name.Name | None = None, *, asked: bool = False
) -> None:
    """Let a running server read its zones again.

    Args:
        name: The zone that changed; ``None``: any may have.
        asked: A person wants to read in the log that it was done.
    """
    layout = Layout(settings.data)
    enter(layout)
    with contextlib.closing(open_bell(layout)) as bell:
        if name is None:
            bell.ring(ASKED_BELL if asked else ZONES_BELL)
        else:
            bell.ring(FILES_BELL + zone_file(name))


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
    enter(layout)
    clock = SystemClock()
    with (
        contextlib.closing(open_bell(layout)) as bell,
        contextlib.closing(parts.open_directory(settings, clock)) as book,
    ):
        yield ZoneTools(settings, book, bell, clock)


def check_zones(settings: Settings, file: Path) -> tuple[list[Problem], int]:
    """Return what is wrong with the zones, and how many there are.

    Args:
        file: Where ``settings`` are from, for the places in it.
    """
    with zones_office(settings) as office:
        found = [*office.found, *resolving.policy_problems(settings, file)]
        return found, len(office.zones.by_apex)


def check_zone(settings: Settings, name: dns.name.Name) -> list[Problem] | None:
    """Return what is wrong with zone ``name``; ``None``: it is not made here."""
    source = DirectorySource(settings.dns.zones)
    # Other files are looked at only for another spelling of the name.
    file: str | None = zone_file(name)
    if not (source.directory / zone_file(name)).exists():
        file = source.files().get(name)
    given = zone_input(settings, name, file)
    if given.file is None and not given.hosted:
        return None
    found = load_zone(given, source.read).problems
    return [shown_problem(source.directory, each) for each in found]


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
    return [
        shown_problem(file.parent, each) for each in load_zone(given, reader).problems
    ]


def shown_problem(directory: Path, found: zone_problem.Problem) -> Problem:
    """Return a problem of a zone of ``directory`` as commands show it."""
    place = found.place
    return Problem(
        str(directory / place.file),
        Span(place.line, max(1, place.column) if place.line else 0),
        found.reason,
        found.fix,
        place.text,
        warning=found.severity is zone_problem.Severity.WARNING,
    )


def enter(layout: Layout) -> None:
    """Make what is missing of the data, and be its owner from now on."""
    make(layout.data, layout.make)
    work_as_owner(layout.data)


def open_bell(layout: Layout) -> UnixDoorbell:
    """Return a tool's own doorbell; the caller closes it."""
    return UnixDoorbell(layout.run, f"tool-{os.getpid()}", SystemClock())
