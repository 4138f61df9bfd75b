"""Against a small HTTP server on a thread."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from pabal.app import token_http
from pabal.app.token_http import TokenHttp
from pabal.base.errors import UnavailableError
from pabal.directory.token.ports import HttpRequest


class Endpoint(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body: bytes) -> None:
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        words = [self.command, self.path, self.headers.get("Authorization", "-")]
        octets = " ".join(words).encode() + b" " + body
        self.wfile.write(octets + b"x" * 500 * (self.path == "/long"))

    @override
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http() -> Iterator[TokenHttp]:
    one = TokenHttp()
    yield one
    one.close()


async def test_asks(url: str, http: TokenHttp) -> None:
    assert await http(HttpRequest(f"{url}/keys?v=1")) == b"GET /keys?v=1 - "
    assert await http(HttpRequest(url)) == b"GET / - "
    request = HttpRequest(f"{url}/ask", b"token=x", "me", "a b&c")
    basic = base64.b64encode(b"me:a+b%26c")
    assert await http(request) == b"POST /ask Basic " + basic + b" token=x"


async def test_only_a_whole_answer_counts(
    url: str, http: TokenHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnavailableError, match="302"):
        await http(HttpRequest(f"{url}/moved"))
    monkeypatch.setattr(token_http, "BODY_MAX_OCTETS", 400)
    with pytest.raises(UnavailableError, match="too long"):
        await http(HttpRequest(f"{url}/long"))
    with pytest.raises(UnavailableError):
        await http(HttpRequest("http://127.0.0.1:9/"))
    with pytest.raises(UnavailableError):
        await http(HttpRequest(url.replace("http:", "https:")))
    monkeypatch.setattr(token_http, "WHOLE_SECONDS", 0.0)
    with pytest.raises(UnavailableError, match="does not answer"):
        await http(HttpRequest(url))
