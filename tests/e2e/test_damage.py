"""A mailbox that cannot be read: its mail waits, and nobody else notices.

One file an account: what is wrong with it is wrong with nobody else's, and mail for it
is kept in the queue until it was mended.
"""

import json
from pathlib import Path

from tests.support.server import Server, eventually, letter, subjects


def test_mail_for_a_damaged_mailbox_waits(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        server.start()
        send(server, "before")
        server.stop()
        (path,) = (
            one
            for one in (server.directory / "data").rglob("mailbox.db")
            if b"before" in one.read_bytes()
        )
        whole = path.read_bytes()
        path.write_bytes(b"no database at all" * 999)
        server.start()
        with server.smtp() as client:
            message = letter("x@else.test", "alice@a.test, bob@a.test", "both")
            assert client.send_message(message) == {}
        alice = server.imap("alice")
        assert subjects(alice) == ["both"]
        alice.logout()
        said = server.pop3_refusal("bob")
        assert said.startswith(b"-ERR [SYS/TEMP]"), said
        (item,) = json.loads(server.run("queue", "list", "--json").stdout)["items"]
        (recipient,) = item["recipients"]
        assert recipient["address"] == "bob@a.test"
        assert "the mailbox cannot be used now" in recipient["reply"]
        path.write_bytes(whole)
        server.run("queue", "retry", item["id"])
        eventually(lambda: in_inbox(server) == ["before", "both"], 20)
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def send(server: Server, subject: str) -> None:
    with server.smtp() as client:
        client.send_message(letter("x@else.test", "bob@a.test", subject))


def in_inbox(server: Server) -> list[str]:
    bob = server.imap("bob")
    try:
        return subjects(bob)
    finally:
        bob.logout()
