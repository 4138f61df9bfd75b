"""10,000 messages through other people's programs, there and back, octet for octet."""

import re
from pathlib import Path

import pytest

from tests.interop.many import SECRET, here, near, run, same
from tests.interop.peer import needs
from tests.migration.places import drop, make_maildir
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BETWEEN = "--between--"
NOTED = re.compile(rb"^(?:Return-Path: <unknown>|X-getmail-[^\n]*)\n", re.MULTILINE)
"""What getmail writes into what it takes."""


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
Expunge None
CopyArrivalDate yes
SyncState {directory}/state-{user}-
""")
    return rc


@needs("mbsync")
def test_mbsync(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    run("mbsync", "-c", mbsync_rc(full, "all", tmp_path), "all")
    same(near(tmp_path / "mail" / "INBOX"), sent)
    # To another account: what is near has no UID there yet.
    for part in ("cur", "new"):
        for path in (tmp_path / "mail" / "INBOX" / part).iterdir():
            name, _, flags = path.name.partition(":2,")
            plain = ",".join(x for x in name.split(",") if not x.startswith("U="))
            path.rename(path.with_name(f"{plain}:2,{flags}"))
    for left in (tmp_path / "mail" / "INBOX").glob(".uidvalidity"):
        left.unlink()
    run("mbsync", "-c", mbsync_rc(full, "back1", tmp_path), "back1")
    same(here(full, "back1", tmp_path), sent)


def offlineimap_rc(server: Server, user: str, directory: Path) -> Path:
    rc = directory / f"offlineimap-{user}"
    rc.write_text(f"""
[general]
accounts = a
metadata = {directory}/meta-{user}
ui = quiet
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
    run("offlineimap", "-c", offlineimap_rc(full, "all", tmp_path))
    found = near(tmp_path / "off-all" / "INBOX")
    same(found, sent)
    root = make_maildir(tmp_path / "off-back2" / "INBOX")
    for number, octets in enumerate(found):
        drop(root, f"1600{number:06}.x.h:2,S", octets, 1.6e9 + number)
    run("offlineimap", "-c", offlineimap_rc(full, "back2", tmp_path))
    marked = here(full, "back2", tmp_path)
    plain = [
        b"".join(
            line
            for line in octets.splitlines(keepends=True)
            if not line.startswith(b"X-OfflineIMAP:")
        )
        for octets in marked
    ]
    same(plain, sent)


@needs("getmail")
@pytest.mark.parametrize(("kind", "port"), [("IMAP", 143), ("POP3", 110)])
def test_getmail(
    full: Server, sent: frozenset[bytes], tmp_path: Path, kind: str, port: int
) -> None:
    # As root it refuses to write files itself.
    (tmp_path / "rc").write_text(f"""
[retriever]
type = Simple{kind}Retriever
server = {full.address}
port = {full.port(port)}
username = all@a.test
password = {SECRET}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {tmp_path}/got; echo {BETWEEN} >> {tmp_path}/got")
allow_root_commands = true
[options]
delivered_to = false
received = false
read_all = true
verbose = 0
""")
    run("getmail", "--getmaildir", tmp_path, "--rcfile", "rc")
    got = (tmp_path / "got").read_bytes().split(BETWEEN.encode() + b"\n")[:-1]
    same([NOTED.sub(b"", octets) for octets in got], sent)
