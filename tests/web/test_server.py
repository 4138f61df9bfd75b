import asyncio
from pathlib import Path

from pabal.base.clock import SystemClock
from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from pabal.web.server import WebServer
from pabal.web.site import Sites


async def test_a_browser_finds_the_page(tmp_path: Path) -> None:
    (tmp_path / "www.a.test").mkdir()
    (tmp_path / "www.a.test" / "index.html").write_text("안녕")
    listening = bind(Endpoint("127.0.0.1", 0), "http")
    server = WebServer(Sites(tmp_path), SystemClock())
    await server.start([listening])
    stream = await connect(Endpoint("127.0.0.1", listening.getsockname()[1]))
    stream.send(b"GET / HTTP/1.1\r\nHost: www.a.test\r\nConnection: close\r\n\r\n")
    answer = b""
    async with asyncio.timeout(5):
        while data := await stream.receive(5):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith("안녕".encode())
    stream.close()
    await server.stop()
