"""Names under attack: what is malformed gets FORMERR or silence, what is forged is
never believed, and everybody else is answered all the while."""

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.support.evil_names import ANSWERS, FORGED, VICTIM, EvilNames
from tests.support.server import Server, own_address, resident_octets

MIB = 1024 * 1024
RESIDENT_MAX_OCTETS = 256 * MIB
EVIL_PORT = 20_054
HEADER = struct.Struct("!HHHHHH")
NAME = b"\x01a\x04test\x00"
QUESTION = NAME + b"\x00\x0f\x00\x01"
FORMERR, NOTIMP = dns.rcode.FORMERR, dns.rcode.NOTIMP


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    evil = own_address()
    server = Server(tmp_path_factory.mktemp("names") / "s").init(accounts=())
    hints = server.directory / "root.hints"
    hints.write_text(f". 3600 IN NS ns.evil.\nns.evil. 3600 IN A {evil}\n")
    server.configure(f'root_hints = "{hints}"', f"port = {EVIL_PORT}", table="dns")
    with EvilNames(evil, EVIL_PORT), server.start():
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
    answers(server)


def ask(server: Server, name: str, *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, "A")
    how = dns.query.tcp if tcp else dns.query.udp
    return how(query, server.address, timeout=25, port=server.port(53))


def answers(server: Server) -> None:
    """Check that it answers for its own zone, at once."""
    for how in (dns.query.udp, dns.query.tcp):
        query = dns.message.make_query("a.test", "MX")
        reply = how(query, server.address, timeout=5, port=server.port(53))
        assert reply.rcode() == dns.rcode.NOERROR
        assert reply.answer


def header(flags: int = 0x0100, *counts: int) -> bytes:
    given = (*counts, 0, 0, 0, 0)[:4] if counts else (1, 0, 0, 0)
    return HEADER.pack(4660, flags, *given)


MALFORMED = {
    "nothing": b"",
    "half a header": b"\x12\x34\x01",
    "header only": header(),
    "no question": header(0x0100, 0),
    "two questions": header(0x0100, 2) + QUESTION * 2,
    "65535 questions": header(0x0100, 65_535) + QUESTION,
    "an answer": header(0x8180) + QUESTION,
    "an update": header(0x2800) + QUESTION,
    "a reserved opcode": header(0x7800) + QUESTION,
    "answers in a query": header(0x0100, 1, 5) + QUESTION,
    "pointer to itself": header() + b"\xc0\x0c\x00\x01\x00\x01",
    "pointers in a ring": header() + b"\xc0\x0e\xc0\x0c\x00\x01\x00\x01",
    "pointer forward": header() + b"\xff\xff\x00\x01\x00\x01",
    "label and pointer back": header() + b"\x01a\xc0\x0c\x00\x01\x00\x01",
    "reserved label": header() + b"\x80abc\x00\x00\x01\x00\x01",
    "label past the end": header() + b"\x3fabc",
    "name without end": header() + b"\x01a" * 20,
    "name of 300 octets": header() + b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 4,
    "name of 400 labels": header() + b"\x01a" * 400 + b"\x00\x00\x01\x00\x01",
    "no type": header() + NAME + b"\x00",
    "octets behind the end": header() + QUESTION + b"x" * 500,
    "OPT cut off": header(0x0100, 1, 0, 0, 1) + QUESTION + b"\x00\x00\x29\x10",
    "OPT longer than the packet": header(0x0100, 1, 0, 0, 1)
    + QUESTION
    + b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\xff\xff",
    "OPT option past OPT": header(0x0100, 1, 0, 0, 1)
    + QUESTION
    + b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x04\x00\x0a\xff\xff",
    "three OPT": header(0x0100, 1, 0, 0, 3)
    + QUESTION
    + b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00" * 3,
    "OPT not of the root": header(0x0100, 1, 0, 0, 1)
    + QUESTION
    + b"\x01a\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00",
    "all ones": b"\xff" * 512,
    "all zeros": b"\x00" * 512,
}
"""By what is wrong: datagrams that are no queries."""


def exchange(server: Server, datagram: bytes) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server.address, server.port(53)))
        sock.settimeout(0.3)
        sock.send(datagram)
        try:
            return sock.recv(65_536)
        except TimeoutError:
            return None


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_by_udp(server: Server, what: str) -> None:
    reply = exchange(server, MALFORMED[what])
    if reply is None:
        return
    assert reply[:2] == MALFORMED[what][:2]
    assert reply[2] & 0x80
    assert reply[3] & 0x0F in {FORMERR, NOTIMP}, reply.hex()
    assert len(reply) <= max(12, len(MALFORMED[what])), "an amplifier"


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_by_tcp(server: Server, what: str) -> None:
    octets = MALFORMED[what]
    with socket.create_connection((server.address, server.port(53)), 5) as sock:
        sock.sendall(len(octets).to_bytes(2, "big") + octets)
        sock.shutdown(socket.SHUT_WR)
        reply = b""
        with contextlib.suppress(ConnectionError):
            while more := sock.recv(65_536):
                reply += more
    if reply:
        assert reply[2:4] == octets[:2]
        assert reply[5] & 0x0F in {FORMERR, NOTIMP}, reply.hex()


