"""Hosts on loopback that live and die."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pabal.app import probing as module
from pabal.app.probing import Probing, ask
from pabal.base.clock import SystemClock
from pabal.dns.server.pools import pools_of
from pabal.dns.server.probe import parse_probe
from pabal.dns.settings import PoolSettings
from pabal.net.ports import ConnectionLostError, TlsFailedError
from pabal.net.tls import server_context
from tests.support.certificate import write_certificate

HOST = "127.78.0.1"


@asynccontextmanager
async def host(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if answer:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass  # it asked for nothing, or spoke TLS
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_what_hosts_say(tmp_path: Path) -> None:
    async with host(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        assert await ask(parse_probe(f"http:{port}/"), HOST, "a.test") == ""
        assert await ask(parse_probe(f"tcp:{port}"), HOST, "a.test") == ""
    async with host(b"HTTP/1.1 503 no\r\n\r\n") as port:
        said = await ask(parse_probe(f"http:{port}/"), HOST, "a.test")
        assert "503" in said
    async with host(b"x" * 5000) as port:
        said = await ask(parse_probe(f"http:{port}/"), HOST, "a.test")
        assert "it answered" in said
        assert len(said) < 100
    async with host(b"") as port:
        assert await ask(parse_probe(f"http:{port}/"), HOST, "a.test") == (
            "it answered b''"
        )
    context = server_context(*write_certificate(tmp_path, "other.test"))
    async with host(b"HTTP/1.1 204 x\r\n\r\n", context) as port:
        assert await ask(parse_probe(f"https:{port}/"), HOST, "a.test") == ""
    async with host(b"") as port:
        with pytest.raises(TlsFailedError):
            await ask(parse_probe(f"https:{port}/"), HOST, "a.test")
    with pytest.raises(ConnectionLostError, match=r"[Cc]onnect"):
        await ask(parse_probe(f"tcp:{port}"), HOST, "a.test")


async def test_a_dead_host_goes_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    changed = asyncio.Event()
    address = bytes(map(int, HOST.split(".")))

    def probing(port: int) -> Probing:
        settings = PoolSettings(
            "web", ("a.test",), probe=f"http:{port}/", interval_s=0, fall=2, rise=1
        )
        pools = pools_of([settings])
        return Probing(pools, lambda _: {address}, changed.set, SystemClock())

    async with host(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        made = probing(port)
        made.start()
        await asyncio.sleep(0.1)
        assert not changed.is_set()
    pool = made._pools.all[0]
    async with asyncio.timeout(5):
        await changed.wait()
    assert not pool.hosts[address].is_well
    changed.clear()

    async def well(_: object, __: object, ___: object) -> str:
        return ""

    monkeypatch.setattr(module, "ask", well)
    async with asyncio.timeout(5):
        await changed.wait()
    assert pool.hosts[address].is_well
    await made.stop()


async def test_without_a_probe_nobody_is_asked() -> None:
    pools = pools_of([PoolSettings("web", ("a.test",))])
    made = Probing(pools, lambda _: (), lambda: None, SystemClock())
    made.start()
    assert len(made._tasks) == 0
    await made.stop()
