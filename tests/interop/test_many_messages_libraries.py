"""10,000 messages by Python's imaplib and poplib and by IMAPClient, there and back."""

import imaplib
import poplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.interop.many import (
    MANY,
    SECONDS,
    SECRET,
    Flagged,
    add,
    agree,
    bring,
    here,
    octets_of,
    same,
    stored,
    unix,
)
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

AT_ONCE = 500
"""Messages in one command of IMAPClient."""
HALF = MANY // 2
SOME = 100
LETTERS = {b"\\Flagged": "F", b"\\Answered": "R", b"\\Seen": "S"}


def letters(flags: Sequence[bytes]) -> str:
    return "".join(sorted(LETTERS[flag] for flag in flags if flag in LETTERS))


@contextmanager
def imaplib_as(server: Server, user: str) -> Iterator[imaplib.IMAP4]:
    address, port = server.address, server.port(143)
    with imaplib.IMAP4(address, port, timeout=SECONDS) as client:
        client.login(f"{user}@a.test", SECRET)
        yield client


def everything(client: imaplib.IMAP4) -> list[Flagged]:
    """Return the open mailbox as the client sees it."""
    _, data = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    return [
        (letters(imaplib.ParseFlags(part[0])), unix(part[1]))
        for part in data
        if isinstance(part, tuple)
    ]


def test_imaplib(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    with imaplib_as(full, "all") as client:
        client.select("INBOX", readonly=True)
        _, data = client.fetch("1:*", "(BODY.PEEK[])")
    found = [part[1] for part in data if isinstance(part, tuple)]
    same([unix(octets) for octets in found], sent)
    add(full, "imaplib")
    with imaplib_as(full, "imaplib") as client:
        for octets in found:
            assert client.append("INBOX", r"(\Seen)", "", octets)[0] == "OK"
    same(here(full, "imaplib", tmp_path), sent)
    with imaplib_as(full, "imaplib") as client:
        assert client.select() == ("OK", [b"%d" % MANY])
        client.uid("STORE", f"1:{HALF}", "+FLAGS.SILENT", r"(\Flagged)")
        client.uid("STORE", f"{HALF - SOME}:*", "-FLAGS.SILENT", r"(\Seen)")
        tenth = ",".join(map(str, range(1, MANY, 10)))
        client.uid("STORE", tenth, "+FLAGS.SILENT", r"(\Deleted)")
        assert len(client.expunge()[1]) == MANY // 10
        client.append("INBOX", r"(\Answered)", "", found[0])
        views = everything(client)
    assert len(views) == MANY - MANY // 10 + 1
    assert {flags for flags, _ in views} == {"FS", "F", "", "R"}
    agree(views, stored(full, "imaplib", tmp_path))


def test_poplib(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    bring(full, "poplib")
    client = pop3(full)
    assert client.stat()[0] == MANY
    before = [line.split()[1] for line in client.uidl()[1]]
    assert len(set(before)) == MANY
    taken = [client.retr(number + 1)[1] for number in range(MANY)]
    found = [b"".join(line + b"\n" for line in lines) for lines in taken]
    same(found, sent)
    for number in range(1, MANY + 1, 10):
        client.dele(number)
    client.quit()
    del before[::10], found[::10]
    client = pop3(full)
    assert [line.split()[1] for line in client.uidl()[1]] == before
    client.quit()
    assert sorted(here(full, "poplib", tmp_path)) == sorted(found)


def pop3(server: Server) -> poplib.POP3:
    client = poplib.POP3(server.address, server.port(110), timeout=SECONDS)
    client.user("poplib@a.test")
    client.pass_(SECRET)
    return client


@contextmanager
def imapclient_as(server: Server, user: str) -> Iterator[IMAPClient]:
    address, port = server.address, server.port(143)
    with IMAPClient(address, port, ssl=False, timeout=SECONDS) as client:
        client.login(f"{user}@a.test", SECRET)
        yield client


def fetched(client: IMAPClient) -> list[Flagged]:
    """Return the open mailbox as the client sees it."""
    uids = client.search()
    found: list[Flagged] = []
    for at in range(0, len(uids), AT_ONCE):
        answer = client.fetch(uids[at : at + AT_ONCE], ["FLAGS", "BODY.PEEK[]"])
        found += [
            (letters(one[b"FLAGS"]), unix(one[b"BODY[]"])) for one in answer.values()
        ]
    return found


def test_imapclient(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    with imapclient_as(full, "all") as client:
        client.select_folder("INBOX", readonly=True)
        found = [octets for _, octets in fetched(client)]
    same(found, sent)
    add(full, "imapclient")
    with imapclient_as(full, "imapclient") as client:
        for at in range(0, MANY, AT_ONCE):
            client.multiappend("INBOX", found[at : at + AT_ONCE])
        same(here(full, "imapclient", tmp_path), sent)
        client.select_folder("INBOX")
        uids = client.search()
        client.add_flags(uids[:HALF], [b"\\Flagged"], silent=True)
        client.set_flags(uids[HALF - SOME : HALF + SOME], [b"\\Seen"], silent=True)
        client.delete_messages(uids[::10], silent=True)
        client.expunge()
        client.append("INBOX", octets_of(0), [b"\\Answered"])
        views = fetched(client)
    assert len(views) == MANY - MANY // 10 + 1
    assert {flags for flags, _ in views} == {"F", "S", "", "R"}
    agree(views, stored(full, "imapclient", tmp_path))
