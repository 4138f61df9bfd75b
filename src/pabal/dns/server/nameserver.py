"""The name server of one process: its sockets, its answers, its zones."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.ports import Resolver
from pabal.dns.server.access import Access, parse_access_list
from pabal.dns.server.answering import Answering, ControlQuery, OnQuery, Recursion
from pabal.dns.server.control import Control, parse_transfer_access
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.notify import Notifier, Sources, parse_peer
from pabal.dns.server.secondary import Secondaries, parse_copied
from pabal.dns.server.tcp import TcpService
from pabal.dns.server.udp import UdpServer
from pabal.dns.settings import DnsSettings
from pabal.dns.wire import codes
from pabal.dns.wire.response import header_only
from pabal.dns.zone.history import History
from pabal.dns.zone.zones import Report, Zones
from pabal.net.listener import Listener, ListenerSettings

STOP_GRACE_S: Final = 2.0
"""How long answers under way may still take when the server stops."""

SWITCH_S: Final = 0.0005
"""How long, while zones are loaded, a thread keeps the interpreter to itself: the
event loop waits that long for its turn each time it wakes."""

log = Log("dns")


@dataclass(frozen=True, slots=True)
class Sharing:
    """How processes at one address share what only one of them may do.

    Attributes:
        on_notified: Told the zone of a NOTIFY; ``None``: this process is the one that
            follows primaries.
        notify_after_s: How long the others may take to load a changed zone, seconds.
    """

    on_notified: Callable[[str], None] | None = None
    notify_after_s: float = 0.0


class NameServer:
    """Answers for our zones, and for any name where recursion is allowed.

    Args (of the constructor):
        resolver: For recursion; ``None`` makes a server that only knows its zones.
        tls_context: With the server's certificate, for DNS over TLS.

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
    ) -> None:
        self._zones = zones
        access = Access(
            parse_access_list(settings.allow_query, "dns.allow_query"),
            parse_access_list(settings.allow_recursion, "dns.allow_recursion"),
        )
        self._answering = Answering(zones, resolver, access, settings, clock)
        self._tasks = Tasks()
        keys = KeyRing(settings.keys, clock)
        self._control = Control(
            self._answering, zones, keys, parse_transfer_access(settings.allow_transfer)
        )
        self._answering.controlled = True
        peers = [parse_peer(text, keys, "dns.notify") for text in settings.notify]
        self._notifier = Notifier(peers, self._tasks)
        if settings.allow_transfer != ("none",):
            zones.history = History()
        self._secondaries = Secondaries(
            parse_copied(settings.secondary, keys)
            if settings.secondary_directory
            else [],
            Path(settings.secondary_directory),
            zones,
            self.reload,
            clock,
        )
        self._control.on_notify = self._secondaries.notified
        service = TcpService(self._answering, settings.tcp_idle_s, clock, self._control)
        limits = ListenerSettings(
            settings.tcp_per_address_max, settings.tcp_connections_max
        )
        self._listener = Listener(service.serve, limits)
        self._tls_listener = Listener(
            service.serve, limits, tls_context, implicit_tls=True
        )
        self._udp: list[UdpServer] = []
        self._is_started = False
        self._reloads = 0
        self._switch_s = 0.0

    def watch(self, on_query: OnQuery | None) -> None:
        """Call ``on_query`` for every answer from now on: the hot path slows down."""
        self._answering.on_query = on_query

    def share(self, sharing: Sharing) -> None:
        """Share the work from now on; call it before ``start``."""
        self._notifier.wait_s = sharing.notify_after_s
        self._secondaries.elsewhere = sharing.on_notified

    def notified(self, zone: str) -> None:
        """Take a NOTIFY for ``zone``, absolute, that another process had."""
        self._secondaries.look(zone)

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
        self._notifier.sources = sources
        self._secondaries.start(sources)
        self._secondaries.tidy()
        self._is_started = True
        self._notifier.changed(self._zones.all())

    def forget(self) -> None:
        """Drop every ready answer: what the resolver knew was flushed."""
        self._answering.forget()

    async def answer(self, query: bytes, host: str) -> bytes | None:
        """Return the answer to a query that came encrypted another way (RFC 8484).

        ``None``: it is no query, or the policy wants silence. Transfers are not for
        that way, nor is what servers sign.
        """
        found = self._answering.now(query, host, udp=False, encrypted=True)
        if isinstance(found, Recursion):
            return await self._answering.later(found) or None
        if isinstance(found, ControlQuery):
            return header_only(query, codes.REFUSED)
        return found

    async def reload(self) -> Report:
        """Check and exchange the zones that changed, off the event loop."""
        report = await self._off_the_loop()
        if report.loaded or report.removed:
            self._answering.forget()
            if self._is_started:
                self._notifier.changed(self._zones.all())
        for problem in report.problems:
            log.warning("zone problem", problem=str(problem))
        log.info(
            "zones reloaded",
            loaded=len(report.loaded),
            kept=len(report.kept),
            refused=len(report.refused),
            removed=len(report.removed),
        )
        return report

    async def _off_the_loop(self) -> Report:
        """Reload in a thread that lets the answers go first."""
        if self._reloads == 0:
            self._switch_s = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_S)
        self._reloads += 1
        try:
            return await asyncio.to_thread(self._zones.reload)
        finally:
            self._reloads -= 1
            if self._reloads == 0:
                sys.setswitchinterval(self._switch_s)

    async def stop(self) -> None:
        """Take no more queries, finish what is under way, close the sockets."""
        for server in self._udp:
            server.stop()
        await self._secondaries.stop()
        await self._tasks.wait(STOP_GRACE_S)
        await self._tasks.stop()
        await self._listener.stop(STOP_GRACE_S)
        await self._tls_listener.stop(STOP_GRACE_S)
        for server in self._udp:
            server.close()


def _own_addresses(sockets: Sequence[socket.socket]) -> Sources:
    """Return the addresses we listen at, unless that is every address."""
    found: Sources = {}
    for sock in sockets:
        host = sock.getsockname()[0]
        if host not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
            found.setdefault(sock.family, host)
    return found
