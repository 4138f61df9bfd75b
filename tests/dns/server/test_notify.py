import asyncio
import socket

import dns.message
import dns.opcode
import pytest
from typing_extensions import override

from pabal.base.clock import SystemClock
from pabal.base.tasks import Tasks
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.notify import Notifier, notification
from pabal.dns.server.peer import Peer, parse_peer
from pabal.dns.zone.tree import Zone
from tests.support.zones import HEAD, zone

KEYS = KeyRing(("hmac-sha256:k.test:aGVsbG8=",), SystemClock())


def test_what_is_said() -> None:
    message = dns.message.from_wire(
        notification(parse_peer("192.0.2.1", KEYS, "x"), zone(HEAD))
    )
    assert message.opcode() == dns.opcode.NOTIFY
    assert message.answer[0][0].serial == 1


async def test_told_until_heard_and_once_a_version() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.79.0.1", 0))
        sock.setblocking(False)
        tasks = Tasks()
        peer = parse_peer(f"127.79.0.1:{sock.getsockname()[1]}", KEYS, "x")
        notifier = Notifier([peer], tasks)
        notifier.sources = {socket.AF_INET: "127.79.0.2"}
        made = zone(HEAD)
        notifier.changed([made])
        notifier.changed([made])
        assert len(tasks) == 1
        loop = asyncio.get_running_loop()
        data, client = await loop.sock_recvfrom(sock, 4096)
        assert client[0] == "127.79.0.2"
        answer = dns.message.make_response(dns.message.from_wire(data))
        sock.sendto(answer.to_wire(), client)
        assert await tasks.wait(5)
        with pytest.raises(BlockingIOError):
            sock.recv(4096)


async def test_it_waits_for_the_other_processes() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.79.0.1", 0))
        sock.setblocking(False)
        tasks = Tasks()
        peer = parse_peer(f"127.79.0.1:{sock.getsockname()[1]}", KEYS, "x")
        notifier = Notifier([peer], tasks)
        notifier.wait_s = 0.2
        notifier.changed([zone(HEAD)])
        await asyncio.sleep(0.05)
        with pytest.raises(BlockingIOError):
            sock.recv(4096)
        assert await asyncio.get_running_loop().sock_recv(sock, 4096)
        await tasks.stop()


def test_a_single_zone_has_secondaries_of_its_own() -> None:
    one, two, three = (zone(HEAD, f"{name}.test") for name in ("one", "two", "three"))
    peers = [parse_peer(f"192.0.2.{n}", KEYS, "x") for n in range(4)]
    told: list[tuple[bytes, str]] = []

    class Quiet(Notifier):
        @override
        async def _tell(self, peer: Peer, zone: Zone) -> None:
            told.append((zone.origin, peer.endpoint.address))

    async def run() -> None:
        tasks = Tasks()
        single = {one.origin: peers[1:3], two.origin: []}
        Quiet(peers[:1], tasks, single).changed([one, two, three])
        Quiet([], tasks, {one.origin: peers[3:]}).changed([one, two, three])
        await tasks.wait(5)

    asyncio.run(run())
    assert told == [
        (one.origin, "192.0.2.1"), (one.origin, "192.0.2.2"),
        (three.origin, "192.0.2.0"), (one.origin, "192.0.2.3"),
    ]  # fmt: skip
