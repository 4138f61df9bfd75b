import asyncio
import socket
import ssl
import sys
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.message
import pytest
from typing_extensions import override

from pabal.base.errors import OperatorError
from pabal.dns.server.answering import Asked, ControlQuery
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings, TcpSettings, ViewSettings
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from pabal.net.tls import server_context
from tests.support.certificate import write_certificate
from tests.support.zones import HEAD, FixedClock, MemorySource, question


async def ask(port: int, data: bytes, source: str = "127.0.0.1") -> dns.message.Message:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.bind((source, 0))
        client.connect(("127.77.0.1", port))
        client.send(data)
        async with asyncio.timeout(5):
            answer = await asyncio.get_running_loop().sock_recv(client, 4096)
    return dns.message.from_wire(answer)


async def test_from_start_through_reload_to_stop() -> None:
    source = MemorySource({"example.com.zone": HEAD + "a A 192.0.2.1\n"})
    clock = FixedClock()
    zones = Zones(source, None, "ns.test", clock)
    server = NameServer(DnsSettings("ns.test"), zones, None, clock)
    seen: list[Asked] = []
    server.watch(seen.append)
    udp = bind(Endpoint("127.77.0.1", 0), "dns", udp=True)
    port = udp.getsockname()[1]
    tcp = bind(Endpoint("127.77.0.1", port), "dns")
    assert (await server.reload()).loaded == ("example.com.",)
    await server.start([udp], [tcp])
    data = question("a.example.com")
    for _ in range(2):
        assert (await ask(port, data)).answer[0][0].to_text() == "192.0.2.1"
    source.texts["example.com.zone"] = HEAD + "a A 192.0.2.2\n@ MX 1 nowhere\n"
    report = await server.reload()
    assert len(report.problems) == 1
    assert (await ask(port, data)).answer[0][0].to_text() == "192.0.2.2"
    reader, writer = await asyncio.open_connection("127.77.0.1", port)
    writer.write(len(data).to_bytes(2, "big") + data)
    size = int.from_bytes(await reader.readexactly(2), "big")
    message = dns.message.from_wire(await reader.readexactly(size))
    assert message.answer[0][0].to_text() == "192.0.2.2"
    writer.close()
    await writer.wait_closed()
    await server.stop()
    assert [asked.cached for asked in seen] == [False, True, False, False]


async def test_dns_over_tls_pads_its_answers(tmp_path: Path) -> None:
    zones = Zones(
        MemorySource({"example.com.zone": HEAD}), None, "ns.test", FixedClock()
    )
    context = server_context(*write_certificate(tmp_path, "ns.test"))
    server = NameServer(DnsSettings("ns.test"), zones, None, FixedClock(), context)
    await server.reload()
    tls = bind(Endpoint("127.77.0.1", 0), "dns")
    port = tls.getsockname()[1]
    await server.start([], [], [tls])
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    query = dns.message.make_query("ns.example.com", "A", use_edns=0)
    query.use_edns(options=[dns.edns.GenericOption("PADDING", b"")])
    answer = await dns.asyncquery.tls(
        query, "127.77.0.1", 5, port, ssl_context=trust, server_hostname="ns.test"
    )
    await server.stop()
    assert answer.answer
    assert len(answer.to_wire()) == 468


async def test_threads_yield_often_only_while_zones_are_loaded() -> None:
    seen = []

    class Slow(MemorySource):
        @override
        def read(self, file: str) -> str:
            seen.append(sys.getswitchinterval())
            return super().read(file)

    before = sys.getswitchinterval()
    zones = Zones(Slow({"example.com.zone": HEAD}), None, "ns.test", FixedClock())
    await NameServer(DnsSettings("ns.test"), zones, None, FixedClock()).reload()
    assert seen
    assert max(seen) < before
    assert sys.getswitchinterval() == before


def test_a_wrong_access_list_is_the_operators_error() -> None:
    settings = DnsSettings("ns.test", allow_query=("nobody",))
    zones = Zones(MemorySource(), None, "ns.test", FixedClock())
    with pytest.raises(OperatorError, match=r"dns\.allow_query"):
        NameServer(settings, zones, None, FixedClock())


