import pytest
from starlette.types import Receive, Scope, Send

from pabal.net.endpoint import Endpoint
from pabal.web.request import Exchange, Headers, Request, RequestEndedError
from tests.web.site import Echo

REQUEST = Request(
    "GET",
    b"/a%20b?x=1",
    [(b"host", b"a.test")],
    "1.1",
    "https",
    Endpoint("192.0.2.1", 4000),
    Endpoint("192.0.2.25", 443),
)


class Line:
    def __init__(self, *parts: bytes, gone: bool = False) -> None:
        self.parts = list(parts)
        self.gone = gone
        self.status = 0
        self.sent = b""
        self.ended = False

    async def body(self) -> tuple[bytes, bool]:
        if self.gone:
            raise RequestEndedError("gone")
        part = self.parts.pop(0) if self.parts else b""
        return part, bool(self.parts)

    async def start(self, status: int, headers: Headers) -> None:
        assert all(name.islower() for name, _ in headers)
        self.status = status

    async def send(self, data: bytes, *, more: bool) -> None:
        self.sent += data
        self.ended = not more


def test_a_scope() -> None:
    scope = REQUEST.scope()
    assert scope["path"] == "/a b"
    assert scope["raw_path"] == b"/a%20b"
    assert scope["query_string"] == b"x=1"
    assert scope["client"] == ("192.0.2.1", 4000)
    assert scope["scheme"] == "https"


async def test_a_response() -> None:
    line = Line(b"one", b"two")
    exchange = Exchange(line, head=False)
    await exchange.run(Echo(), REQUEST)
    assert (line.status, line.sent, line.ended) == (200, b"/a b:onetwo", True)
    assert exchange.is_over


async def test_head_has_no_body() -> None:
    line = Line()
    await Exchange(line, head=True).run(Echo(), REQUEST)
    assert (line.status, line.sent, line.ended) == (200, b"", True)


async def test_a_bug_is_a_500_as_long_as_that_can_be_said() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.trailers"})

    line = Line()
    exchange = Exchange(line, head=False)
    await exchange.run(broken, REQUEST)
    assert (line.status, line.ended, exchange.is_over) == (500, True, True)

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    line = Line()
    await Exchange(line, head=False).run(silent, REQUEST)
    assert line.status == 500

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise ZeroDivisionError

    line = Line()
    exchange = Exchange(line, head=False)
    await exchange.run(half, REQUEST)
    assert (line.status, exchange.is_started, exchange.is_over) == (200, True, False)


async def test_who_is_gone_is_not_answered() -> None:
    line = Line(gone=True)
    with pytest.raises(RequestEndedError):
        await Exchange(line, head=False).run(Echo(), REQUEST)
    assert line.status == 0
