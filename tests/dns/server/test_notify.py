import asyncio
import socket

import dns.message
import dns.opcode
import pytest

from pabal.base.clock import SystemClock
from pabal.base.tasks import Tasks
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.notify import Notifier, notification
from pabal.dns.server.peer import parse_peer
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
