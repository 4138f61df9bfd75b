"""Python's own clients against the server, over real sockets on loopback."""

import asyncio
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import imapclient
import pytest

from pabal.imap.settings import ImapSettings
from pabal.net.listener import Listener, ListenerSettings
from pabal.net.tls import server_context
from tests.imap.rig import (
    PASSWORD,
    USER,
    FakeAuthenticator,
    FakeClock,
    Rig,
    letter,
)
from tests.imap.test_announcer import SlowStore
from tests.support.certificate import write_certificate


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A server on loopback; passwords need TLS."""
    certificate, key = write_certificate(tmp_path)
    rig = Rig(authenticator=FakeAuthenticator(strict=True))
    await rig.put([letter("one"), letter("two")])
    context = server_context(certificate, key)
    listener = Listener(rig.server.serve, ListenerSettings(), context)
    listening = socket.create_server(("127.0.0.1", 0))
    await listener.start(listening)
    yield listening.getsockname()[1]
    await listener.stop(1.0)


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def use_imaplib(port: int) -> None:
    with imaplib.IMAP4("127.0.0.1", port, timeout=10) as client:
        with pytest.raises(imaplib.IMAP4.error):
            client.login(USER, PASSWORD)
        client.starttls(insecure())
        client.login(USER, PASSWORD)
        assert client.select() == ("OK", [b"2"])
        assert client.search(None, "SUBJECT", "two") == ("OK", [b"2"])
        _, data = client.fetch("1", "(FLAGS BODY[])")
        assert isinstance(data[0], tuple)
        assert data[0][1] == letter("one")
        client.append("INBOX", "\\Draft", None, letter("three"))
        assert client.noop()[0] == "OK"
        assert client.uid("STORE", "3", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert client.expunge() == ("OK", [b"3"])
        assert client.create("box") == ("OK", [b"[MAILBOXID (F2)] Created"])
        assert client.copy("1:2", "box")[0] == "OK"
        assert client.status("box", "(MESSAGES)") == ("OK", [b"box (MESSAGES 2)"])
        assert client.close()[0] == "OK"


def use_imapclient(port: int) -> None:
    client = imapclient.IMAPClient("127.0.0.1", port, ssl=False, timeout=10)
    client.starttls(insecure())
    client.plain_login(USER, PASSWORD)
    client.create_folder("회의")
    assert [name for _, _, name in client.list_folders()] == ["INBOX", "회의"]
    assert client.select_folder("INBOX")[b"EXISTS"] == 2
    uids = client.search(["SINCE", "1-Jan-2020"])
    assert uids == [1, 2]
    fetched = client.fetch(uids, ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "BODY.PEEK[1]"])
    assert fetched[2][b"ENVELOPE"].subject == b"two"
    assert fetched[1][b"BODY[1]"] == b"How are you?\r\n"
    assert client.add_flags(1, [imapclient.FLAGGED]) == {
        1: (imapclient.FLAGGED, imapclient.RECENT)
    } or client.get_flags(1)
    client.move([1], "회의")
    assert client.search() == [2]
    assert client.folder_status("회의", ["MESSAGES"]) == {b"MESSAGES": 1}
    client.logout()


def idle_hears_of_another(port: int) -> None:
    client = imapclient.IMAPClient("127.0.0.1", port, ssl=False, timeout=10)
    client.starttls(insecure())
    client.login(USER, PASSWORD)
    client.select_folder("INBOX")
    client.idle()
    other = threading.Thread(target=append_one, args=(port,))
    other.start()
    assert (3, b"EXISTS") in client.idle_check(timeout=10)
    client.idle_done()
    client.logout()
    other.join()


def append_one(port: int) -> None:
    with imaplib.IMAP4("127.0.0.1", port, timeout=10) as client:
        client.starttls(insecure())
        client.login(USER, PASSWORD)
        client.append("INBOX", "", None, letter("pushed"))


def long_work_is_said_to_go_on(port: int) -> None:
    """RFC 9585, as imaplib reads it: a code of untagged responses alone."""
    with imaplib.IMAP4("127.0.0.1", port, timeout=10) as client:
        client.login(USER, PASSWORD)
        client.select()
        commands: list[Callable[[], tuple[str, object]]] = [
            lambda: client.search(None, "ALL"),
            lambda: client.uid("SEARCH", "SEEN"),
            lambda: client.sort("ARRIVAL", "UTF-8", "ALL"),
            lambda: client.thread("REFERENCES", "UTF-8", "UNSEEN"),
        ]
        seen: set[object] = set()
        for command in commands:
            assert command()[0] == "OK"
            (told,) = set(client.response("INPROGRESS")[1])
            assert isinstance(told, bytes)
            assert re.fullmatch(rb'\("[A-P]{4}\d+" NIL NIL\)', told)
            assert told not in seen, "the tag of a command that is over"
            seen.add(told)
        assert client.noop()[0] == "OK"
        assert client.response("INPROGRESS")[1] == [None]


async def test_long_work() -> None:
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=SlowStore(FakeClock()))
    await rig.put([letter("one")])
    listener = Listener(rig.server.serve, ListenerSettings(), None)
    listening = socket.create_server(("127.0.0.1", 0))
    await listener.start(listening)
    port = listening.getsockname()[1]
    await asyncio.to_thread(long_work_is_said_to_go_on, port)
    await listener.stop(1.0)


@pytest.mark.parametrize("story", [use_imaplib, use_imapclient, idle_hears_of_another])
async def test_clients(story: Callable[[int], None], port: int) -> None:
    await asyncio.to_thread(story, port)
