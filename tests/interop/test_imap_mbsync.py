"""mbsync syncs both ways with the server, over loopback."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pabal.net.listener import Listener, ListenerSettings
from tests.imap.rig import PASSWORD, USER, Rig, letter
from tests.imap.test_server import MIXED

MBSYNC = shutil.which("mbsync")

pytestmark = pytest.mark.skipif(MBSYNC is None, reason="isync is not installed")

RC = """
IMAPAccount pabal
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account pabal

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""


@pytest.fixture
async def port() -> AsyncIterator[int]:
    rig = Rig()
    await rig.put([letter(f"number {number}") for number in range(40)])
    account = await rig.account()
    await account.create("회의/2026")
    await rig.put([MIXED], "회의/2026")
    listener = Listener(rig.server.serve, ListenerSettings(), None)
    listening = socket.create_server(("127.0.0.1", 0))
    await listener.start(listening)
    yield listening.getsockname()[1]
    await listener.stop(1.0)


async def sync(directory: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        MBSYNC or "mbsync",
        *("-c", str(directory / "rc"), "-a"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def as_sent(octets: bytes) -> bytes:
    """Return a message as it was before mbsync marked and stored it."""
    return re.sub(rb"X-TUID: [^\n]*\n", b"", octets).replace(b"\n", b"\r\n")


def messages(mailbox: Path) -> list[Path]:
    return [path for path in mailbox.rglob("*") if path.parent.name in {"cur", "new"}]


async def test_both_ways(port: int, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for directory in (here, there):
        mail = directory / "mail"
        mail.mkdir(parents=True)
        text = RC.format(port=port, user=USER, password=PASSWORD, mail=mail)
        (directory / "rc").write_text(text)
    await sync(here)
    inbox = here / "mail" / "INBOX"
    arrived = messages(inbox)
    assert len(arrived) == 40
    assert letter("number 7") in {as_sent(path.read_bytes()) for path in arrived}
    first, second, *_ = sorted(path for path in arrived if path.parent.name == "new")
    first.rename(inbox / "cur" / f"{first.name.partition(':')[0]}:2,FS")
    second.rename(inbox / "cur" / f"{second.name.partition(':')[0]}:2,T")
    (inbox / "new" / "1.local").write_bytes(b"Subject: local\n\nhi\n")
    await sync(here)
    await sync(there)
    flagged = list((there / "mail" / "INBOX").rglob("*:2,FS"))
    assert len(flagged) == 1
    copies = messages(there / "mail" / "INBOX")
    assert len(copies) == 40, "one came, one went"
    assert any(b"Subject: local" in path.read_bytes() for path in copies)
    assert list((there / "mail").rglob("2026")), "the Korean mailbox came too"