async def test_clients_see_what_their_view_holds(tmp_path: Path) -> None:
    """Asked in turn, so that a cache they shared would be seen."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "example.com.zone").write_text("$TTL 60\na A 10.0.0.1\n")
    settings = DnsSettings(
        "ns.test",
        views=(
            ViewSettings("inside", ("127.77.1.0/24",), str(inside)),
            ViewSettings("same", ("127.77.2.0/24",), allow_recursion=("any",)),
        ),
    )
    source = MemorySource({"example.com.zone": HEAD + "a A 192.0.2.1\n"})
    zones = Zones(source, None, "ns.test", FixedClock())
    server = NameServer(settings, zones, None, FixedClock())
    udp = bind(Endpoint("127.77.0.1", 0), "dns", udp=True)
    port = udp.getsockname()[1]
    await server.reload()
    await server.start([udp], [])

    async def seen(client: str, name: str = "a.example.com") -> str:
        answer = (await ask(port, question(name), client)).answer
        return answer[0][0].to_text() if answer else ""

    for _ in range(3):
        assert await seen("127.77.1.5") == "10.0.0.1"
        assert await seen("127.0.0.1") == "192.0.2.1"
        assert await seen("127.77.2.5") == "192.0.2.1"
    assert await seen("127.77.1.5", "missing.example.com") == ""
    (inside / "example.com.zone").write_text("$TTL 60\nmissing A 10.0.0.22\n")
    await server.reload()
    assert await seen("127.77.1.5", "missing.example.com") == "10.0.0.22"
    assert await seen("127.77.1.5") == "192.0.2.1"
    await server.stop()


def both(address: str) -> tuple[socket.socket, socket.socket]:
    """Bind UDP and TCP to one port, which nobody has for either."""
    for _ in range(20):
        tcp = bind(Endpoint(address, 0), "dns")
        try:
            port = tcp.getsockname()[1]
            return bind(Endpoint(address, port), "dns", udp=True), tcp
        except OperatorError:
            tcp.close()
    pytest.fail("no port is free for both")


@pytest.mark.parametrize("bound", ["127.77.0.1", "0.0.0.0"])
async def test_the_address_asked_may_decide(tmp_path: Path, bound: str) -> None:
    """A socket that hears one address, and one that hears all."""
    (tmp_path / "example.com.zone").write_text("$TTL 60\na A 10.0.0.1\n")
    here = ViewSettings("here", ("any",), str(tmp_path), destinations=("127.77.0.1",))
    asked = ViewSettings("wish", ("127.77.3.0/24",), str(tmp_path), recursive_only=True)
    settings = DnsSettings("ns.test", views=(here, asked))
    source = MemorySource({"example.com.zone": HEAD + "a A 192.0.2.1\n"})
    zones = Zones(source, None, "ns.test", FixedClock())
    server = NameServer(settings, zones, None, FixedClock())
    udp, tcp = both(bound)
    port = tcp.getsockname()[1]
    await server.reload()
    await server.start([udp], [tcp])
    there = ["127.77.0.1"] if bound != "0.0.0.0" else ["127.77.0.1", "127.77.0.2"]
    for at in there * 3:
        address = "10.0.0.1" if at == "127.77.0.1" else "192.0.2.1"
        for tcp_too in (False, True):
            query = question("a.example.com")
            ask_at = dns.asyncquery.tcp if tcp_too else dns.asyncquery.udp
            found = await ask_at(
                dns.message.from_wire(query), at, 5, port, source="127.77.9.9"
            )
            assert found.answer[0][0].to_text() == address
        octets = await server.answer(question("a.example.com"), "127.77.9.9", at)
        assert octets is not None, "over HTTPS"
        assert dns.message.from_wire(octets).answer[0][0].to_text() == address
    if len(there) > 1:
        for wish, address in ((False, "192.0.2.1"), (True, "10.0.0.1")) * 3:
            message = dns.message.make_query("a.example.com", "A")
            message.flags = dns.flags.RD if wish else 0
            found = await dns.asyncquery.udp(
                message, "127.77.0.2", 5, port, source="127.77.3.3"
            )
            assert found.answer[0][0].to_text() == address
    await server.stop()


async def test_nobody_is_answered_from_a_private_zone() -> None:
    """Nor by way of an alias that leads into it; who may have it whole still may."""
    files = {
        "rpz.test.zone": HEAD + "bad.test A 192.0.2.1\nout CNAME www.example.com.\n",
        "example.com.zone": HEAD + "www A 192.0.2.2\nin CNAME bad.test.rpz.test.\n",
    }
    settings = DnsSettings(
        "ns.test", private_zones=("RPZ.test",), allow_transfer=("127.0.0.1",)
    )
    zones = Zones(MemorySource(files), None, "ns.test", FixedClock())
    server = NameServer(settings, zones, None, FixedClock())
    await server.reload()
    refused = ("rpz.test", "bad.test.rpz.test", "none.rpz.test", "out.rpz.test")
    for name in (*refused, "in.example.com", "www.example.com") * 2:
        octets = await server.answer(question(name), "127.0.0.1")
        assert octets is not None
        answer = dns.message.from_wire(octets)
        hidden = name != "www.example.com"
        assert (answer.rcode() == dns.rcode.REFUSED) is hidden, name
        assert bool(answer.answer) is not hidden
    query = dns.message.make_query("rpz.test", "AXFR").to_wire()
    asked = ControlQuery(query, "127.0.0.1")
    first = await anext(server._control.messages(asked, udp=False))
    assert dns.message.from_wire(first).answer
    await server.stop()


async def test_connections_of_one_client_are_as_many_as_is_said() -> None:
    """RFC 7766 §6.2.2; one that ended makes room for another."""
    source = MemorySource({"example.com.zone": HEAD})
    zones = Zones(source, None, "ns.test", FixedClock())
    settings = DnsSettings("ns.test", tcp=TcpSettings(per_client_max=2))
    server = NameServer(settings, zones, None, FixedClock())
    await server.reload()
    tcp = bind(Endpoint("127.77.0.1", 0), "dns")
    port = tcp.getsockname()[1]
    await server.start([], [tcp])
    query = question("example.com", "SOA")

    async def connected(source: str = "127.77.0.9") -> asyncio.StreamWriter | None:
        """Return a connection that was answered on; ``None``: it was closed."""
        reader, writer = await asyncio.open_connection(
            "127.77.0.1", port, local_addr=(source, 0)
        )
        writer.write(len(query).to_bytes(2, "big") + query)
        try:
            async with asyncio.timeout(5):
                await reader.readexactly(2)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return None
        return writer

    first, second = await connected(), await connected()
    assert first is not None
    assert second is not None
    assert await connected() is None
    other = await connected("127.77.0.10")
    assert other is not None
    first.close()
    async with asyncio.timeout(5):
        while (third := await connected()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    for writer in (second, third, other):
        writer.close()
    await server.stop()
