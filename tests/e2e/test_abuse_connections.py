"""Connections that are many, slow, or not what they say: STARTTLS, idle, slow-loris."""

import contextlib
import resource
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.peers import Peer
from tests.support.server import (
    Server,
    letter,
    own_address,
    resident_octets,
    subjects,
    unverified,
)

MIB = 1024 * 1024
RESIDENT_MAX_OCTETS = 320 * MIB
A_CLIENT_MAX = 200
"""``ListenerSettings.connections_a_client_max``."""

IDLE_OCTETS_MAX = 64 * 1024
"""Memory an idle connection may cost; the budget is 40 kB, here with TCP and noise."""

PLAIN = {"smtp": 25, "submission": 587, "imap": 143, "pop3": 110}
IMPLICIT = {"submissions": 465, "imaps": 993, "pop3s": 995}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("abuse") / "s").init() as server:
        server.start()
        with server.submission("alice") as client:
            client.send_message(letter("alice@a.test", "bob@a.test", "first"))
        yield server
        assert server.stop() == 0


@pytest.fixture(autouse=True)
def unharmed(server: Server) -> Iterator[None]:
    (pid,) = server.worker_pids()
    yield
    assert server.worker_pids() == [pid], "it died"
    log = server.log()
    assert "Traceback" not in log
    assert "task failed" not in log
    assert resident_octets(pid) < RESIDENT_MAX_OCTETS


# Commands injected before STARTTLS


class Injection(NamedTuple):
    """What a client says, what somebody slips in, and what may be answered."""

    port: int
    hello: bytes
    command: bytes
    injected: bytes
    probe: bytes
    answer: bytes


INJECTIONS = [
    Injection(25, b"EHLO x", b"STARTTLS", b"MAIL FROM:<x@y.test>", b"NOOP", b"250 2."),
    Injection(587, b"EHLO x", b"STARTTLS", b"EHLO injected", b"NOOP", b"250 2.0.0"),
    Injection(143, b"a NOOP", b"b STARTTLS", b"c NOOP", b"d NOOP", b"d OK"),
    Injection(110, b"CAPA", b"STLS", b"USER bob@a.test", b"NONSENSE", b"-ERR"),
]


@pytest.mark.parametrize("case", INJECTIONS, ids=lambda case: str(case.port))
@pytest.mark.parametrize("cut", [0, 1, 5])
def test_what_was_injected_before_tls_is_dropped(
    server: Server, case: Injection, cut: int
) -> None:
    with Peer(server, case.port) as peer:
        peer.line()
        peer.send(case.hello + b"\r\n")
        time.sleep(0.2)
        peer.socket.recv(65_536)
        octets = case.command + b"\r\n" + case.injected + b"\r\n"
        # All of the injected line, or its beginning: the rest would complete it.
        peer.send(octets[: -cut or None])
        assert peer.line()
        assert not peer.received, "answered before TLS"
        with unverified().wrap_socket(peer.socket) as tls:
            tls.sendall(case.probe + b"\r\n")
            tls.settimeout(10)
            assert tls.recv(65_536).startswith(case.answer)
            tls.settimeout(0.5)
            with pytest.raises(TimeoutError):
                tls.recv(65_536)


@pytest.mark.parametrize(
    ("port", "command"),
    [(25, b"STARTTLS"), (587, b"STARTTLS"), (143, b"b STARTTLS"), (110, b"STLS")],
)
def test_no_hello_after_starttls_is_the_end(
    server: Server, port: int, command: bytes
) -> None:
    with Peer(server, port) as peer:
        peer.line()
        if port in {25, 587}:
            peer.send(b"EHLO x\r\n")
            while peer.line()[3:4] == b"-":
                continue
        peer.send(command + b"\r\n")
        assert peer.line()
        peer.send(b"this is no ClientHello\r\n" * 10)
        with contextlib.suppress(ConnectionError):
            while octets := peer.socket.recv(65_536):
                assert b"Traceback" not in octets
                assert b"this" not in octets


@pytest.mark.parametrize("port", IMPLICIT.values(), ids=IMPLICIT)
def test_plain_text_where_tls_is_spoken(server: Server, port: int) -> None:
    with Peer(server, port) as peer:
        peer.send(b"EHLO x\r\n" * 100)
        with contextlib.suppress(ConnectionError):
            while octets := peer.socket.recv(65_536):
                assert b"250" not in octets
    context = unverified()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with Peer(server, port) as peer, context.wrap_socket(peer.socket) as tls:
        assert tls.recv(100)


# Many connections


def connections(server: Server, port: int, source: str, count: int) -> list[Peer]:
    return [Peer(server, port, source) for _ in range(count)]


