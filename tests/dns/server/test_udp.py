import asyncio
import contextlib
import random
import socket
from dataclasses import replace

import dns.edns
import dns.message
import pytest

from pabal.base.tasks import Tasks
from pabal.dns.ports import DroppedError, Resolved
from pabal.dns.server import datagrams
from pabal.dns.server.access import Arrival
from pabal.dns.server.answering import Asked, ControlQuery, Recursion
from pabal.dns.server.udp import BURST_MAX, OPTIONS_OCTETS, SLOW_MAX, UdpServer
from pabal.dns.settings import DnsSettings
from tests.dns.server.parts import FRIEND, STRANGER, Bench, bench, positive
from tests.support.zones import question, recursive


class FakeSocket:
    """What the driver uses of a socket, without one."""

    family = socket.AF_INET

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

    def __init__(self, server: socket.socket, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.socket.connect(server.getsockname())

    async def receive(self) -> bytes:
        async with asyncio.timeout(5):
            return await asyncio.get_running_loop().sock_recv(self.socket, 0xFFFF)


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


@pytest.mark.skipif(not datagrams.is_supported(), reason="64-bit Linux only")
async def test_who_is_met_for_the_first_time_gets_what_lies_ready(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = bench()
    server = UdpServer(parts.answering, bound, Tasks())
    server.start()
    clients = [Client(bound, host) for host in ("127.0.0.1", "127.0.0.2")]
    data = question("none.example.com")
    clients[0].socket.send(data)
    answer = await clients[0].receive()
    monkeypatch.setattr(parts.answering, "now", lambda *_, **__: None)
    clients[1].socket.send(data)
    assert await clients[1].receive() == answer
    for client in clients:
        client.socket.close()
    server.close()


@pytest.mark.skipif(not datagrams.is_supported(), reason="64-bit Linux only")
async def test_slow_answers_let_others_have_their_turn(bound: socket.socket) -> None:
    server = UdpServer(bench().answering, bound, Tasks())
    server.start()
    client = Client(bound)
    count = SLOW_MAX * 2 + 3
    for number in range(count):
        name = f"x{number}.y.example.com"  # no template can be made of these
        client.socket.send(number.to_bytes(2, "big") + question(name)[2:])
    turns: list[int] = []
    answers: list[bytes] = []
    async with asyncio.timeout(5):
        while len(answers) < count:
            await asyncio.sleep(0)
            before = len(answers)
            with contextlib.suppress(BlockingIOError):
                while True:
                    answers.append(client.socket.recv(4096))
            turns.append(len(answers) - before)
    assert max(turns) <= SLOW_MAX
    idents = [int.from_bytes(answer[:2], "big") for answer in answers]
    assert idents == list(range(count))
    client.socket.close()
    server.close()


@pytest.mark.skipif(not datagrams.is_supported(), reason="64-bit Linux only")
async def test_what_waits_is_forgotten_by_a_stop(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a closed socket may soon be that of another."""
    server = UdpServer(bench().answering, bound, Tasks())
    server.start()
    client = Client(bound)
    for number in range(SLOW_MAX + 9):
        client.socket.send(question(f"x{number}.y.example.com"))
    answered: list[object] = []
    put_off = server._put_off

    def then_close(batch: datagrams.DatagramBatch, slots: range) -> None:
        monkeypatch.setattr(server, "_many", answered.append)
        asyncio.get_running_loop().call_soon(server.close)
        put_off(batch, slots)

    monkeypatch.setattr(server, "_put_off", then_close)
    await client.receive()
    await asyncio.sleep(0.01)
    assert not answered
    client.socket.close()


@pytest.mark.parametrize(("size", "count"), [(1232, 72), (4096, 250)])
async def test_an_answer_longer_than_a_slot_goes_alone(
    bound: socket.socket, size: int, count: int
) -> None:
    """How much records may take does not bound what options it carries."""
    nsid = "n" * 200
    settings = DnsSettings("ns.test", nsid=nsid, payload_octets=size)
    parts = bench(settings=settings)
    addresses = [f"192.0.2.{number}" for number in range(count)]
    parts.resolver.answers["a.test. A"] = positive("a.test.", *addresses)
    server = UdpServer(parts.answering, bound, Tasks())
    server.start()
    client = Client(bound)
    query = dns.message.make_query("a.test", "A", use_edns=0)
    query.use_edns(0, 0, 65_000, options=[dns.edns.NSIDOption(b"")])
    long = query.to_wire()
    client.socket.send(long)
    assert len(await client.receive()) > size + OPTIONS_OCTETS
    sent = [question("www.example.com"), long, question("www.example.com"), long]
    for data in sent:
        client.socket.send(data)
    answers = [dns.message.from_wire(await client.receive()) for _ in sent]
    lengths = sorted(len(answer.answer[0]) for answer in answers)
    assert lengths == [2, 2, count, count]
    client.socket.close()
    server.close()


HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""May recurse, may ask, may do nothing."""

DIFFERING = DnsSettings(
    "ns.test", rate_max=0, cookie_secret=bytes(16), nsid="ns1", recursion_max=1000
)


def server_for_all() -> Bench:
    """Return a server that answers the same whenever it is asked the same."""
    parts = bench(query=("127.0.0.1", "127.0.0.2"), recursion=("127.0.0.1",),
                  settings=DIFFERING)  # fmt: skip
    far = positive("a.test.", "192.0.2.9", ttl=5)
    parts.resolver.answers |= {
        "a.test. A": far,
        "b.test. A": replace(far, errors=(3,)),
        "c.test. A": positive("c.test.", "192.0.2.7", "192.0.2.8", ttl=3),
    }
    return parts


def some_query(chance: random.Random) -> bytes:
    """Return octets without id: mostly questions, some often, some mangled."""
    word = chance.choice(["www", "mail", "no", "NO", "x.y", "a.child", "big", "out"])
    if chance.random() < 0.2:
        word = word.title() + str(chance.randrange(30))
    domain = chance.choice(["example.com"] * 4 + ["a.test", "b.test", "c.test"])
    name = domain if domain.endswith("test") else f"{word}.{domain}"
    rdtype = chance.choice(["A"] * 6 + ["AAAA", "MX", "ANY", "AXFR"])
    query = dns.message.make_query(name, rdtype, flags=chance.choice([0, 256, 288]))
    if chance.random() < 0.6:
        cookie = dns.edns.CookieOption(b"12345678", b"")
        nsid = dns.edns.NSIDOption(b"")
        options: list[dns.edns.Option] = chance.choice([[], [], [], [cookie], [nsid]])
        size = chance.choice([512, 1232, 1232, 4096])
        query.use_edns(0, chance.choice([0, 0x8000]), size, options=options)
    data = bytearray(query.to_wire()[2:])
    if chance.random() < 0.1:
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    return bytes(data[: chance.choice([len(data)] * 20 + [chance.randrange(60)])])


@pytest.mark.skipif(not datagrams.is_supported(), reason="64-bit Linux only")
@pytest.mark.parametrize("seed", range(3))
async def test_both_drivers_say_the_same(bound: socket.socket, seed: int) -> None:
    """Answers, silence, whose turn it is, ages: whatever is asked in whatever order."""
    chance = random.Random(seed)
    one, many = server_for_all(), server_for_all()
    single, sock = driver(one)
    batched = UdpServer(many.answering, bound, Tasks())
    batched.start()
    clients = {host: Client(bound, host) for host in HOSTS}
    known = [some_query(chance) for _ in range(60)]
    ident = 0
    for _ in range(40):
        for _ in range(chance.choice([1, 3, 30, SLOW_MAX])):
            ident += 1
            fresh = chance.random() < 0.2
            body = some_query(chance) if fresh else chance.choice(known)
            data, host = ident.to_bytes(2, "big") + body, chance.choice(HOSTS)
            sock.incoming.append((data, (host, 5)))
            clients[host].socket.send(data)
        while sock.incoming:
            single._one_by_one()
        await single._tasks.wait(5)
        wanted = {(data[:2], peer[0]): data for data, peer in sock.sent}
        sock.sent.clear()
        got: dict[tuple[bytes, str], bytes] = {}
        while len(got) < len(wanted):
            for host, client in clients.items():
                expected = sum(where == host for _, where in wanted)
                while sum(where == host for _, where in got) < expected:
                    answer = await client.receive()
                    got[answer[:2], host] = answer
        await batched._tasks.wait(5)
        assert got == wanted
        one.clock.at = many.clock.at = one.clock.at + chance.choice([0, 0.4, 1])
    for client in clients.values():
        with pytest.raises(BlockingIOError):
            client.socket.recv(4096)
        client.socket.close()
    batched.close()
