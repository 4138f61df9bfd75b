"""The name server of one process: its sockets, its answers, its zones."""

import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import dns.name

from pabal.base.clock import Clock
from pabal.base.metrics import Extent, Family
from pabal.base.tasks import Tasks
from pabal.dns.ports import Resolver
from pabal.dns.server.access import (
    NOBODY,
    PLAIN,
    Access,
    AccessList,
    Arrival,
    ViewAccess,
    parse_access_list,
)
from pabal.dns.server.answering import Answering, ControlQuery, OnQuery, Recursion
from pabal.dns.server.control import Control
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.loader import Loader
from pabal.dns.server.peer import Sources
from pabal.dns.server.pools import Pool, Pools, addresses_at
from pabal.dns.server.relations import Means, common_relations, view_relations
from pabal.dns.server.reporting import Reporter
from pabal.dns.server.secondary import Helpers
from pabal.dns.server.statistics import families, settle
from pabal.dns.server.taking import Elsewhere
from pabal.dns.server.tcp import TcpService
from pabal.dns.server.udp import UdpServer
from pabal.dns.settings import DnsSettings, ViewSettings
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.response import header_only
from pabal.dns.wire.rrset import name_octets
from pabal.dns.wire.update import UpdateRequest
from pabal.dns.zone.batch import Journals, Report
from pabal.dns.zone.catalog import Listing, read_groups
from pabal.dns.zone.fallback import Fallbacks
from pabal.dns.zone.history import History
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.view import View
from pabal.dns.zone.views import views_of
from pabal.dns.zone.zones import Zones
from pabal.net.listener import Listener, ListenerSettings

STOP_GRACE_S: Final = 2.0
"""How long answers under way may still take when the server stops."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How processes at one address share what only one of them may do.

    Attributes:
        on_notified: Told the zone of a NOTIFY; ``None``: this process is the one that
            follows primaries, and says what reloads found.
        notify_after_s: How long the others may take to load a changed zone, seconds.
        on_updated: Told the zone that a dynamic update changed here, absolute.
        elsewhere: Takes large transfers in another process, if any can.
    """

    on_notified: Callable[[str], None] | None = None
    notify_after_s: float = 0.0
    on_updated: Callable[[str], None] | None = None
    elsewhere: Elsewhere | None = None


