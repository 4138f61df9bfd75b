import asyncio
import socket

import dns.message
import pytest

from pabal.base.errors import OperatorError
from pabal.dns.server.answering import Asked
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from tests.support.zones import HEAD, FixedClock, MemorySource, question


async def ask(port: int, data: bytes) -> dns.message.Message:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
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


def test_a_wrong_access_list_is_the_operators_error() -> None:
    settings = DnsSettings("ns.test", allow_query=("nobody",))
    zones = Zones(MemorySource(), None, "ns.test", FixedClock())
    with pytest.raises(OperatorError, match=r"dns\.allow_query"):
        NameServer(settings, zones, None, FixedClock())
