"""What strangers send: answered by the RFC or cut off, at a bounded cost.

After every test the same process must still serve, its memory be bounded and its log
be free of tracebacks.
"""

import re
import socket
from collections.abc import Iterator

import pytest

from tests.support.peers import Imap, Peer, Pop3, Smtp
from tests.support.server import Server, letter, resident_octets, subjects

MIB = 1024 * 1024
RESIDENT_MAX_OCTETS = 256 * MIB
"""One process with every role; it starts with about 100 MiB."""

PLAIN_PORTS = {"smtp": 25, "submission": 587, "imap": 143, "pop3": 110}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("abuse") / "s").init() as server:
        server.configure('message_size_max = "5MB"', table="mta")
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
    with Smtp(server) as peer:
        assert peer.said(b"NOOP")[:3] == b"250"


# Line ends


@pytest.mark.parametrize("port", PLAIN_PORTS.values(), ids=PLAIN_PORTS)
@pytest.mark.parametrize("octets", [b"NOOP\n", b"a NOOP\rx\r\n", b"NO\nOP\r\n"])
def test_bare_line_ends_end_the_connection(
    server: Server, port: int, octets: bytes
) -> None:
    with Peer(server, port) as peer:
        peer.line()
        peer.send(octets)
        lines = peer.rest()
        assert len(lines) <= 1, lines
        assert all(re.match(rb"5|-ERR|\* B", line) for line in lines), lines


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r"]
)
def test_nothing_is_smuggled(server: Server, end: bytes) -> None:
    with Smtp(server) as peer:
        peer.envelope()
        peer.said(b"DATA")
        smuggled = (
            b"MAIL FROM:<x@a.test>\r\nRCPT TO:<bob@a.test>\r\nDATA\r\n"
            b"Subject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n"
        )
        peer.send(b"Subject: outer\r\n\r\nx" + end + smuggled)
        lines = peer.rest()
        assert [line[:3] for line in lines] == [b"554"], lines
    with server.imap("bob") as bob:
        assert subjects(bob) == ["first"]


# Lines without end


@pytest.mark.parametrize("port", PLAIN_PORTS.values(), ids=PLAIN_PORTS)
@pytest.mark.parametrize("start", [b"", b"AUTH PLAIN ", b"a LOGIN ", b"EHLO "])
def test_an_endless_line_is_cut_off(server: Server, port: int, start: bytes) -> None:
    with Peer(server, port) as peer:
        peer.line()
        peer.send(start)
        for _ in range(64):
            peer.send(b"A" * MIB)
        lines = peer.rest()
        assert len(lines) <= 1, lines
        assert all(re.match(rb"5|-ERR|\* B", line) for line in lines), lines


@pytest.mark.parametrize("port", PLAIN_PORTS.values(), ids=PLAIN_PORTS)
def test_noise(server: Server, port: int) -> None:
    for octet in range(0, 256, 5):
        with Peer(server, port) as peer:
            peer.send(bytes((octet * n * 7 + n) % 256 for n in range(500)) + b"\r\n")
            peer.socket.shutdown(socket.SHUT_WR)
            for line in peer.rest()[1:]:
                assert re.match(rb"[45]\d\d|-ERR|\* B|\S+ BAD", line), line


@pytest.mark.parametrize("port", PLAIN_PORTS.values(), ids=PLAIN_PORTS)
def test_nul(server: Server, port: int) -> None:
    with Peer(server, port) as peer:
        peer.line()
        peer.send(b"\0\r\na \0\r\nNOOP\0\r\nEHLO a\0b\r\na LOGIN \0 {0+}\r\n\0\r\n")
        peer.socket.shutdown(socket.SHUT_WR)
        for line in peer.rest():
            assert re.match(rb"[45]\d\d|-ERR|\* B|\S+ (BAD|NO)", line), line


# SMTP


def test_a_hundred_thousand_recipients(server: Server) -> None:
    with Smtp(server) as peer:
        peer.said(b"MAIL FROM:<you@else.test>")
        peer.socket.settimeout(30)
        for start in range(0, 100_000, 1000):
            peer.send(
                b"".join(b"RCPT TO:<u%d@a.test>\r\n" % (start + n) for n in range(1000))
            )
        codes = [line[:3] for line in peer.rest()]
    assert set(codes) <= {b"550", b"452", b"421"}
    assert len(codes) < 5000