class NameServer:
    """Answers for our zones, and for any name where recursion is allowed.

    Args (of the constructor):
        resolver: For recursion; ``None`` makes a server that only knows its zones.
        tls_context: With the server's certificate, for DNS over TLS.
        views: Those of ``settings``, empty as yet; ``None``: nobody else needs them.

    Raises:
        OperatorError: From the constructor: an access list holds what is no network.
    """

    def __init__(
        self,
        settings: DnsSettings,
        zones: Zones,
        resolver: Resolver | None,
        clock: Clock,
        tls_context: ssl.SSLContext | None = None,
        views: Sequence[View] | None = None,
    ) -> None:
        views = views or views_of(settings.views, settings.hostname, clock)
        self._loader = Loader(zones, views)
        access = _access(settings)
        self._answering = Answering(zones, resolver, access, settings, clock, views)
        self._tasks = Tasks()
        keys = KeyRing(settings.keys, clock, settings.transfer_ca)
        means = Means(keys, self._tasks, self.reload, clock)
        self._relations = [
            common_relations(settings, zones, means),
            *(view_relations(settings, n, v, means) for n, v in enumerate(views, 1)),
        ]
        for number, each in enumerate(self._relations):
            each.realm.on_update = partial(self._update, number)
        realms = [each.realm for each in self._relations]
        self._control = Control(self._answering, keys, realms)
        self._answering.controlled = True
        self._zones_max = settings.counted_zones_max
        self._control.on_sent = self._sent
        for each in self._relations:
            each.secondaries.helpers = Helpers(self._loader.politely)
        _keep(zones, settings)
        if _is_copied(settings):
            for each in self._relations:
                each.realm.zones.history = History()
            _number(views, settings)
        service = TcpService(self._answering, settings.tcp, clock, self._control)
        limits = ListenerSettings(
            settings.tcp.per_client_max, settings.tcp.connections_max
        )
        self._listener = Listener(service.serve, limits)
        secure = TcpService(self._answering, settings.tcp, clock, self._control)
        self._tls_listener = Listener(
            secure.serve, limits, tls_context, implicit_tls=True
        )
        self._udp: list[UdpServer] = []
        self._is_started = False
        self._reporter = Reporter()
        self._on_updated: Callable[[str], None] | None = None

    def watch(self, on_query: OnQuery | None) -> None:
        """Call ``on_query`` for every answer from now on: the hot path slows down."""
        self._answering.on_query = on_query

    def share(self, sharing: Sharing) -> None:
        """Share the work from now on; call it before ``start``."""
        for each in self._relations:
            each.notifier.wait_s = sharing.notify_after_s
            each.secondaries.elsewhere = sharing.on_notified
            each.secondaries.helpers = Helpers(self._loader.politely, sharing.elsewhere)
        self._reporter.is_heard = sharing.on_notified is None
        self._on_updated = sharing.on_updated

    def notified(self, zone: str) -> None:
        """Take a NOTIFY for ``zone``, absolute, that another process had."""
        for each in self._relations:
            each.secondaries.look(zone)

    async def start(
        self,
        udp: Sequence[socket.socket],
        tcp: Sequence[socket.socket],
        tls: Sequence[socket.socket] = (),
    ) -> None:
        """Answer on bound sockets, which belong to the server from now on.

        Args:
            tls: For DNS over TLS (RFC 7858 §3.1); needs ``tls_context``.
        """
        for sock in udp:
            server = UdpServer(self._answering, sock, self._tasks, self._control)
            server.start()
            self._udp.append(server)
        for sock in tcp:
            await self._listener.start(sock)
        for sock in tls:
            await self._tls_listener.start(sock)
        sources = _own_addresses(udp)
        for each in self._relations:
            each.start(sources)
        self._is_started = True
        self._tell(self._loader.zones.by_apex.values())

    async def statistics(self, extent: Extent = Extent.USUAL) -> Sequence[Family]:
        """Return what was counted since the start, of zones as ``extent`` says."""
        await settle(self._answering)
        zones_max = self._zones_max if extent is Extent.USUAL else None
        return tuple(families(self._answering.counts, self._udp, zones_max))

    def forget(self) -> None:
        """Drop every ready answer: what the resolver knew was flushed."""
        self._answering.forget()

    async def answer(self, query: bytes, host: str, at: str = "") -> bytes | None:
        """Return the answer to a query that came encrypted another way (RFC 8484).

        ``None``: it is no query, or the policy wants silence. Transfers are not for
        that way, nor is what servers sign.

        Args:
            at: Which of our addresses was asked.
        """
        self._answering.counts.note_streamed("https", host)
        by_destination = self._answering.access.by_destination
        arrival = Arrival(at) if by_destination else PLAIN
        found = self._answering.now(
            query, host, udp=False, encrypted=True, arrival=arrival
        )
        if isinstance(found, Recursion):
            return await self._answering.later(found) or None
        if isinstance(found, ControlQuery):
            return header_only(query, codes.REFUSED)
        return found

    async def reload(
        self, files: Collection[str] | None = None, *, asked: bool = False
    ) -> Report:
        """Check and exchange the zones that changed, off the event loop.

        Args:
            files: Own files that may have changed; ``None``: any may have.
            asked: Whether somebody asked for it, and wants to read that it was done.
        """
        report = await self._loader.reload(files)
        if report.loaded or report.removed:
            self._changed(self._loader.zones.by_apex.values())
        self._relations[0].secondaries.loaded()
        self._reporter.tell(report, asked=asked)
        return report

    async def follow(self, zone: str) -> None:
        """Take over what another process did to ``zone``, absolute."""
        name = dns.name.from_text(zone)
        if await self._loader.follow(name):
            self._changed([self._loader.zones.get(name)])

    @property
    def views(self) -> Sequence[View]:
        """What some clients see instead of the zones."""
        return self._loader.views

    @property
    def pools(self) -> Pools:
        """The address sets whose hosts are probed."""
        return self._answering.pools

    def pool_addresses(self, pool: Pool) -> frozenset[bytes]:
        """Return the addresses that stand at the names of ``pool`` now, as RDATA."""
        return addresses_at(self._answering.views, pool.names)

    def pool_changed(self) -> None:
        """Answer anew: a host of a pool came or went."""
        self._answering.forget()

    async def look(self) -> None:
        """Take over what other processes did and nobody told us of."""
        for name in await self._loader.behind():
            await self.follow(name.to_text())

    def _changed(self, zones: Iterable[Zone | None]) -> None:
        """Answer from what is held now, and tell the secondaries of ``zones``."""
        self._answering.forget()
        for server in self._udp:
            server.forget_clients()
        if self._loader.outgoing:
            self._tasks.start(self._loader.let_go(), "zones freed")
        if self._is_started:
            self._tell(zones)

    def _tell(self, zones: Iterable[Zone | None]) -> None:
        """Tell the secondaries of ``zones``, if there are any."""
        telling = [each for each in self._relations if each.tells]
        found = list(zones) if telling else []
        for each in telling:
            each.changed(found)

    def _sent(self, zone: Zone) -> None:
        """Take note that ``zone`` was sent to a secondary."""
        if self._loader.give_back(zone):
            self._tasks.start(self._loader.let_go(), "zones freed")

    async def _update(self, number: int, request: UpdateRequest) -> int:
        """Change a zone of the view with ``number``."""
        zones = self._relations[number].realm.zones
        version = zones.version
        rcode = await self._loader.update(request, number)
        if zones.version != version:
            self._changed([self._loader.zones.by_apex.get(request.zone)])
            if self._on_updated is not None:
                self._on_updated(to_text(request.zone))
        return rcode

    async def stop(self) -> None:
        """Take no more queries, finish what is under way, close the sockets."""
        for server in self._udp:
            server.stop()
        for each in self._relations:
            await each.secondaries.stop()
        await self._tasks.wait(STOP_GRACE_S)
        await self._tasks.stop()
        await self._listener.stop(STOP_GRACE_S)
        await self._tls_listener.stop(STOP_GRACE_S)
        for server in self._udp:
            server.close()


