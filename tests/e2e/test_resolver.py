"""The resolver against real sockets: a server of a few lines on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import pytest
from typing_extensions import override

from pabal.base.clock import SystemClock
from pabal.base.ids import SecureChance
from pabal.dns.ports import ResolutionError, Steps
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import (
    Query,
    ServerClosedError,
    ServerTimeoutError,
    SuspectReplyError,
)
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from tests.scenario.dns.network import Zone

A, TXT = dns.rdatatype.A, dns.rdatatype.TXT
ROOT = Zone.read(
    ".",
    ["@ SOA . . 1 1 1 1 60", "test. NS ns.test.", "ns.test. A 127.0.0.2"],
)
TEST = Zone.read(
    "test.",
    ["@ SOA ns you 1 1 1 1 60", "www 60 A 192.0.2.80"]
    + [f'big 60 TXT "{number:0200d}"' for number in range(20)],
)


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Serves one zone by UDP and TCP on one port."""

    zone: Zone
    seen_from: set[int] = field(default_factory=set)
    by_tcp: int = 0
    _transport: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        self.seen_from.add(addr[1])
        octets = self._answer(data)
        if len(octets) > 1232:
            reply = dns.message.make_response(dns.message.from_wire(data))
            reply.flags |= dns.flags.TC
            octets = reply.to_wire()
        assert self._transport is not None
        self._transport.sendto(octets, addr)

    async def connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        octets = self._answer(await reader.readexactly(length))
        self.by_tcp += 1
        writer.write(len(octets).to_bytes(2, "big") + octets)
        await writer.drain()
        writer.close()

    def _answer(self, data: bytes) -> bytes:
        reply = dns.message.make_response(dns.message.from_wire(data))
        reply.flags |= dns.flags.AA
        self.zone.fill(reply)
        return reply.to_wire(max_size=65535)


@contextlib.asynccontextmanager
async def listening(server: NameServer, host: str, port: int) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    tcp = await asyncio.start_server(server.connected, host, port)
    port = tcp.sockets[0].getsockname()[1]
    udp, _ = await loop.create_datagram_endpoint(lambda: server, (host, port))
    try:
        yield port
    finally:
        udp.close()
        tcp.close()
        await tcp.wait_closed()


def resolver(port: int) -> IterativeResolver:
    settings = ResolverSettings(
        root_hints=(Server("root.", "127.0.0.1", port),), port=port, ipv6=False
    )
    return IterativeResolver(settings, NetworkExchange(), SystemClock(), SecureChance())


async def test_referral_udp_tcp_and_ports() -> None:
    root, test = NameServer(ROOT), NameServer(TEST)
    async with (
        listening(root, "127.0.0.1", 0) as port,
        listening(test, "127.0.0.2", port),
    ):
        asking, steps = resolver(port), Steps()
        answer = await asking.resolve(dns.name.from_text("www.test."), A, steps)
        assert str(answer.answer[0]) == "www.test. 60 IN A 192.0.2.80"
        assert [step.server for step in steps.taken] == [
            f"root.@127.0.0.1#{port}",
            f"ns.test.@127.0.0.2#{port}",
        ]
        big = await asking.resolve(dns.name.from_text("big.test."), TXT)
        assert len(big.answer[0]) == 20
        assert test.by_tcp == 1
        for number in range(20):
            await asking.resolve(dns.name.from_text(f"n{number}.test."), A)
        assert len(test.seen_from) > 15  # a new port each time
        await asking.stop()


async def test_nobody_there() -> None:
    server = NameServer(ROOT)
    async with listening(server, "127.0.0.1", 0) as port:
        pass
    with pytest.raises(ResolutionError, match="refused"):
        await resolver(port).resolve(dns.name.from_text("www.test."), A)


async def test_sockets_are_taken_in_turn() -> None:
    loop = asyncio.get_running_loop()
    silent, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, ("127.0.0.1", 0)
    )
    port = silent.get_extra_info("sockname")[1]
    name = dns.name.from_text("www.test.")
    query = Query(
        Server("", "127.0.0.1", port), dns.name.root, name, A,
        tcp=False, edns=False, recursive=False, timeout_s=0.1, wire=bytes(32),
    )  # fmt: skip
    network = NetworkExchange(sockets_max=1)
    began = loop.time()
    ends = await asyncio.gather(
        *(network.exchange(query) for _ in range(3)), return_exceptions=True
    )
    silent.close()
    assert [type(end) for end in ends] == [ServerTimeoutError] * 3
    assert loop.time() - began > 0.29


def by_tcp(port: int) -> Query:
    """Return a question over TCP that has 0.3 seconds."""
    name = dns.name.from_text("www.test.")
    wire = dns.message.make_query(name, A, id=4711).to_wire()
    return Query(
        Server("", "127.0.0.2", port), dns.name.root, name, A, tcp=True, edns=False,
        recursive=False, timeout_s=0.1, wire=wire,
    )  # fmt: skip


ANSWER = dns.message.make_query("www.test.", A, id=4711).to_wire()
ANSWER = ANSWER[:2] + b"\x84\x00" + ANSWER[4:]
OTHERS = {
    "another id": b"\x00\x01" + ANSWER[2:],
    "another name": ANSWER.replace(b"www", b"xxx"),
    "a question": ANSWER[:2] + b"\x00\x00" + ANSWER[4:],
}


async def tell_by_tcp(parts: Sequence[bytes], pause_s: float = 0.0) -> bytes:
    """Return the answer to a question over TCP that comes in ``parts``."""

    serving: list[asyncio.Task[object] | None] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(5):
            return await NetworkExchange().exchange(by_tcp(port))
    finally:
        server.close()
        tasks = [task for task in serving if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # the sockets of both sides are closed behind us


def framed(octets: bytes) -> bytes:
    return len(octets).to_bytes(2, "big") + octets


async def test_answers_over_tcp() -> None:
    assert await tell_by_tcp([framed(ANSWER)]) == ANSWER
    # In pieces, but in time.
    assert await tell_by_tcp([bytes((octet,)) for octet in framed(ANSWER)]) == ANSWER


@pytest.mark.parametrize("octets", OTHERS.values(), ids=OTHERS.keys())
async def test_another_answer_over_tcp_is_not_believed(octets: bytes) -> None:
    with pytest.raises(SuspectReplyError):
        await tell_by_tcp([framed(octets)])


async def test_an_answer_that_ends_early() -> None:
    with pytest.raises(ServerClosedError):
        await tell_by_tcp([framed(ANSWER)[:-1]])


async def test_dripping_takes_no_longer_than_silence() -> None:
    """64 KiB, an octet at a time: the whole answer has its time, not each octet."""
    began_at = SystemClock().monotonic()
    with pytest.raises(ServerTimeoutError):
        await tell_by_tcp([b"\xff\xff", *[b"x"] * 100], pause_s=0.02)
    assert SystemClock().monotonic() - began_at < 1.0