def test_a_hundred_thousand_good_recipients(server: Server) -> None:
    with Smtp(server) as peer:
        peer.said(b"MAIL FROM:<you@else.test>")
        peer.socket.settimeout(30)
        for start in range(0, 100_000, 1000):
            peer.send(
                b"".join(
                    b"RCPT TO:<bob+%d@a.test>\r\n" % (start + n) for n in range(1000)
                )
            )
        codes = [line[:3] for line in peer.rest()]
    assert codes.count(b"250") <= 1000
    assert set(codes) == {b"250", b"452", b"421"}


def test_ten_gigabytes_announced(server: Server) -> None:
    with Smtp(server) as peer:
        assert peer.said(b"MAIL FROM:<you@else.test> SIZE=10737418240")[:9] == (
            b"552 5.3.4"
        )
        assert peer.said(b"MAIL FROM:<you@else.test> SIZE=" + b"9" * 19)[:3] == b"552"
        assert peer.said(b"MAIL FROM:<you@else.test> SIZE=" + b"9" * 400)[:1] == b"5"
        peer.envelope()
        peer.send(b"BDAT 10737418240 LAST\r\n" + b"x" * MIB)
        assert [line[:3] for line in peer.rest()] == [b"552"]


def test_endless_headers(server: Server) -> None:
    with Smtp(server) as peer:
        peer.envelope()
        peer.said(b"DATA")
        for _ in range(4):
            peer.send(b"X-Endless: again and again\r\n" * (MIB // 28))
        peer.send(b"\r\n.\r\n")
        assert peer.line()[:1] == b"5"
        peer.envelope()
        peer.said(b"DATA")
        for _ in range(40):
            peer.send(b"X-Endless: again and again\r\n" * (MIB // 28))
        lines = peer.rest()
        assert [line[:3] for line in lines] in ([b"552"], []), lines


def test_one_header_line_without_end(server: Server) -> None:
    with Smtp(server) as peer:
        peer.envelope()
        peer.said(b"DATA")
        peer.send(b"Subject: " + b"a" * 900_000 + b"\r\n\r\n.\r\n")
        assert re.match(rb"250|5", peer.line())


def test_nul_and_any_octet_in_a_message(server: Server) -> None:
    with Smtp(server) as peer:
        peer.envelope()
        peer.said(b"DATA")
        octets = bytes(n for n in range(256) if n not in b"\r\n.")
        peer.send(b"Subject: nul\r\n\r\n" + octets * 100 + b"\r\n.\r\n")
        assert re.match(rb"250|5", peer.line())
        with server.imap("bob") as bob:
            bob.fetch("1:*", "(BODY.PEEK[] ENVELOPE BODYSTRUCTURE)")
            _, found = bob.search(None, "SUBJECT", "nul")
            if found[0]:
                bob.store(found[0].split()[0].decode(), "+FLAGS", "\\Deleted")
                bob.expunge()


@pytest.mark.parametrize("line", [b"=", b"*", b"\xff\xff", b"A" * 12_000, b"AAAA", b""])
@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN", b"SCRAM-SHA-256"])
def test_nonsense_for_auth(server: Server, line: bytes, mechanism: bytes) -> None:
    with Smtp(server, 587) as smtp:
        if smtp.said(b"AUTH " + mechanism)[:3] == b"334":
            reply = smtp.said(line)
            assert re.match(rb"334|5", reply), reply
    with Imap(server, log_in=False) as imap:
        if imap.said(b"AUTHENTICATE " + mechanism)[:1] == b"+":
            reply = imap.ask(line, re.compile(rb"a |\+|\* "))[-1]
            assert re.match(rb"a (NO|BAD)|\+", reply), reply
    with Pop3(server, log_in=False) as pop3:
        if pop3.said(b"AUTH " + mechanism)[:2] == b"+ ":
            assert re.match(rb"-ERR|\+ ", pop3.said(line))
