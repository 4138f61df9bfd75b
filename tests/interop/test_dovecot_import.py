"""A live Dovecot moves to pabal: octets, flags, dates, UIDs and POP3 unique-ids."""

import imaplib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.dovecot import PASSWORD, Dovecot, can_run
from tests.interop.peer import MESSAGE
from tests.migration.places import PLAIN, drop, make_maildir
from tests.support.server import Server, own_address

pytestmark = pytest.mark.skipif(
    not can_run(), reason="Dovecot is not installed, or this is not root"
)

KOREAN_UTF7 = "&vBvHQA-.&1ozHWLhd-"
FETCH = "(UID FLAGS INTERNALDATE BODY.PEEK[])"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot(own_address()) as running:
        yield running


def fill(dovecot: Dovecot, user: str) -> None:
    client = dovecot.imap(user)
    for name in ("INBOX.x", KOREAN_UTF7, "Versandt", "empty"):
        client.create(name)
    client.subscribe(KOREAN_UTF7)
    for number in range(40):
        text = MESSAGE.replace(b"Subject:", b"X-Number: %d\r\nSubject:" % number)
        date = f'"0{1 + number % 9}-Jul-2024 01:02:{10 + number} +0900"'
        client.append("INBOX", r"\Seen $Forwarded" * (number % 2), date, text)
    client.select("INBOX")
    client.store("3,7:9", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.append("Versandt", r"\Answered work", "", MESSAGE)
    client.append(KOREAN_UTF7, r"\Draft", "", MESSAGE + b"x" * 2_000_000 + b"\r\n")
    client.logout()


def everything(client: imaplib.IMAP4, mailbox: str) -> list[tuple[object, ...]]:
    """Return UIDVALIDITY and each message."""
    assert client.select(f'"{mailbox}"', readonly=True)[0] == "OK"
    found: list[tuple[object, ...]] = [(client.response("UIDVALIDITY")[1],)]
    _, data = client.uid("FETCH", "1:*", FETCH)
    for item in data:
        if isinstance(item, tuple):
            facts = item[0]
            uid = re.search(rb"UID (\d+)", facts)
            flags = re.search(rb"FLAGS \(([^)]*)\)", facts)
            date = re.search(rb'INTERNALDATE "([^"]*)"', facts)
            assert uid
            assert flags
            assert date
            there = frozenset(flags[1].split()) - {b"\\Recent"}
            when = imaplib.Internaldate2tuple(b'INTERNALDATE "%b"' % date[1])
            found.append((uid[1], there, when, item[1]))
    return found


def bring(server: Server, dovecot: Dovecot, user: str, *more: str) -> str:
    url = f"imap://{user}@{dovecot.address}:{dovecot.imap_port}/"
    words = ("account", "import", "alice@a.test", url, "--password-stdin", *more)
    return server.run(*words, stdin=PASSWORD + "\n").stdout


def test_beside_a_running_server(server: Server, dovecot: Dovecot) -> None:
    fill(dovecot, "bob")
    with server.imap("alice") as watcher:
        said = bring(server, dovecot, "bob")
        assert "nothing is missing" in said
        watcher.noop()
        assert watcher.select("INBOX")[1] == [b"36"]
    theirs = dovecot.imap("bob")
    pairs = {
        "INBOX": "INBOX",
        KOREAN_UTF7: KOREAN_UTF7.replace(".", "/"),
        "Versandt": "Versandt",
        "empty": "empty",
    }
    with server.imap("alice") as ours:
        for there, here in pairs.items():
            assert everything(theirs, there) == everything(ours, here)
        _, listed = ours.list('""', "Versandt")
        assert isinstance(listed[0], bytes)
        assert b"\\Sent" in listed[0]
    theirs.logout()
    client = server.pop3("alice")
    _, lines, _ = client.uidl()
    client.quit()
    ours_by_pop = [line.decode().split()[1] for line in lines]
    assert ours_by_pop == list(dovecot.uidls("bob").values())

    theirs = dovecot.imap("bob")
    theirs.append("INBOX", "", "", MESSAGE)
    theirs.select("INBOX")
    theirs.store("1", "+FLAGS", r"(\Flagged)")
    theirs.logout()
    again = bring(server, dovecot, "bob")
    assert "flags of 1 changed" in again
    assert "nothing is missing" in bring(server, dovecot, "bob", "--verify")
    with server.imap("alice") as ours:
        theirs = dovecot.imap("bob")
        assert everything(theirs, "INBOX") == everything(ours, "INBOX")
        theirs.logout()


@pytest.mark.slow
def test_a_maildir_it_left(server: Server, dovecot: Dovecot) -> None:
    fill(dovecot, "carol")
    sent = dovecot.imap("carol")
    here = [everything(sent, name) for name in ("INBOX", KOREAN_UTF7)]
    sent.logout()
    words = ("account", "import", "bob@a.test", str(dovecot.maildir("carol")))
    assert "nothing is missing" in server.run(*words).stdout
    with server.imap("bob") as ours:
        assert here[0] == everything(ours, "INBOX")
        assert here[1] == everything(ours, KOREAN_UTF7.replace(".", "/"))


def test_a_wrong_password_is_said(server: Server, dovecot: Dovecot) -> None:
    url = f"imap://x@{dovecot.address}:{dovecot.imap_port}/"
    words = ("account", "import", "alice@a.test", url, "--password-stdin")
    found = server.run(*words, stdin="wrong\n", check=False)
    assert found.returncode == 1
    assert "AUTHENTICATIONFAILED" in found.stderr
    assert "wrong" not in found.stderr


@pytest.mark.slow
def test_many_messages(server: Server, dovecot: Dovecot, tmp_path: Path) -> None:
    """What was sent ahead may be answered in any order."""
    root = make_maildir(dovecot.maildir("dave"))
    for number in range(1200):
        drop(root, f"1600{number:06}.x.h:2,S", PLAIN + b"%d\n" % number * 200)
    dovecot.give("dave")
    url = f"imap://dave@{dovecot.address}:{dovecot.imap_port}/"
    with Server(tmp_path / "s").init() as fresh:
        words = ("account", "import", "bob@a.test", url, "--password-stdin")
        said = fresh.run(*words, stdin=PASSWORD + "\n").stdout
    assert "UIDs kept" in said
    assert "nothing is missing" in said


@pytest.mark.slow
def test_dovecot_serves_what_we_wrote(dovecot: Dovecot, tmp_path: Path) -> None:
    fill(dovecot, "frank")
    with Server(tmp_path / "s").init() as fresh:
        url = f"imap://frank@{dovecot.address}:{dovecot.imap_port}/"
        words = ("account", "import", "alice@a.test", url, "--password-stdin")
        fresh.run(*words, stdin=PASSWORD + "\n")
        target = dovecot.maildir("grace")
        target.parent.mkdir(parents=True)
        assert (
            "nothing is missing"
            in fresh.run("account", "export", "alice@a.test", target).stdout
        )
    dovecot.give("grace")
    before, after = dovecot.imap("frank"), dovecot.imap("grace")
    for name in ("INBOX", KOREAN_UTF7, "Versandt", "empty"):
        assert everything(before, name) == everything(after, name)
    # INBOX is always subscribed here, and what an account has from the start.
    first = ("INBOX", "Archive", "Drafts", "Junk", "Trash")
    ours = [f'() "." {name}'.encode() for name in first]
    sent = b'(\\Sent) "." Versandt'
    assert {*before.lsub()[1], *ours, sent} == set(after.lsub()[1])
    before.logout()
    after.logout()
    assert dovecot.uidls("frank") == dovecot.uidls("grace")