def test_ten_thousand_mutilated_queries(server: Server) -> None:
    chance = random.Random(5321)
    good = dns.message.make_query("a.test", "MX", use_edns=0).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server.address, server.port(53)))
        for number in range(10_000):
            octets = bytearray(good)
            for _ in range(chance.randrange(1, 6)):
                octets[chance.randrange(2, len(octets))] = chance.randrange(256)
            sock.send(octets[: chance.randrange(len(octets) + 1)] or b"x")
            if number % 200 == 0:
                answers(server)


def test_long_and_unfinished_tcp(server: Server) -> None:
    """Announce 65,535 octets; send few, or slowly, or all of them."""
    address = server.address, server.port(53)
    with contextlib.ExitStack() as stack:
        for number in range(15):
            sock = stack.enter_context(socket.create_connection(address, 5))
            sock.sendall(b"\xff\xff" + b"\x00" * (number * 4000))
        answers(server)
        whole = socket.create_connection(address, 5)
        stack.enter_context(whole)
        octets = header() + QUESTION
        whole.sendall(b"\xff\xff" + octets + b"x" * (65_535 - len(octets)))
        with contextlib.suppress(ConnectionError):
            reply = whole.recv(65_536)
            assert not reply or reply[5] & 0x0F == FORMERR
        for _ in range(5):
            answers(server)


def test_tcp_connections_of_one_address_are_few(server: Server) -> None:
    (pid,) = server.worker_pids()
    before = resident_octets(pid)
    source = own_address()
    address = server.address, server.port(53)
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            with contextlib.suppress(OSError):
                stack.enter_context(
                    socket.create_connection(address, 5, (source, 0))
                ).sendall(b"\xff\xff")
        answers(server)
        assert resident_octets(pid) - before < 16 * MIB


def test_a_client_that_asks_and_never_reads(server: Server) -> None:
    (pid,) = server.worker_pids()
    before = resident_octets(pid)
    query = dns.message.make_query("a.test", "ANY", use_edns=0).to_wire()
    octets = (len(query).to_bytes(2, "big") + query) * 1000
    with socket.create_connection((server.address, server.port(53)), 5) as sock:
        sock.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(1000):
                sock.sendall(octets)
        answers(server)
        assert resident_octets(pid) - before < 32 * MIB


@pytest.mark.slow
def test_slow_tcp_is_closed(server: Server) -> None:
    with socket.create_connection((server.address, server.port(53)), 5) as sock:
        sock.sendall(b"\x10\x00")
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 30:
                sock.sendall(b"x")
                time.sleep(0.2)
        assert time.monotonic() - began < 20


# Name servers that lie


def test_no_evil_answer_is_believed(server: Server) -> None:
    """All at once, in threads: each may take as long as a resolution may."""
    found: dict[str, str] = {}

    def resolve(kind: str) -> None:
        try:
            reply = ask(server, f"www.{kind}.")
        except dns.exception.DNSException as error:
            found[kind] = repr(error)
        else:
            texts = [str(rrset) for rrset in reply.answer]
            found[kind] = dns.rcode.to_text(reply.rcode()) + " ".join(texts)

    threads = [threading.Thread(target=resolve, args=(kind,)) for kind in ANSWERS]
    for thread in threads:
        thread.start()
    for _ in range(10):
        answers(server)
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    honest = {"poison", "root"}  # their own names they may answer for
    wrong = {
        kind: text
        for kind, text in found.items()
        if not text.startswith("SERVFAIL") and kind not in honest
    }
    # The random id may make a name of the header; then there is no answer to believe.
    assert wrong in ({}, {"header": "NOERROR"})
    victim = ask(server, VICTIM)
    assert victim.rcode() == dns.rcode.SERVFAIL, victim
    assert FORGED not in str(victim)


def test_questions_without_number_are_bounded(server: Server) -> None:
    """A flood for names that hang: own zones are answered, memory stays."""
    (pid,) = server.worker_pids()
    before = resident_octets(pid)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server.address, server.port(53)))
        for number in range(10_000):
            query = dns.message.make_query(f"n{number}.slow-tcp.", "A")
            with contextlib.suppress(OSError):
                sock.send(query.to_wire())
            if number % 1000 == 0:
                answers(server)
    assert resident_octets(pid) - before < 96 * MIB
