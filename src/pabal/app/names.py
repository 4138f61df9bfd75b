"""The role ``dns``: zones and recursion."""

import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from pabal.app import caches, outlooks, parts, resolving
from pabal.app.certificate import ServerTls
from pabal.app.cookie import cookie_secret
from pabal.app.counted import resolver_families
from pabal.app.looking import LOOK_SECONDS, Looking
from pabal.app.probing import Probing
from pabal.app.shared import (
    ASKED_BELL,
    COPIED_BELL,
    DIRECTORY_BELL,
    FILES_BELL,
    UPDATED_BELL,
    ZONES_BELL,
    Shared,
)
from pabal.app.taking import take_elsewhere
from pabal.base.metrics import Extent, Family
from pabal.base.tasks import Tasks
from pabal.dns.server.nameserver import NameServer, Sharing
from pabal.dns.server.resigning import Resigner
from pabal.dns.zone.keystore import KeyStore
from pabal.dns.zone.view import View
from pabal.dns.zone.views import views_of

NOTIFY_AFTER_SECONDS: Final = 2 * LOOK_SECONDS
"""Before secondaries hear of a change: they may ask any process, and each looks by
itself. BIND waits five seconds (notify-delay)."""


class NamesRole:
    """Answers names; reads its zones again when somebody changes them.

    Args (of the constructor):
        shared: Objects of the process.
        tls: The certificate, for DNS over TLS and for the records that follow.
        transfers: Whether it follows primaries and tells secondaries; one process does.

    Attributes:
        on_updated: Called when a dynamic update was done or taken over here, if set.

    Raises:
        OperatorError: From the constructor: [dns] holds what cannot be, or the secret
            of the cookies cannot be used.
    """

    def __init__(
        self,
        shared: Shared,
        tls: ServerTls | None = None,
        *,
        transfers: bool = True,
    ) -> None:
        layout = shared.layout
        secret = cookie_secret(layout.cookie_secret)
        settings = parts.dns_settings(shared.settings, secret, transfers=transfers)
        views = views_of(settings.views, settings.hostname, shared.clock)
        asked = outlooks.for_clients(
            shared.settings, shared.resolver, shared.zones, shared.clock, views
        )
        self._resolvers = asked.resolvers
        self._server = NameServer(
            settings,
            shared.zones,
            asked.resolver,
            shared.clock,
            None if tls is None else tls.names,
            views,
        )
        self.on_updated: Callable[[], None] | None = None
        self._server.share(
            Sharing(
                None if transfers else self._pass_on,
                0.0 if shared.settings.workers == 1 else NOTIFY_AFTER_SECONDS,
                self._updated,
                partial(take_elsewhere, layout.ready),
            )
        )
        self._probing = self._prober(shared, views)
        self._tasks = Tasks()
        self._looking = Looking(shared, self._server, tls, leads=transfers)
        self._looking.on_loaded = self._loaded
        self._shared = shared

    def _prober(self, shared: Shared, views: Sequence[View]) -> Probing:
        server, keys = self._server, KeyStore(shared.layout.dnssec)
        signing = Resigner(server.pools, shared.zones, keys, shared.clock, views)
        return Probing(
            server.pools,
            server.pool_addresses,
            server.pool_changed,
            shared.clock,
            signing.refresh,
        )

    @property
    def views(self) -> Sequence[View]:
        """What some clients see instead of everybody's zones."""
        return self._server.views

    async def start(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Load the zones and answer."""
        shared = self._shared
        await self._looking.start()
        await self._server.start(
            sockets.get("dns/udp", ()),
            sockets.get("dns/tcp", ()),
            sockets.get("dns-tls", ()),
        )
        self._tasks.start(self._looking.run(), "zones")
        if self._resolvers.configured:
            keeper = resolving.anchor_keeper(
                shared.settings, self._resolvers, shared.clock
            )
            shared.resolver.attend(keeper.run(), "trust anchors")
        if sockets.get("dns/udp") or sockets.get("dns/tcp"):
            self._probing.start()

    async def statistics(self, extent: Extent) -> Sequence[Family]:
        """Return what the name server counted, and what the resolver holds."""
        held = resolver_families(self._resolvers.by_view)
        return (*await self._server.statistics(extent), *held)

    async def answer(self, query: bytes, host: str, at: str) -> bytes | None:
        """Return the answer to an encrypted query; ``None``: it is no query.

        Args:
            host: Who asks.
            at: Which of our addresses.
        """
        return await self._server.answer(query, host, at)

    def heard(self, subject: str) -> None:
        """Take note of a ring."""
        word, _, rest = subject.partition(" ")
        is_general = subject in {DIRECTORY_BELL, ZONES_BELL, ASKED_BELL}
        if is_general or subject.startswith(FILES_BELL):
            self._looking.heard(subject)
        elif subject.startswith(UPDATED_BELL):
            zone = subject.removeprefix(UPDATED_BELL)
            self._tasks.start(self._follow(zone), "zone updated")
        elif word == caches.FLUSH_BELL:
            self._tasks.start(self._flush(rest), "flush")
        elif word == caches.DUMP_BELL:
            self._tasks.start(self._dump(rest), "dump")
        elif subject.startswith(COPIED_BELL):
            self._server.notified(subject.removeprefix(COPIED_BELL))

    async def stop(self) -> None:
        """Finish what is under way."""
        self._looking.stop()
        await self._probing.stop()
        await self._tasks.wait(LOOK_SECONDS)
        await self._server.stop()
        await self._resolvers.stop()

    def _updated(self, zone: str) -> None:
        """Tell everybody that a dynamic update of ``zone`` was done here."""
        self._shared.bell.ring(f"{UPDATED_BELL}{zone}")
        self._loaded()

    def _loaded(self) -> None:
        """Say, in this process, that there is another version of a zone."""
        if self.on_updated is not None:
            self.on_updated()

    async def _follow(self, zone: str) -> None:
        """Take over a dynamic update that another process did."""
        await self._server.follow(zone)
        self._loaded()

    async def _flush(self, asked: str) -> None:
        await caches.flush(self._resolvers.by_view, asked)
        self._server.forget()

    async def _dump(self, asked: str) -> None:
        shared = self._shared
        found = {
            view: resolver.cache for view, resolver in self._resolvers.by_view.items()
        }
        await caches.write_cache(
            found, shared.layout, shared.bell.name, asked, shared.clock
        )

    def _pass_on(self, zone: str) -> None:
        """Let the process that follows primaries look at a copied zone."""
        self._shared.bell.ring(f"{COPIED_BELL}{zone}")
