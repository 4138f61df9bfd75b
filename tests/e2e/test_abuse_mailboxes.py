"""What strangers and users send to IMAP and POP3: answered or cut off, cheaply."""

import re
from collections.abc import Iterator

import pytest

from tests.support.peers import Imap, Pop3
from tests.support.server import Server, letter, resident_octets, subjects

MIB = 1024 * 1024
RESIDENT_MAX_OCTETS = 256 * MIB
REFUSED = re.compile(rb"a (NO|BAD)|\* BYE|\* BAD")


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
    with server.imap("bob") as bob:
        assert subjects(bob) == ["first"]


@pytest.mark.parametrize(
    "literal",
    [b"{99999999999}", b"{-1}", b"{4294967296+}", b"{}", b"{1 }", b"{" + b"9" * 400],
)
@pytest.mark.parametrize("command", [b"LOGIN ", b"CREATE ", b"APPEND INBOX "])
@pytest.mark.parametrize("log_in", [True, False])
def test_bad_literals(
    server: Server, command: bytes, literal: bytes, *, log_in: bool
) -> None:
    with Imap(server, log_in=log_in) as peer:
        reply = peer.said(command + literal)
        assert REFUSED.match(reply), reply


def test_ten_gigabytes_appended(server: Server) -> None:
    with Imap(server) as peer:
        reply = peer.said(b"APPEND INBOX {10737418240}")
        assert reply.startswith(b"a NO [TOOBIG]"), reply
        assert peer.said(b"NOOP").startswith(b"a OK")
        peer.send(b"a APPEND INBOX {10737418240+}\r\n")
        for _ in range(64):
            peer.send(b"x" * MIB)
        lines = peer.rest()
        assert all(REFUSED.match(line) for line in lines), lines


def test_literals_for_ever(server: Server) -> None:
    with Imap(server) as peer:
        peer.send(b"a LIST () (")
        for _ in range(64):
            peer.send(b" {60000+}\r\n" + b"x" * 60_000)
        peer.send(b"\r\n")
        peer.socket.settimeout(10)
        reply = peer.line()
        assert REFUSED.match(reply), reply


@pytest.mark.parametrize(
    "command",
    [
        b"SEARCH " + b"(" * 30_000,
        b"SEARCH " + b"(" * 30_000 + b"ALL" + b")" * 30_000,
        b"SEARCH " + b"NOT " * 15_000 + b"ALL",
        b"SEARCH " + b"OR " * 15_000,
        b"SEARCH " + b"OR ALL " * 8_000 + b"ALL",
        b"SEARCH CHARSET x-none ALL",
        b'SEARCH SUBJECT "\\',
        b"SEARCH 1:99999999999999999999",
        b"SEARCH LARGER 99999999999999999999999",
        b"SEARCH SINCE 99-Foo-99999",
        b"FETCH 0 FLAGS",
        b"FETCH 1 (BODY[" + b"1." * 20_000 + b"1])",
        b"FETCH 1 BODY[]<99999999999999999999.1>",
        b"FETCH 1 " + b"(" * 30_000,
        b"FETCH 1 (BODY.PEEK[HEADER.FIELDS (" + b"A " * 20_000 + b")])",
        b"STORE 1 +FLAGS (" + b" ".join(b"k%d" % n for n in range(8_000)) + b")",
        b"STORE 1 +FLAGS (\\Recent \\Nonsense)",
        b"LIST " + b'"" ' + b"*%" * 20_000,
        b"CREATE " + b"a/" * 20_000,
        b"CREATE &",
        b"CREATE &AAA",
        b"CREATE &2D0-",
        b"STATUS INBOX ()",
        b"ENABLE " + b"X " * 10_000,
        b"UID FETCH * (MODSEQ) (CHANGEDSINCE 99999999999999999999999)",
        b'APPEND INBOX "99-Foo-2026 99:99:99 +9999" {3+}\r\nabc',
        b"NONSENSE " + b"x" * 60_000,
    ],
    ids=lambda command: command[:30].decode(),
)
def test_commands_nobody_means(server: Server, command: bytes) -> None:
    with Imap(server) as peer:
        peer.socket.settimeout(10)
        reply = peer.said(command)
        assert re.match(rb"a (OK|NO|BAD)|\* B", reply), reply
    with Imap(server) as peer:
        peer.said(b"STORE 1 FLAGS ()")
        for line in peer.ask(b'l LIST "" *', re.compile(rb"l ")):
            name = line.rpartition(b" ")[2].strip(b'"')
            if line.startswith(b"* LIST") and name.startswith((b"a", b"&")):
                peer.said(b'DELETE "' + name + b'"')


def test_a_long_sequence_set_over_and_over(server: Server) -> None:
    with Imap(server) as peer:
        peer.socket.settimeout(10)
        reply = peer.said(b"FETCH " + b",".join([b"1:*"] * 15_000) + b" (UID FLAGS)")
        assert re.match(rb"a (OK|NO|BAD)|\* B", reply), reply
        spread = b",".join(b"%d:%d" % (n, 4_294_967_295) for n in range(1, 4_000))
        reply = peer.said(b"UID FETCH " + spread + b" (FLAGS)")
        assert re.match(rb"a (OK|NO|BAD)|\* B", reply), reply


def test_bad_commands_end_the_connection(server: Server) -> None:
    with Imap(server, log_in=False) as imap, Pop3(server, log_in=False) as pop3:
        imap.send(b"a x\r\n" * 200)
        lines = imap.rest()
        assert lines[-1].startswith(b"* BYE")
        assert len(lines) < 100
        pop3.send(b"XYZZY\r\n" * 200)
        lines = pop3.rest()
        assert all(line.startswith(b"-ERR") for line in lines)
        assert len(lines) < 100


@pytest.mark.parametrize(
    "command",
    [
        b"RETR 99999999999999999999999",
        b"RETR -1",
        b"RETR 0",
        "RETR ²".encode(),
        b"RETR",
        b"RETR 1 1",
        b"TOP 1 -1",
        b"TOP 1",
        b"TOP 1 " + b"9" * 8_000,
        b"LIST x",
        b"UIDL 0x1",
        b"DELE 18446744073709551617",
        b"USER " + b"x" * 8_000,
        b"APOP x y",
        b"\xff\xfe",
        b"",
    ],
    ids=lambda command: command[:20].decode("latin-1"),
)
def test_pop3_commands_nobody_means(server: Server, command: bytes) -> None:
    with Pop3(server) as peer:
        reply = peer.said(command)
        assert reply.startswith((b"-ERR", b"+OK")), reply
        if command.startswith(b"TOP 1 9"):
            return
        assert reply.startswith(b"-ERR"), reply
        assert peer.said(b"NOOP") == peer.said(b"NOOP")
