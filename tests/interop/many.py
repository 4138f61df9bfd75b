"""A mailbox of 10,000 messages, and what tests of its clients share."""

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pabal.app.office import administration
from pabal.config.load import load_or_raise
from pabal.message.address import Mailbox
from tests.interop.peer import path_of
from tests.migration.places import drop, make_maildir
from tests.support.server import Server

MANY = 10_000
SECONDS = 600.0
"""For one run of a program, on a machine that does other things too."""
SECRET = "secret12"
MAILDIR = "Maildir"
"""The folder beside the server's directory that the messages are brought from."""

TUID = re.compile(rb"^X-TUID: .*\n", re.MULTILINE)
"""What mbsync writes into messages it brings, to know them again."""

Flagged = tuple[str, bytes]
"""A message and its flags, as the letters of a Maildir in their order."""


def octets_of(number: int) -> bytes:
    lines = [
        b"%d: line %d, \xed\x9a\x8c\xec\x9d\x98\n" % (number, at) for at in range(40)
    ]
    return b"Subject: %d\nMessage-ID: <%d@a.test>\n\n" % (number, number) + b"".join(
        lines[: number % 40]
    )


def crlf(octets: bytes) -> bytes:
    return octets.replace(b"\n", b"\r\n")


def unix(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


def furnish(server: Server, directory: Path) -> None:
    """Start a server in ``directory / "s"``; ``all@a.test`` has the messages."""
    root = make_maildir(directory / MAILDIR)
    for number in range(MANY):
        drop(root, f"1600{number:06}.x.h:2,S", octets_of(number), 1.6e9 + number)
    server.start()
    bring(server, "all")


def add(server: Server, user: str) -> None:
    with administration(load_or_raise(server.directory)) as office:
        office.directory.add_account(Mailbox.parse(f"{user}@{server.domain}"), SECRET)


def bring(server: Server, user: str) -> None:
    """Make an account that has all messages."""
    add(server, user)
    root = server.directory.parent / MAILDIR
    words = ("account", "import", f"{user}@{server.domain}", root)
    server.run(*words, seconds=SECONDS)


def run(program: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [path_of(program), *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:].decode()


def flagged(folder: Path) -> list[Flagged]:
    """Return the messages in a Maildir, without what mbsync writes into them."""
    found = []
    for part in ("cur", "new"):
        for path in (folder / part).iterdir():
            octets = TUID.sub(b"", path.read_bytes())
            found.append((path.name.partition(":2,")[2], octets))
    return found


def near(folder: Path) -> list[bytes]:
    """Return the octets of the messages in a Maildir."""
    return [octets for _, octets in flagged(folder)]


def stored(server: Server, user: str, tmp_path: Path) -> list[Flagged]:
    """Return the messages of an account's INBOX, by an export."""
    out = Path(tempfile.mkdtemp(dir=tmp_path)) / "out"
    words = ("account", "export", f"{user}@{server.domain}", out)
    server.run(*words, seconds=SECONDS)
    return flagged(out)


def here(server: Server, user: str, tmp_path: Path) -> list[bytes]:
    """Return the octets of an account's INBOX."""
    return [octets for _, octets in stored(server, user, tmp_path)]


def same(found: list[bytes], sent: frozenset[bytes]) -> None:
    assert len(found) == MANY
    assert set(found) == sent


def agree(one: Iterable[Flagged], other: Iterable[Flagged]) -> None:
    """Fail unless two views have the same messages with the same flags."""
    ours, theirs = Counter(one), Counter(other)
    assert ours == theirs, (list(ours - theirs)[:3], list(theirs - ours)[:3])
