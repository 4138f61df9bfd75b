"""mbsync (isync): a mailbox with folders goes to disk and back, octet for octet."""

import imaplib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.peer import MESSAGE, needs, run
from tests.support.server import PASSWORD, Server

pytestmark = needs("mbsync")

KOREAN, KOREAN_UTF7 = "받은 편지/회의록", "&vBvHQA- &07jJwA-/&1ozHWLhd-"


@dataclass
class Copy:
    """A Maildir tree that follows alice's mailboxes."""

    directory: Path
    server: Server

    def configure(self) -> None:
        self.directory.mkdir(exist_ok=True)
        # A command, so that octets beyond ASCII reach the server as they are.
        (self.directory / "password").write_text(PASSWORD)
        (self.directory / "rc").write_text(f"""
FSync no

IMAPAccount pabal
Host {self.server.address}
Port {self.server.port(993)}
User alice@a.test
PassCmd "cat {self.directory}/password"
SSLType IMAPS
CertificateFile {self.server.directory}/tls/cert.pem

IMAPStore far
Account pabal

MaildirStore near
Path {self.directory}/mail/
Inbox {self.directory}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
""")
        (self.directory / "mail").mkdir(exist_ok=True)

    def sync(self) -> subprocess.CompletedProcess[bytes]:
        done = run("mbsync", "-V", "-c", self.directory / "rc", "all")
        assert b"rror" not in done.stderr, done.stderr.decode()
        return done

    def files(self, mailbox: str) -> dict[str, bytes]:
        """Return the messages of ``mailbox`` by number and flags' letters."""
        found: dict[str, bytes] = {}
        for part in ("cur", "new"):
            for path in (self.directory / "mail" / mailbox / part).iterdir():
                key = f"{len(found)}:{path.name.partition(':2,')[2]}"
                found[key] = without_tuid(path.read_bytes())
        return found

    def put(self, mailbox: str, text: bytes, flags: str = "") -> None:
        folder = self.directory / "mail" / mailbox
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "cur" / f"1795000000.1_{len(text)}.test:2,{flags}").write_bytes(text)


@pytest.fixture
def alice(server: Server) -> Iterator[imaplib.IMAP4_SSL]:
    with server.imap("alice") as client:
        yield client


def local(message: bytes) -> bytes:
    """Return ``message`` as a Maildir has it."""
    return message.replace(b"\r\n", b"\n")


def append(client: imaplib.IMAP4, mailbox: str, text: bytes, flags: str = "") -> None:
    assert client.append(f'"{mailbox}"', flags, "", text)[0] == "OK"


def without_tuid(text: bytes) -> bytes:
    """Return ``text`` without the line mbsync writes into what it copies."""
    lines = text.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"X-TUID:"))


def fetched(client: imaplib.IMAP4, mailbox: str) -> list[tuple[bytes, bytes]]:
    """Return (flags, octets) of each message."""
    assert client.select(f'"{mailbox}"')[0] == "OK"
    _, data = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    return [(item[0], item[1]) for item in data if isinstance(item, tuple)]


def test_both_ways(server: Server, alice: imaplib.IMAP4_SSL, tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy", server)
    copy.configure()
    append(alice, "INBOX", MESSAGE, r"\Seen \Flagged")
    for mailbox in ("Archive/2026", KOREAN_UTF7):
        alice.create(f'"{mailbox}"')
    append(alice, KOREAN_UTF7, MESSAGE, r"\Answered")

    copy.sync()  # from the server
    assert copy.files("INBOX") == {"0:FS": local(MESSAGE)}
    assert copy.files(KOREAN_UTF7) == {"0:R": local(MESSAGE)}
    assert not copy.files("Archive/2026")

    second = MESSAGE.replace(b"Subject:", b"X-Second: yes\r\nSubject:")
    copy.put("INBOX", local(second), "S")
    copy.put("Local/&wuTX2A-", local(second), "D")
    copy.sync()  # to the server
    (_, _), (flags, octets) = fetched(alice, "INBOX")
    assert b"\\Seen" in flags
    assert without_tuid(octets) == second
    ((flags, octets),) = fetched(alice, "Local/&wuTX2A-")
    assert b"\\Draft" in flags
    assert without_tuid(octets) == second

    alice.select("INBOX")
    alice.store("1", "+FLAGS", r"(\Deleted)")
    alice.expunge()
    alice.store("1", "+FLAGS", r"(\Flagged)")
    copy.sync()  # flags and removal from the server
    ((flags_near, _),) = copy.files("INBOX").items()
    assert flags_near == "0:FS"

    for path in (tmp_path / "copy" / "mail" / "INBOX" / "cur").iterdir():
        path.rename(path.with_name(path.name + "T"))
    copy.sync()  # removal from the disk
    assert not fetched(alice, "INBOX")
    assert not copy.files("INBOX")


def test_many_messages_once_each(
    server: Server, alice: imaplib.IMAP4_SSL, tmp_path: Path
) -> None:
    copy = Copy(tmp_path / "copy", server)
    copy.configure()
    alice.create("many")
    sent = {b"Subject: %d\r\n\r\n" % n + b"x" * n * 37 + b"\r\n" for n in range(100)}
    for text in sent:
        append(alice, "many", text)
    for _ in range(2):  # the second time there is nothing to do
        copy.sync()
        near = list(copy.files("many").values())
        assert len(near) == 100
        assert set(near) == set(map(local, sent))
