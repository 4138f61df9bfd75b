"""Mailboxes shared between accounts, by a server of several processes."""

import imaplib
from pathlib import Path

from tests.support.server import Server, eventually, letter

BOX = '"Other Users/alice@a.test/INBOX"'


def count(client: imaplib.IMAP4) -> int:
    client.noop()
    return len(client.uid("SEARCH", "ALL")[1][0].split())


def test_two_processes_and_two_accounts(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2") as server:
        server.start()
        alice, sessions = server.imap("alice"), [server.imap("bob") for _ in range(4)]
        alice.setacl("INBOX", "bob@a.test", "lrswite")
        for bob in sessions:
            listed = bob.list('""', '"Other Users/*"')[1]
            assert any(b"alice@a.test/INBOX" in line for line in listed if line)
            assert bob.select(BOX)[0] == "OK"
        with server.smtp() as client:
            client.send_message(letter("x@else.test", "alice@a.test", "for both"))
        for bob in sessions:
            eventually(lambda b=bob: count(b) == 1)
        assert sessions[0].store("1", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert sessions[0].expunge()[0] == "OK"
        eventually(lambda: count(alice) == 0)
        alice.setacl("INBOX", "bob@a.test", "lr")
        for bob in sessions:
            assert bob.append(BOX, "", "", b"Subject: x\r\n\r\nx")[0] == "NO"
        alice.deleteacl("INBOX", "bob@a.test")
        for bob in sessions:
            eventually(lambda b=bob: left(b))
        for one in (alice, *sessions):
            one.shutdown()
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def left(client: imaplib.IMAP4) -> bool:
    """Whether the server said goodbye to somebody who may not read any more."""
    try:
        client.noop()
    except (imaplib.IMAP4.abort, OSError):
        return True
    return False
