"""The role ``dns``: zones and recursion."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from pabal.app import caches, parts
from pabal.app.shared import DIRECTORY_BELL, ZONES_BELL, Shared
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks, sleep_until_set
from pabal.dns.server.nameserver import NameServer

log = Log("names")

LOOK_SECONDS: Final = 1.0
"""How often the directory and the zone files are looked at without a ring."""


class NamesRole:
    """Answers names; reads its zones again when somebody changes them."""

    def __init__(self, shared: Shared) -> None:
        self._server = NameServer(
            parts.dns_settings(shared.settings),
            shared.zones,
            shared.resolver,
            shared.clock,
        )
        self._tasks = Tasks()
        self._changed = asyncio.Event()
        self._stopping = False
        self._stamp = parts.zones_stamp(shared.settings, shared.book)
        self._shared = shared

    async def start(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Load the zones and answer."""
        await self._server.reload()
        await self._server.start(sockets.get("dns/udp", ()), sockets.get("dns/tcp", ()))
        self._tasks.start(self._look(), "zones")

    def heard(self, subject: str) -> None:
        """Take note of a ring."""
        word, _, rest = subject.partition(" ")
        if subject in {DIRECTORY_BELL, ZONES_BELL}:
            self._changed.set()
        elif word == caches.FLUSH_BELL:
            self._tasks.start(self._flush(rest), "flush")
        elif word == caches.DUMP_BELL:
            self._tasks.start(self._dump(rest), "dump")

    async def stop(self) -> None:
        """Finish what is under way."""
        self._stopping = True
        self._changed.set()
        await self._tasks.wait(LOOK_SECONDS)
        await self._server.stop()

    async def _flush(self, name: str) -> None:
        await caches.flush(self._shared.resolver, name)
        self._server.forget()

    async def _dump(self, asked: str) -> None:
        shared = self._shared
        await caches.write_cache(
            shared.resolver, shared.layout, shared.bell.name, asked, shared.clock
        )

    async def _look(self) -> None:
        while not self._stopping:
            rang = await sleep_until_set(self._changed, LOOK_SECONDS)
            self._changed.clear()
            try:
                await self._reload_if_changed(rang=rang)
            except (OSError, PabalError) as error:
                # No descriptor or no memory left, a database away: look again later.
                log.warning("zones not looked at", reason=str(error))

    async def _reload_if_changed(self, *, rang: bool) -> None:
        # A stat a zone file: on a thread, for there may be thousands.
        stamp = await asyncio.to_thread(
            parts.zones_stamp, self._shared.settings, self._shared.book
        )
        if (rang or stamp != self._stamp) and not self._stopping:
            await self._server.reload()
            self._stamp = stamp
