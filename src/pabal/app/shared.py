"""What every role of a process shares: databases, doorbell, trace."""

import contextlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pabal.admin.layout import Layout
from pabal.app import parts
from pabal.app.apart import ZoneReader
from pabal.app.certificate import ServerTls
from pabal.app.counted import CountedExchange, CountedTracer
from pabal.base.clock import Clock, SystemClock
from pabal.base.errors import OperatorError
from pabal.base.metrics import Registry
from pabal.config.settings import Settings
from pabal.directory.book import Book
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.transport import NetworkExchange
from pabal.dns.zone.zones import Zones
from pabal.mta.accept import Acceptor
from pabal.mta.bounce import Bouncer
from pabal.mta.mda import MailDelivery
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.mta.station import Station
from pabal.mta.transaction import Desk
from pabal.net.doorbell import UnixDoorbell
from pabal.store.sqlite.store import SqliteStore
from pabal.trace.sqlite import SqliteTracer

QUEUE_BELL: Final = "queue"
DIRECTORY_BELL: Final = "directory"
ZONES_BELL: Final = "zones"
ASKED_BELL: Final = "zones asked"
COPIED_BELL: Final = "copied "
UPDATED_BELL: Final = "updated "
ACCOUNT_BELL: Final = "account "
"""Subjects of the doorbell; the last three are followed by the name of a zone, twice,
and an account's id. ``ASKED_BELL``: a person wants to read that it was done."""

FILES_BELL: Final = "zone files "
"""Followed by files of zones, a slash between two: these have changed."""

AUDIENCES: Final[Mapping[str, Collection[str]]] = MappingProxyType(
    {
        ACCOUNT_BELL.strip(): frozenset({"mail", "all"}),
        QUEUE_BELL: frozenset({"queue", "all"}),
        COPIED_BELL.strip(): frozenset({"dns", "all"}),
    }
)
"""Which processes a subject wakes: at every message, so nobody else is to be."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Objects that live as long as the process.

    Attributes:
        wake_queue: Tells whoever runs the queue that there is work.
        registry: Who counts what.
    """

    settings: Settings
    layout: Layout
    clock: Clock
    bell: UnixDoorbell
    book: Book
    tracer: SqliteTracer
    store: SqliteStore
    queue: SqliteQueue
    zones: Zones
    resolver: IterativeResolver
    station: Station
    delivery: MailDelivery
    desk: Desk
    registry: Registry

    async def close(self) -> None:
        """Finish every write and close every database."""
        await self.resolver.stop()
        await self.queue.close()
        await self.store.close()
        self.tracer.close()
        self.book.close()
        self.bell.close()


def open_shared(
    settings: Settings,
    name: str,
    wake_queue: Callable[[], None],
    tls: ServerTls | None = None,
) -> Shared:
    """Open everything; ``wake_queue`` is called in this process, the bell in others.

    ``tls``: the certificate in use; ``None``: the file's is taken for it.

    Raises:
        OperatorError: The data directory cannot be used; says why.
        UnavailableError: A database cannot be opened.
    """
    layout, clock, registry = Layout(settings.data), SystemClock(), Registry()
    make(layout.data, layout.make)
    with contextlib.ExitStack() as opened:
        bell = UnixDoorbell(layout.run, f"{name}-{os.getpid()}", clock, AUDIENCES)
        opened.callback(bell.close)
        book = parts.open_directory(settings, clock)
        opened.callback(book.close)
        zones = parts.zones(settings, book, clock, tls.facts if tls else None)
        zones.apart = ZoneReader(layout.ready)
        resolver = _resolver(settings, clock, zones, registry)
        tracer = SqliteTracer(layout.trace, clock)
        opened.callback(tracer.close)
        queue = SqliteQueue(layout.queue, layout.spool)
        opened.pop_all()  # from here on nothing fails: ``close`` is the caller's

    store = parts.open_store(settings, clock, bell)
    station = _station(settings, clock, tracer, registry)
    delivery = MailDelivery(store, clock, book)
    wake = partial(_wake, wake_queue, bell)
    desk = _desk(station, book, delivery, Acceptor(station, delivery, queue, wake))
    return Shared(
        settings,
        layout,
        clock,
        bell,
        book,
        tracer,
        store,
        queue,
        zones,
        resolver,
        station,
        delivery,
        desk,
        registry,
    )


def _resolver(
    settings: Settings, clock: Clock, zones: Zones, registry: Registry
) -> IterativeResolver:
    counted = CountedExchange(NetworkExchange(), clock)
    registry.add(counted.families)
    return parts.resolver(settings, clock, zones, exchange=counted)


def _station(
    settings: Settings, clock: Clock, tracer: SqliteTracer, registry: Registry
) -> Station:
    counted = CountedTracer(tracer)
    registry.add(counted.families)
    return Station(parts.mta_settings(settings), clock, counted)


def _wake(wake_queue: Callable[[], None], bell: UnixDoorbell) -> None:
    """Say that there is work for the queue, in this process and in others."""
    wake_queue()
    bell.ring(QUEUE_BELL)


def _desk(
    station: Station, book: Book, delivery: MailDelivery, acceptor: Acceptor
) -> Desk:
    bouncer = Bouncer(station, book, acceptor)
    return Desk(station, book, acceptor, bouncer, delivery)


def make(path: Path, work: Callable[[], None]) -> None:
    """Do ``work`` on the data directory ``path``.

    Raises:
        OperatorError: It cannot be done; names the folder and the fix.
    """
    try:
        work()
    except OSError as error:
        raise OperatorError(
            f"cannot use {error.filename or path}: {error.strerror}.",
            f"{path} must belong to the user pabal runs as: chown -R it.",
        ) from error