def _access(settings: DnsSettings) -> Access:
    """Return who may do what, and which view who is in; raises OperatorError."""
    views = [_view_access(view) for view in settings.views]
    return Access(
        parse_access_list(settings.allow_query, "dns.allow_query"),
        parse_access_list(settings.allow_recursion, "dns.allow_recursion"),
        views,
        [name_octets(dns.name.from_text(n)).lower() for n in settings.private_zones],
        _zone_access(settings),
    )


def _zone_access(settings: DnsSettings) -> dict[tuple[int, bytes], AccessList]:
    """Return who may ask about single zones; raises OperatorError."""
    numbers = {view.name: number for number, view in enumerate(settings.views, 1)}
    found = {}
    for zone in settings.zones:
        if zone.allow_query and (not zone.view or zone.view in numbers):
            origin = name_octets(dns.name.from_text(zone.zone)).lower()
            place = f"dns.zone.{zone.zone}.allow_query"
            access = parse_access_list(zone.allow_query, place)
            found[numbers.get(zone.view, 0), origin] = access
    return found


def _view_access(view: ViewSettings) -> ViewAccess:
    def those(elements: Sequence[str], key: str) -> AccessList | None:
        place = f"dns.view.{view.name}.{key}"
        return parse_access_list(elements, place) if elements else None

    return ViewAccess(
        those(view.clients, "clients") or NOBODY,
        those(view.allow_recursion, "allow_recursion"),
        those(view.allow_query, "allow_query"),
        those(view.destinations, "destinations"),
        view.recursive_only,
    )


def _is_copied(settings: DnsSettings) -> bool:
    """Return whether any zone may be had as a whole."""
    lists = [settings.allow_transfer]
    lists += [view.exchange.allow_transfer for view in settings.views]
    lists += [zone.allow_transfer for zone in settings.zones]
    return any(map(_is_open, lists))


def _number(views: Sequence[View], settings: DnsSettings) -> None:
    """Let views whose zones somebody copies raise serial numbers of their own."""
    for view, chosen in zip(views, settings.views, strict=True):
        single = (zone for zone in settings.zones if zone.view in ("", chosen.name))
        own = chosen.exchange.allow_transfer or settings.allow_transfer
        lists = [own, *(zone.allow_transfer for zone in single)]
        view.numbers = any(map(_is_open, lists))


def _is_open(elements: Sequence[str]) -> bool:
    """Return whether a list lets anybody in."""
    return tuple(elements) not in ((), ("none",))


def _keep(zones: Zones, settings: DnsSettings) -> None:
    """Let ``zones`` keep what a restart or a secondary will want."""
    if settings.catalog:
        name = name_octets(dns.name.from_text(settings.catalog)).lower()
        zones.catalog = Listing(name, read_groups(settings.catalog_groups))
    if settings.journal_directory:
        zones.journals = Journals(Path(settings.journal_directory))
    if settings.fallback_directory:
        zones.fallbacks = Fallbacks(Path(settings.fallback_directory))


def _own_addresses(sockets: Sequence[socket.socket]) -> Sources:
    """Return the addresses we listen at, unless that is every address."""
    found: Sources = {}
    for sock in sockets:
        host = sock.getsockname()[0]
        if host not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
            found.setdefault(sock.family, host)
    return found
