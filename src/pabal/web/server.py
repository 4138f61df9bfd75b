"""Serves the web sites: HTTP/1.1, and HTTP/2 where TLS agreed on it.

Security: connections are counted a client and in all before anything is read, as those
of every other service.
"""

import socket
import ssl
from collections.abc import Sequence
from email.utils import formatdate
from typing import Final

from starlette.types import ASGIApp

from pabal.base.clock import Clock
from pabal.net.listener import Listener, ListenerSettings
from pabal.net.ports import Stream
from pabal.web.http1 import Http1Connection
from pabal.web.http2 import Http2Connection
from pabal.web.request import Headers

CONNECTIONS_MAX: Final = 2_000
"""At once; more are told 503."""

CONNECTIONS_A_CLIENT_MAX: Final = 100
"""At once of one client: a browser opens six, or one with HTTP/2."""

STOP_SECONDS: Final = 5.0
"""How long a request may go on while we stop."""

BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Content-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)

HTTP2: Final = "h2"
"""What HTTP/2 is called in a TLS handshake (RFC 9113 §3.2)."""

PROTOCOLS: Final = (HTTP2, "http/1.1")
"""What a handshake may agree on, what is best first."""


class WebServer:
    """One HTTP server; ``start`` and ``stop`` once each.

    Args (of the constructor):
        application: What answers.
        clock: For the Date of responses and for how long requests take.
        tls: For HTTPS; ``None``: HTTP.
    """

    def __init__(
        self, application: ASGIApp, clock: Clock, tls: ssl.SSLContext | None = None
    ) -> None:
        self._application = application
        self._clock = clock
        self._connections: set[Http1Connection | Http2Connection] = set()
        limits = ListenerSettings(CONNECTIONS_A_CLIENT_MAX, CONNECTIONS_MAX, BUSY)
        self._listener = Listener(
            self._serve, limits, tls, implicit_tls=tls is not None
        )

    async def start(self, listening: Sequence[socket.socket]) -> None:
        """Serve on ``listening`` from now on."""
        for sock in listening:
            await self._listener.start(sock)

    async def stop(self) -> None:
        """Finish what is being answered, then close."""
        for connection in tuple(self._connections):
            connection.stop()
        await self._listener.stop(STOP_SECONDS)

    async def _serve(self, stream: Stream) -> None:
        connection: Http1Connection | Http2Connection
        if stream.tls is not None and stream.tls.protocol == HTTP2:
            connection = Http2Connection(stream, self._application, self._common)
        else:
            connection = Http1Connection(
                stream, self._application, self._common, self._clock
            )
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    def _common(self) -> Headers:
        """Return the headers every response has (RFC 9110 §6.6.1)."""
        date = formatdate(self._clock.now(), usegmt=True)
        return [(b"date", date.encode("ascii"))]
