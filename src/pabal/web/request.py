"""One request and its response: between a version of HTTP and an ASGI application.

No I/O of its own: the version says how octets come and go.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from pabal.base.errors import LocalProtocolError, PabalError
from pabal.base.log import Log
from pabal.net.endpoint import Endpoint

log = Log("web")

Headers = list[tuple[bytes, bytes]]
"""Names in lower case."""


class RequestEndedError(PabalError):
    """The client is gone, or broke the rules: nobody wants the response."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks.

    Attributes:
        method: In capitals.
        target: Path and query, as it was sent.
        headers: With ``host``.
        version: ``1.1`` or ``2``.
        scheme: ``http`` or ``https``.
        client: Who asks.
        server: Where.
    """

    method: str
    target: bytes
    headers: Headers
    version: str
    scheme: str
    client: Endpoint
    server: Endpoint

    def scope(self) -> Scope:
        """Return it as ASGI describes it."""
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.version,
            "method": self.method,
            "scheme": self.scheme,
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "root_path": "",
            "query_string": query,
            "headers": self.headers,
            "client": (self.client.address, self.client.port),
            "server": (self.server.address, self.server.port),
        }


class Line(Protocol):
    """How the octets of one request come and those of its response go.

    Raises ``RequestEndedError`` anywhere.
    """

    async def body(self) -> tuple[bytes, bool]:
        """Return the next octets of the request's body and whether more may come."""
        ...

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        ...

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send octets of the response's body; nothing if it may have none."""
        ...


class Exchange:
    """Runs an application for one request.

    Attributes:
        is_started: Whether status and headers were sent.
        is_over: Whether the response was sent whole.
    """

    def __init__(self, line: Line, *, head: bool) -> None:
        self._line = line
        self._head = head
        self._has_body = True
        self.is_started = False
        self.is_over = False

    async def run(self, application: ASGIApp, request: Request) -> None:
        """Let ``application`` respond; a bug in it is a 500, if that can still be said.

        Raises:
            RequestEndedError: The client is gone.
        """
        try:
            await application(request.scope(), self._receive, self._send)
        except RequestEndedError:
            raise
        except Exception:
            # The only catch-all: a bug costs one request, and the client sees no text.
            log.exception("bug in a page", path=request.target.decode("latin-1"))
        if not self.is_started:
            await self._line.start(500, [(b"content-length", b"0")])
            await self._line.send(b"", more=False)
            self.is_started = self.is_over = True

    async def _receive(self) -> Message:
        if not self._has_body:
            # What is left to tell is that the client went; whoever sends finds out.
            await asyncio.Event().wait()
        data, self._has_body = await self._line.body()
        return {"type": "http.request", "body": data, "more_body": self._has_body}

    async def _send(self, message: Message) -> None:
        kind: str = message["type"]
        if kind == "http.response.start":
            status: int = message["status"]
            headers: Headers = [
                (bytes(name).lower(), bytes(value))
                for name, value in message.get("headers", ())
            ]
            self.is_started = True
            await self._line.start(status, headers)
        elif kind == "http.response.body":
            data: bytes = message.get("body", b"")
            more: bool = message.get("more_body", False)
            await self._line.send(b"" if self._head else bytes(data), more=more)
            self.is_over = not more
        else:
            raise LocalProtocolError(f"an application sent {kind}")
