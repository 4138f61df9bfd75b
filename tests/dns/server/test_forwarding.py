"""Updates on their way to a primary on loopback that answers as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import dns.message
import dns.name
import dns.rcode
import dns.tsig
import dns.update

from pabal.dns.server import forwarding as module
from pabal.dns.server.access import parse_access_list
from pabal.dns.server.forwarding import UpdateForwarder
from pabal.dns.server.peer import Peer
from pabal.net.endpoint import Endpoint

FRIEND = "127.0.0.1"
ZONE = dns.name.from_text("a.test.")
KEY = dns.tsig.Key("office.test.", "cGFiYWw=", dns.tsig.HMAC_SHA256)
HOST = "127.78.0.2"


def update(zone: str = "a.test.", *, signed: bool = True) -> bytes:
    message = dns.update.UpdateMessage(zone)
    message.add("new", 60, "A", "192.0.2.7")
    if signed:
        message.use_tsig(KEY)
    return message.to_wire()


def forwarder(*ports: int) -> UpdateForwarder:
    peers = [Peer(Endpoint(HOST, port), None) for port in ports]

    def primaries(name: dns.name.Name) -> Sequence[Peer]:
        return peers if name == ZONE else ()

    return UpdateForwarder(parse_access_list(["127.0.0.1"], "x"), primaries)


@asynccontextmanager
async def primary(seen: list[bytes]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        data = await reader.readexactly(size)
        seen.append(data)
        answer = data[:2] + b"\xa8\x05" + bytes(8)
        writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def dead_port() -> int:
    return 9


async def test_it_goes_as_it_came_and_so_does_the_answer() -> None:
    seen: list[bytes] = []
    data = update()
    async with primary(seen) as port:
        # The first primary is away.
        answer = await forwarder(dead_port(), port).forward(data, FRIEND)
    assert seen == [data]
    assert answer == data[:2] + b"\xa8\x05" + bytes(8)


async def test_what_is_not_to_be_handed_on() -> None:
    seen: list[bytes] = []
    async with primary(seen) as port:
        made = forwarder(port)
        assert await made.forward(update(), "127.0.0.2") is None
        assert await made.forward(update(signed=False), FRIEND) is None
        assert await made.forward(update("b.test."), FRIEND) is None
        assert await made.forward(b"\0\0\x28\0" + bytes(9), FRIEND) is None
    assert seen == []


async def test_nobody_reached_is_a_failure() -> None:
    answer = await forwarder(dead_port()).forward(update(), FRIEND)
    assert answer is not None
    assert answer[3] & 15 == dns.rcode.SERVFAIL


async def test_no_more_at_once_than_the_bound() -> None:
    made = forwarder(dead_port())
    made._under_way = module.UNDER_WAY_MAX
    answer = await made.forward(update(), FRIEND)
    assert answer is not None
    assert answer[3] & 15 == dns.rcode.SERVFAIL
    assert made._under_way == module.UNDER_WAY_MAX
