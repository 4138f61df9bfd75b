"""10,000 messages by neomutt at a terminal, there and back, octet for octet."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.interop.many import (
    MANY,
    SECONDS,
    SECRET,
    Flagged,
    add,
    agree,
    flagged,
    same,
    stored,
)
from tests.interop.peer import needs, path_of
from tests.migration.places import make_maildir
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), needs("neomutt")]

COPY_ALL = "<tag-pattern>~A<enter><copy-message><kill-line>%s<enter><exit>"
NOTED = re.compile(rb"^(?:Content-Length|Lines|Status): [^\n]*\n", re.MULTILINE)
"""What neomutt writes into what it copies."""


def inbox(server: Server, user: str) -> str:
    return f"imap://{user}%40a.test@{server.address}:{server.port(143)}/INBOX"


def watched(terminal: int) -> bytes:
    """Return the last a program shows before it ends."""
    said, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1.0)[0]:
            try:
                said = (said + os.read(terminal, 65_536))[-4000:]
            except OSError:  # how a terminal says that the other side is gone
                break
    return said


def neomutt(folder: str | Path, keys: str, home: Path) -> None:
    """Open a mailbox and type, as somebody at the keyboard."""
    config = home / "rc"
    config.write_text(f"""
set imap_pass="{SECRET}" ssl_starttls=no ssl_force_tls=no header_cache=""
set confirmappend=no confirmcreate=no quit=yes copy=no mbox_type=Maildir
set move=no delete=yes mark_old=no wait_key=no auto_tag=yes
set tmpdir="{home}" folder="{home}"
set imap_fetch_chunk_size=1000 net_inc=0 read_inc=0 write_inc=0
push "{keys}"
""")
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [path_of("neomutt"), "-n", "-F", str(config), "-f", str(folder)],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**os.environ, "TERM": "xterm", "HOME": str(home)},
        start_new_session=True,
    )
    os.close(its)
    try:
        said = watched(ours)
        assert process.wait(5) == 0, said
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def plain(messages: Iterable[Flagged]) -> list[Flagged]:
    return [(flags, NOTED.sub(b"", octets)) for flags, octets in messages]


def test_neomutt(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    add(full, "neomutt")
    local = make_maildir(tmp_path / "near")
    neomutt(inbox(full, "all"), COPY_ALL % local, tmp_path)
    same([octets for _, octets in plain(flagged(local))], sent)
    neomutt(local, COPY_ALL % inbox(full, "neomutt"), tmp_path)
    agree(plain(flagged(local)), plain(stored(full, "neomutt", tmp_path)))
    neomutt(
        inbox(full, "neomutt"),
        "<tag-pattern>~s 5$<enter><flag-message>"
        "<delete-pattern>~s 0$<enter><sync-mailbox><exit>",
        tmp_path,
    )
    after = stored(full, "neomutt", tmp_path)
    assert len(after) == MANY - MANY // 10
    assert {flags for flags, _ in after} == {"S", "FS"}
    again = make_maildir(tmp_path / "again")
    neomutt(inbox(full, "neomutt"), COPY_ALL % again, tmp_path)
    agree(plain(flagged(again)), plain(after))