@pytest.mark.parametrize("port", PLAIN.values(), ids=PLAIN)
def test_a_thousand_idle_connections_of_one_address(server: Server, port: int) -> None:
    (pid,) = server.worker_pids()
    before = resident_octets(pid)
    source = own_address()
    with contextlib.ExitStack() as stack:
        peers = connections(server, port, source, 1000)
        for peer in peers:
            stack.enter_context(peer)
        greetings = [peer.line() for peer in peers]
        refused = [g for g in greetings if g.startswith((b"421", b"* BYE", b"-ERR"))]
        assert len(refused) == 1000 - A_CLIENT_MAX
        assert resident_octets(pid) - before < A_CLIENT_MAX * IDLE_OCTETS_MAX + 8 * MIB
        with Peer(server, port, own_address()) as other:
            assert other.line().startswith((b"220", b"* OK", b"+OK"))
    time.sleep(0.3)
    with Peer(server, port, source) as again:
        assert again.line().startswith((b"220", b"* OK", b"+OK"))


@pytest.mark.parametrize("port", IMPLICIT.values(), ids=IMPLICIT)
def test_a_thousand_connections_that_never_shake_hands(
    server: Server, port: int
) -> None:
    (pid,) = server.worker_pids()
    before = resident_octets(pid), _descriptors(pid)
    source = own_address()
    with contextlib.ExitStack() as stack:
        for peer in connections(server, port, source, 1000):
            stack.enter_context(peer)
        with (
            Peer(server, port, own_address()) as other,
            unverified().wrap_socket(other.socket) as tls,
        ):
            assert tls.recv(100)
        # They count from the first octet, not from the first of TLS.
        assert _descriptors(pid) - before[1] < A_CLIENT_MAX + 20
        assert resident_octets(pid) - before[0] < 24 * MIB


def test_more_connections_than_descriptors(server: Server) -> None:
    (pid,) = server.worker_pids()
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with server.smtp() as early, contextlib.ExitStack() as stack:
        resource.prlimit(
            pid, resource.RLIMIT_NOFILE, (_descriptors(pid) + 50, usual[1])
        )
        try:
            for source in (own_address(), own_address()):
                for _ in range(150):
                    with contextlib.suppress(OSError):
                        stack.enter_context(Peer(server, 143, source))
            time.sleep(0.5)
            assert early.noop()[0] == 250
            # The mailbox may be beyond reach now; saying so is all that is asked.
            message = letter("x@else.test", "bob@a.test", "crowded")
            with contextlib.suppress(smtplib.SMTPResponseException):
                early.send_message(message)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    time.sleep(0.5)
    with server.smtp() as late:
        late.send_message(letter("x@else.test", "bob@a.test", "roomy"))
    with server.imap("bob") as bob:
        assert "roomy" in subjects(bob)


def _descriptors(pid: int) -> int:
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


# Slow clients


@pytest.mark.parametrize("port", PLAIN.values(), ids=PLAIN)
def test_slow_clients_cost_others_nothing(server: Server, port: int) -> None:
    source = own_address()
    over = threading.Event()
    peers = connections(server, port, source, A_CLIENT_MAX)

    def dribble() -> None:
        while not over.is_set():
            for peer in peers:
                peer.send(b"N")
            time.sleep(0.02)

    dribbler = threading.Thread(target=dribble)
    dribbler.start()
    try:
        waits: list[float] = []
        for _ in range(10):
            began = time.monotonic()
            with Peer(server, port, own_address()) as other:
                assert other.line().startswith((b"220", b"* OK", b"+OK"))
            waits.append(time.monotonic() - began)
        assert sorted(waits)[5] < 1.0, waits
    finally:
        over.set()
        dribbler.join()
        for peer in peers:
            peer.socket.close()


def test_a_client_that_never_reads(server: Server) -> None:
    """Answers pile up in the client's socket and ours, then the server waits."""
    (pid,) = server.worker_pids()
    with server.submission("alice") as client:
        big = letter("alice@a.test", "alice@a.test", "big", "x" * 70 + "\n" * 1)
        big.set_content(("x" * 70 + "\n") * 60_000)
        client.send_message(big)
    alice = server.imap("alice")
    before = resident_octets(pid)
    for number in range(300):
        alice.send(b"z%d FETCH 1 BODY.PEEK[]\r\n" % number)
    time.sleep(1.5)
    assert resident_octets(pid) - before < 64 * MIB
    alice.shutdown()


@pytest.mark.parametrize("port", [*PLAIN.values(), *IMPLICIT.values()])
def test_resets_leave_nothing_behind(server: Server, port: int) -> None:
    (pid,) = server.worker_pids()
    before = _descriptors(pid)
    for _ in range(300):
        with Peer(server, port) as peer:
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            peer.send(b"EHLO x\r\na NOOP\r\n")
    end = time.monotonic() + 5
    while _descriptors(pid) > before + 10:
        assert time.monotonic() < end, "descriptors leak"
        time.sleep(0.1)
