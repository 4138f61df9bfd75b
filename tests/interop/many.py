"""A mailbox of 10,000 messages, and what tests of its clients share."""

import subprocess
from pathlib import Path

from tests.interop.peer import path_of
from tests.migration.places import drop, make_maildir
from tests.support.server import Server

MANY = 10_000
SECONDS = 400
SECRET = "secret12"

USERS = ("all", "back1", "back2", "curl")
"""The first has them; to the others they are brought back, each by one client."""


def octets_of(number: int) -> bytes:
    lines = [
        b"%d: line %d, \xed\x9a\x8c\xec\x9d\x98\n" % (number, at) for at in range(40)
    ]
    return b"Subject: %d\nMessage-ID: <%d@a.test>\n\n" % (number, number) + b"".join(
        lines[: number % 40]
    )


def furnish(server: Server, directory: Path) -> None:
    """Start the server; ``all@a.test`` has them, brought by an import."""
    root = make_maildir(directory / "Maildir")
    for number in range(MANY):
        drop(root, f"1600{number:06}.x.h:2,S", octets_of(number), 1.6e9 + number)
    for user in USERS:
        words = ("account", "add", f"{user}@a.test", "--password-stdin")
        server.run(*words, stdin=SECRET)
    server.start()
    server.run("account", "import", "all@a.test", root)


def run(program: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [path_of(program), *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:].decode()


def near(folder: Path) -> list[bytes]:
    """Return the messages in a Maildir, without what mbsync writes into them."""
    found = []
    for part in ("cur", "new"):
        for path in (folder / part).iterdir():
            lines = path.read_bytes().splitlines(keepends=True)
            found.append(b"".join(x for x in lines if not x.startswith(b"X-TUID:")))
    return found


def here(server: Server, user: str, tmp_path: Path) -> list[bytes]:
    """Return the messages of an account, by an export."""
    out = tmp_path / f"out-{user}"
    server.run("account", "export", f"{user}@a.test", out)
    return near(out)


def same(found: list[bytes], sent: frozenset[bytes]) -> None:
    assert len(found) == MANY
    assert set(found) == sent
