import socket
from collections.abc import Iterator

import pytest

from pabal.dns.server.datagrams import (
    CROWD,
    QUERY_MAX_OCTETS,
    SLOTS,
    DatagramBatch,
    is_supported,
)

ROOM = 1300

pytestmark = pytest.mark.skipif(not is_supported(), reason="64-bit Linux only")


def udp(host: str, family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(5)
    return sock


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::1", "::"])
def server(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    host: str = request.param
    try:
        sock = udp(host, socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        pytest.skip("no IPv6 here")
    with sock:
        yield sock


def loopback(server: socket.socket) -> str:
    return "127.0.0.1" if server.family == socket.AF_INET else "::1"


def lengths(batch: DatagramBatch) -> list[int]:
    """Receive; return how long each datagram is."""
    return [length for _, length, _, _ in batch.met(batch.receive())]


def test_many_in_many_out(server: socket.socket) -> None:
    batch = DatagramBatch(server, ROOM)
    host = loopback(server)
    for _ in range(2):
        with udp(host, server.family) as client:
            client.connect((host, server.getsockname()[1]))
            for number in range(5):
                client.send(b"id" + b"q" * number + b"!")
            slots = batch.receive()
            assert [length for _, length, _, _ in batch.met(slots)] == [3, 4, 5, 6, 7]
            assert len({sender for *_, sender in batch.met(slots)}) == 1
            for slot, length, start, _ in batch.met(slots):
                query = b"q" * slot + b"!"
                assert batch.query(slot, slot + 3) == b"id" + query
                assert batch.data[start : start + length - 2] == query
                assert batch.peers.peer(slot)[:2] == client.getsockname()[:2]
                assert batch.peers.host(slot) == host
                batch.put(slot, b"a" * slot + b"?")
            # Slot 2 has no answer.
            batch.send(0, 2)
            batch.send(3, 5)
            assert [client.recv(99) for _ in range(4)] == [
                b"id?",
                b"ida?",
                b"idaaa?",
                b"idaaaa?",
            ]


def test_asking_whether_it_works_takes_nothing(server: socket.socket) -> None:
    batch = DatagramBatch(server, ROOM)
    host = loopback(server)
    assert batch.works()
    with udp(host, server.family) as client:
        client.connect((host, server.getsockname()[1]))
        client.send(b"q")
        assert batch.works()
        assert lengths(batch) == [1]


def test_a_closed_socket_does_not_work() -> None:
    sock = udp("127.0.0.1")
    batch = DatagramBatch(sock, ROOM)
    sock.close()
    assert not batch.works()


def test_nothing_there(server: socket.socket) -> None:
    assert not DatagramBatch(server, ROOM).receive()
    DatagramBatch(server, ROOM).send(0, 0)


def test_what_is_left_comes_before_what_is_new(server: socket.socket) -> None:
    batch = DatagramBatch(server, ROOM)
    host = loopback(server)
    with udp(host, server.family) as client:
        client.connect((host, server.getsockname()[1]))
        for number in range(4):
            client.send(b"x" * number)
        slots = batch.receive()
        client.send(b"new")
        batch.left = slots[2:]
        assert lengths(batch) == [2, 3]
        assert lengths(batch) == [3]
        assert not batch.receive()


def test_what_comes_meanwhile_is_taken_too(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = DatagramBatch(server, ROOM)
    host = loopback(server)
    with udp(host, server.family) as client:
        client.connect((host, server.getsockname()[1]))
        monkeypatch.setattr("os.sched_yield", lambda: client.send(b"late"))
        for _ in range(CROWD - 1):
            client.send(b"one")
        assert lengths(batch) == [3] * (CROWD - 1)
        for _ in range(CROWD):
            client.send(b"one")
        assert lengths(batch) == [*[3] * CROWD, 4]
        assert batch.query(CROWD, 4) == b"late"


def test_no_more_than_fits(server: socket.socket) -> None:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    batch = DatagramBatch(server, ROOM)
    host = loopback(server)
    with udp(host, server.family) as client:
        client.connect((host, server.getsockname()[1]))
        client.send(b"x" * (QUERY_MAX_OCTETS + 1))
        for _ in range(SLOTS + 2):
            client.send(b"x")
        assert lengths(batch) == [QUERY_MAX_OCTETS, *[1] * (SLOTS - 1)]
        assert len(batch.receive()) == 3


def test_the_longest_answer_stays_in_its_slot() -> None:
    with udp("127.0.0.1") as server, udp("127.0.0.1") as client:
        batch = DatagramBatch(server, 4096)
        client.connect(server.getsockname())
        for _ in range(4):
            client.send(b"12q")
        assert len(batch.receive()) == 4
        answers = [bytes((slot,)) * 4094 for slot in range(4)]
        for slot in (0, 2, 1, 3):
            batch.put(slot, answers[slot])
        batch.send(0, 4)
        assert [client.recv(5000) for _ in answers] == [b"12" + x for x in answers]


def test_an_answer_leaves_from_where_it_was_asked() -> None:
    with udp("0.0.0.0") as server, udp("127.0.0.1") as client:
        batch = DatagramBatch(server, ROOM)
        port = server.getsockname()[1]
        # Not the address the kernel would choose by itself.
        client.connect(("127.0.0.9", port))
        client.send(b"12q")
        assert len(batch.receive()) == 1
        batch.put(0, b"first")
        batch.send(0, 1)
        assert client.recv(99) == b"12first"
        server.sendmsg([b"later"], batch.control(0), 0, batch.peers.peer(0))
        assert client.recv(99) == b"later"


def test_what_cannot_be_sent_does_not_hold_up_the_rest() -> None:
    with udp("127.0.0.1") as server, udp("127.0.0.1") as client:
        batch = DatagramBatch(server, ROOM)
        client.connect(server.getsockname())
        for _ in range(3):
            client.send(b"12q")
        assert len(batch.receive()) == 3
        # Port 0 of slot 1 is nowhere.
        batch.peers.octets[32 + 2 : 32 + 4] = b"\x00\x00"
        for slot in range(3):
            batch.put(slot, bytes((slot,)))
        batch.send(0, 3)
        assert [client.recv(9), client.recv(9)] == [b"12\x00", b"12\x02"]
