"""Listening: accepts connections, counts them, hands each to its server.

Security: the first thing a stranger reaches. Connections are counted a client
(an IPv4 address, an IPv6 /64) and in all before any session exists.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pabal.base.errors import PabalError
from pabal.base.limits import Concurrency
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.net.endpoint import client_key
from pabal.net.ports import Stream, TlsFailedError
from pabal.net.secure import TlsSetup
from pabal.net.stream import SocketStream

log = Log("net")

BACKLOG: Final = 1024
"""Connections the kernel keeps for us while the loop is busy."""

Handler = Callable[[Stream], Awaitable[None]]
"""Serves one connection; returns when it is over."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Limits of one listening service.

    Attributes:
        connections_a_client_max: At once from one client. A family behind one address
            and a mail program with ten connections each fit.
        connections_max: At once in this process.
        busy: Octets a refused client is sent before the close; none where TLS comes
            first, since it has no session to read them in.
    """

    connections_a_client_max: int = 200
    connections_max: int = 20_000
    busy: bytes = b""


class Listener:
    """Serves every connection of one listening socket.

    Args (of the constructor):
        handler: Called once a connection, as a task of its own.
        settings: Limits.
        tls_context: For ``start_tls``; with ``implicit_tls`` from the first octet.

    Attributes:
        taken: Connections since the start.
        refused: Those that were too many.
    """

    def __init__(
        self,
        handler: Handler,
        settings: ListenerSettings,
        tls_context: ssl.SSLContext | None = None,
        *,
        implicit_tls: bool = False,
    ) -> None:
        self._handler = handler
        self._settings = settings
        self._tls = TlsSetup(tls_context) if tls_context else None
        self._implicit = implicit_tls
        self._count = Concurrency(
            settings.connections_a_client_max, settings.connections_max
        )
        self._tasks = Tasks()
        self._handshakes = Tasks()
        self._streams: set[SocketStream] = set()
        self._servers: list[asyncio.Server] = []
        self.taken = self.refused = 0

    @property
    def open(self) -> int:
        """Connections now."""
        return len(self._streams)

    async def start(self, listening: socket.socket) -> None:
        """Accept on ``listening`` (bound, not yet listening or listening already)."""
        loop = asyncio.get_running_loop()
        made, lost = self._connected, self._disconnected  # the same for everybody
        server = await loop.create_server(
            lambda: SocketStream(self._tls, on_made=made, on_lost=lost),
            sock=listening,
            backlog=BACKLOG,
        )
        self._servers.append(server)

    def _connected(self, stream: SocketStream) -> None:
        """Count before TLS: who never shakes hands counts too."""
        if not self._count.enter(client_key(stream.peer.address)):
            self.refused += 1
            log.warning("too many connections", client=stream.peer.address)
            if self._implicit:
                stream.abort()
                return
            stream.send(self._settings.busy)
            stream.close()
            return
        self._streams.add(stream)
        self.taken += 1
        if self._implicit:
            stream.expect_tls()  # before the first octet comes
            self._handshakes.start(self._shake_hands(stream), "TLS")
        else:
            self._begin(stream)

    async def _shake_hands(self, stream: SocketStream) -> None:
        try:
            await stream.start_tls()
        except TlsFailedError as error:
            log.debug("no TLS", client=stream.peer.address, reason=str(error))
        else:
            self._begin(stream)

    def _begin(self, stream: SocketStream) -> None:
        self._tasks.start(self._serve(stream), "connection")

    def _disconnected(self, stream: SocketStream) -> None:
        if stream in self._streams:
            self._streams.discard(stream)
            self._count.leave(client_key(stream.peer.address))

    async def _serve(self, stream: SocketStream) -> None:
        try:
            await self._handler(stream)
        except (PabalError, ConnectionError) as error:
            log.info("connection ended", client=str(stream.peer), reason=str(error))
        except Exception:
            # The only catch-all: a bug costs one connection, and the peer sees no text.
            log.exception("bug in a session", client=str(stream.peer))
        finally:
            stream.close()

    async def stop(self, grace_s: float) -> None:
        """Accept no more, give sessions ``grace_s`` seconds to end, then cut them."""
        for server in self._servers:
            server.close()
        await self._handshakes.stop()
        await self._tasks.wait(grace_s)
        await self._tasks.stop()
        for stream in tuple(self._streams):
            stream.abort()
