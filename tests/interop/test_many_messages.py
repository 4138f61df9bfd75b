"""10,000 messages in step by mbsync and offlineimap, octet for octet."""

import imaplib
import re
from pathlib import Path

import pytest

from tests.interop.many import (
    MANY,
    SECONDS,
    SECRET,
    TUID,
    add,
    agree,
    bring,
    crlf,
    flagged,
    here,
    near,
    octets_of,
    run,
    same,
    stored,
    unix,
)
from tests.interop.peer import needs
from tests.migration.places import drop
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SOME = 200
"""Messages that are new on each side."""

Changes = tuple[set[bytes], set[bytes]]
"""Messages that are gone, and messages that came."""


def change_near(folder: Path) -> Changes:
    """Flag every third message of a Maildir, delete every tenth, and add some."""
    gone = set()
    for part in ("cur", "new"):
        for path in (folder / part).iterdir():
            octets = path.read_bytes()
            found = re.search(rb"^Subject: (\d+)$", octets, re.MULTILINE)
            assert found
            number = int(found[1])
            if number % 10 == 0:
                gone.add(octets_of(number))
                path.unlink()
            elif number % 3 == 0:
                path.rename(folder / "cur" / f"{path.name.partition(':2,')[0]}:2,FS")
    came = [octets_of(number) for number in range(MANY, MANY + SOME)]
    for number, octets in enumerate(came):
        drop(folder, f"1700{number:06}.x.h:2,S", octets)
    return gone, set(came)


def change_far(server: Server, user: str) -> Changes:
    """Answer half of the messages of an INBOX, delete some, and add some."""
    address, port = server.address, server.port(143)
    with imaplib.IMAP4(address, port, timeout=SECONDS) as client:
        client.login(f"{user}@a.test", SECRET)
        client.select()
        client.uid("STORE", f"1:{MANY // 2}", "+FLAGS.SILENT", r"(\Answered)")
        last = f"{MANY - SOME}:{MANY}"
        _, data = client.uid("FETCH", last, "(BODY.PEEK[])")
        client.uid("STORE", last, "+FLAGS.SILENT", r"(\Deleted)")
        client.expunge()
        came = [octets_of(MANY + SOME + number) for number in range(SOME)]
        for octets in came:
            client.append("INBOX", r"(\Flagged)", "", crlf(octets))
    gone = [unix(part[1]) for part in data if isinstance(part, tuple)]
    return {TUID.sub(b"", octets) for octets in gone}, set(came)


def in_step(
    server: Server, user: str, folder: Path, sent: frozenset[bytes], *changes: Changes
) -> None:
    """Fail unless both sides have what both sides' changes leave, with its flags."""
    expected = set(sent)
    for gone, came in changes:
        expected = expected - gone | came
    views = flagged(folder)
    assert len(views) == len(expected)
    assert {octets for _, octets in views} == expected
    assert {"S", "FS", "RS", "FRS", "F"} == {flags for flags, _ in views}
    agree(views, stored(server, user, folder.parent))


def mbsync_rc(server: Server, user: str, directory: Path) -> Path:
    rc = directory / f"rc-{user}"
    rc.write_text(f"""
FSync no

IMAPAccount pabal
Host {server.address}
Port {server.port(143)}
User {user}@a.test
Pass {SECRET}
SSLType None
AuthMechs PLAIN

IMAPStore far
Account pabal

MaildirStore near
Path {directory}/mail/
Inbox {directory}/mail/INBOX

Channel {user}
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
CopyArrivalDate yes
SyncState {directory}/state-{user}-
""")
    return rc


@needs("mbsync")
def test_mbsync(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    folder = tmp_path / "mail" / "INBOX"
    folder.parent.mkdir()
    run("mbsync", "-c", mbsync_rc(full, "all", tmp_path), "all")
    same(near(folder), sent)
    # To another account: what is near has no UID there yet.
    for part in ("cur", "new"):
        for path in (folder / part).iterdir():
            name, _, flags = path.name.partition(":2,")
            plain = ",".join(x for x in name.split(",") if not x.startswith("U="))
            path.rename(path.with_name(f"{plain}:2,{flags}"))
    for left in folder.glob(".uidvalidity"):
        left.unlink()
    add(full, "mbsync")
    rc = mbsync_rc(full, "mbsync", tmp_path)
    run("mbsync", "-c", rc, "mbsync")
    same(here(full, "mbsync", tmp_path), sent)
    changes = change_near(folder), change_far(full, "mbsync")
    run("mbsync", "-c", rc, "mbsync")
    in_step(full, "mbsync", folder, sent, *changes)


def offlineimap_rc(server: Server, user: str, directory: Path) -> Path:
    rc = directory / f"offlineimap-{user}"
    rc.write_text(f"""
[general]
accounts = a
metadata = {directory}/meta-{user}
ui = quiet
fsync = no
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {directory}/off-{user}
[Repository far]
type = IMAP
remotehost = {server.address}
remoteport = {server.port(143)}
remoteuser = {user}@a.test
remotepass = {SECRET}
ssl = no
starttls = no
""")
    return rc


@needs("offlineimap")
def test_offlineimap(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    """It selects, appends and checks for each message: no upload of all of them."""
    folder = tmp_path / "off-offlineimap" / "INBOX"
    bring(full, "offlineimap")
    rc = offlineimap_rc(full, "offlineimap", tmp_path)
    run("offlineimap", "-c", rc)
    same(near(folder), sent)
    changes = change_near(folder), change_far(full, "offlineimap")
    run("offlineimap", "-c", rc)
    in_step(full, "offlineimap", folder, sent, *changes)
