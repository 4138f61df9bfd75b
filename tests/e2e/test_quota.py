"""A full mailbox as its owner and as a stranger's server meet it."""

import imaplib
import smtplib
import time
from pathlib import Path

import pytest

from tests.support.server import Server, letter, subjects

LETTER = letter("you@else.test", "bob@a.test", "x", "x" * 2000)


def rcpt(server: Server, *options: str) -> tuple[int, bytes]:
    """Ask for Bob as another server would; return the answer."""
    with server.smtp() as client:
        client.ehlo()
        client.mail("you@else.test", options)
        return client.rcpt("bob@a.test")


def send(server: Server) -> None:
    with server.smtp() as client:
        client.send_message(LETTER)


def limited(server: Server, *options: str) -> None:
    server.run("account", "quota", "bob@a.test", *options)
    time.sleep(0.5)  # in force within a second, looked at four times a second


def resources(bob: imaplib.IMAP4) -> str:
    code, answer = bob.getquotaroot("INBOX")
    assert code == "OK"
    assert isinstance(answer[1][0], bytes)
    return answer[1][0].decode()


def test_a_full_mailbox(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        server.start()
        send(server)
        limited(server, "--quota", "5KB", "--quota-messages", "3")
        with server.imap("bob") as bob:
            _, told = bob.capability()
            for each in ("QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"):
                assert each in told[0].decode(), told
            assert "MESSAGE 1 3" in resources(bob)
            assert "STORAGE" in resources(bob)
        assert rcpt(server)[0] == 250
        assert rcpt(server, "SIZE=2500")[0] == 250
        assert rcpt(server, "SIZE=4000") == (452, b"4.2.2 the mailbox is full")
        never = rcpt(server, "SIZE=6000")
        assert (never[0], never[1][:5]) == (552, b"5.2.2"), "it will never fit"
        send(server)
        limited(server, "--quota", "none", "--quota-messages", "2")
        assert rcpt(server) == (452, b"4.2.2 the mailbox is full")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(server)
        with server.smtp() as client:
            client.ehlo()
            client.mail("you@else.test")
            assert client.rcpt("alice@a.test")[0] == 250
            assert client.rcpt("bob@a.test")[0] == 452
        in_mail_programs(server)
        send(server)
        assert "refused" in server.run("trace", "--to", "bob@a.test").stdout
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def in_mail_programs(server: Server) -> None:
    """Bob is full, is told so, and makes room."""
    with server.imap("bob") as bob:
        code, text = bob.append("INBOX", "", "", LETTER.as_bytes())
        assert (code, text[0][:11]) == ("NO", b"[OVERQUOTA]")
        code, text = bob.copy("1", "INBOX")
        assert (code, text[0][:11]) == ("NO", b"[OVERQUOTA]")
        assert len(subjects(bob)) == 2
        bob.store("1", "+FLAGS", r"(\Deleted)")
        bob.expunge()
        assert "MESSAGE 1 2" in resources(bob)
    assert rcpt(server)[0] == 250
