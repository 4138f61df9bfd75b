"""Serves the web sites: uvicorn inside our event loop, on our sockets."""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from pabal.base.tasks import Tasks

CONNECTIONS_MAX: Final = 2_000
"""At once; more are told 503."""

KEEP_ALIVE_SECONDS: Final = 15
"""An idle connection is closed after that."""

STOP_SECONDS: Final = 5
"""How long a request may go on while we stop."""


class _Server(uvicorn.Server):
    """Leaves the signals to the process it is part of."""

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """One HTTP server; ``start`` and ``stop`` once each.

    Args (of the constructor):
        application: What answers.
        tls: For HTTPS; ``None``: HTTP.
    """

    def __init__(self, application: ASGIApp, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(
            uvicorn.Config(
                application,
                lifespan="off",
                log_config=None,
                access_log=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
                server_header=False,
                proxy_headers=False,
                ssl_context_factory=None if tls is None else lambda *_: tls,
            )
        )
        self._tasks = Tasks()

    def start(self, listening: Sequence[socket.socket]) -> None:
        """Serve on ``listening`` from now on."""
        self._tasks.start(self._server.serve(sockets=list(listening)), "web")

    async def stop(self) -> None:
        """Finish what is being answered, then close."""
        self._server.should_exit = True
        if not await self._tasks.wait(STOP_SECONDS + 1):
            await self._tasks.stop()
