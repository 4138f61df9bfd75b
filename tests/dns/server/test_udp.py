import asyncio
import socket

import dns.message
import pytest

from pabal.base.tasks import Tasks
from pabal.dns.ports import DroppedError, Resolved
from pabal.dns.server.access import Arrival
from pabal.dns.server.answering import Asked, ControlQuery, Recursion
from pabal.dns.server.udp import BURST_MAX, UdpServer
from tests.dns.server.parts import FRIEND, STRANGER, Bench, bench, positive
from tests.support.zones import question, recursive


class FakeSocket:
    """What the driver uses of a socket, without one."""

    def __init__(self) -> None:
        self.incoming: list[tuple[bytes, tuple[str, int]]] = []
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.full = False

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if not self.incoming:
            raise BlockingIOError
        return self.incoming.pop(0)

    def sendmsg(
        self,
        buffers: list[bytes],
        control: list[tuple[int, int, bytes]],
        flags: int,
        client: tuple[str, int],
    ) -> None:
        if self.full:
            raise BlockingIOError
        self.sent.append((b"".join(buffers), client))


def driver(parts: Bench) -> tuple[UdpServer, FakeSocket]:
    sock = FakeSocket()
    server = UdpServer(parts.answering, sock, Tasks())  # type: ignore[arg-type]  # a fake
    return server, sock


def test_hot_and_cold_answers_are_the_same_but_for_the_id() -> None:
    server, sock = driver(bench())
    for ident in (b"\x00\x01", b"\x00\x02", b"\x00\x03"):
        data = ident + question("mail.example.com")[2:]
        sock.incoming.append((data, (STRANGER, 5)))
    server._one_by_one()
    assert [data[:2] for data, _ in sock.sent] == [
        b"\x00\x01",
        b"\x00\x02",
        b"\x00\x03",
    ]
    assert len({data[2:] for data, _ in sock.sent}) == 1


def test_a_burst_has_an_end() -> None:
    server, sock = driver(bench())
    sock.incoming = [(question("www.example.com"), (STRANGER, 5))] * (BURST_MAX + 5)
    server._one_by_one()
    assert len(sock.sent) == BURST_MAX
    server._one_by_one()
    assert len(sock.sent) == BURST_MAX + 5


def test_a_full_buffer_drops_answers_only() -> None:
    server, sock = driver(bench())
    sock.full = True
    sock.incoming = [(question("www.example.com"), (STRANGER, 5))] * 3
    server._one_by_one()
    assert not sock.incoming


def test_silence_stays_silent() -> None:
    server, sock = driver(bench())
    sock.incoming = [(b"", (STRANGER, 5)), (b"\xff" * 40, (STRANGER, 5))]
    server._one_by_one()
    assert not sock.sent


def test_watched_answers_are_told_even_when_cached() -> None:
    parts = bench()
    seen: list[Asked] = []
    parts.answering.on_query = seen.append
    server, sock = driver(parts)
    sock.incoming = [(question("www.example.com"), (STRANGER, 5))] * 2
    server._one_by_one()
    assert [asked.cached for asked in seen] == [False, True]


def test_a_bug_costs_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = bench()
    server, sock = driver(parts)
    now = parts.answering.now

    def buggy(
        data: bytes, host: str, *, udp: bool, arrival: Arrival
    ) -> bytes | Recursion | ControlQuery | None:
        if data[:2] == b"\x00\x00":
            raise ZeroDivisionError
        return now(data, host, udp=udp, arrival=arrival)

    monkeypatch.setattr(parts.answering, "now", buggy)
    bad = b"\x00\x00" + question("x.example.com")[2:]
    sock.incoming = [(bad, (STRANGER, 5)), (question("www.example.com"), (STRANGER, 5))]
    server._one_by_one()
    assert len(sock.sent) == 1


async def test_recursion_runs_beside() -> None:
    parts = bench()
    parts.resolver.answers["a.test. A"] = positive("a.test.", "192.0.2.9")
    server, sock = driver(parts)
    sock.incoming = [(recursive("a.test"), (FRIEND, 5))]
    server._one_by_one()
    assert not sock.sent
    await server._tasks.wait(5)
    assert dns.message.from_wire(sock.sent[0][0]).answer


async def test_what_the_policy_drops_is_not_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def drop(*_: object, **__: object) -> Resolved:
        raise DroppedError("silence")

    parts = bench()
    monkeypatch.setattr(parts.resolver, "resolve", drop)
    server, sock = driver(parts)
    sock.incoming = [(recursive("a.test"), (FRIEND, 5))]
    server._one_by_one()
    await server._tasks.wait(5)
    assert not sock.sent


@pytest.fixture
def bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


class Client:
    """A real socket beside the event loop."""

    def __init__(self, server: socket.socket) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(server.getsockname())

    async def receive(self) -> bytes:
        async with asyncio.timeout(5):
            return await asyncio.get_running_loop().sock_recv(self.socket, 4096)


@pytest.mark.parametrize("batched", [True, False])
async def test_on_a_real_socket(
    bound: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    batched: bool,
) -> None:
    if not batched:
        monkeypatch.setattr("pabal.dns.server.udp.is_supported", lambda: False)
    parts = bench()
    parts.resolver.answers["a.test. A"] = positive("a.test.", "192.0.2.9")
    server = UdpServer(parts.answering, bound, Tasks())
    server.start()
    client = Client(bound)
    sent = [
        question("www.example.com"),
        b"junk",
        recursive("a.test"),
        question("none.example.com"),
        question("www.example.com"),
        question("www.example.com"),
    ]
    # All of them come in one wake-up: hot, cold, silent and slow ones.
    for data in sent:
        client.socket.send(data)
    answers = [dns.message.from_wire(await client.receive()) for _ in range(5)]
    names = sorted(answer.question[0].name.to_text() for answer in answers)
    assert names == ["a.test.", "none.example.com."] + ["www.example.com."] * 3
    firsts = {
        answer.answer[0][0].to_text() for answer in answers if len(answer.answer) == 1
    }
    assert firsts == {"192.0.2.2", "192.0.2.3", "192.0.2.9"}
    client.socket.close()
    server.stop()
    server.close()
    server.close()
