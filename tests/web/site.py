"""An application that says what it was asked, and a connection to it in memory."""

import asyncio
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from pabal.web.request import Headers
from tests.support.streams import MemoryStream, stream_pair

DATE: Headers = [(b"date", b"today")]


def common() -> Headers:
    return DATE


@dataclass
class Echo:
    """``/big`` sends much, ``/crash`` and ``/half`` fail, ``/deaf`` reads no body.

    Attributes:
        gate: ``/slow`` waits for it.
    """

    seen: list[Scope] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        path = scope["path"]
        if path == "/crash":
            raise ZeroDivisionError
        body = b""
        if path != "/deaf":
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
        if path == "/slow":
            await self.gate.wait()
        answer = b"x" * 300_000 if path == "/big" else b"%s:" % path.encode() + body
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        if path == "/half":
            await send(
                {"type": "http.response.body", "body": answer[:3], "more_body": True}
            )
            raise ZeroDivisionError
        await send({"type": "http.response.body", "body": answer})


def joined() -> tuple[MemoryStream, MemoryStream]:
    """Return the server's end and the client's."""
    client, server = stream_pair()
    return server, client
