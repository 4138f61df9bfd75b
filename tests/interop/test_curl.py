"""curl: four protocols with and without TLS from the start, octet for octet."""

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.interop.peer import MESSAGE, needs, run
from tests.support.server import PASSWORD, Server

pytestmark = needs("curl")


def curl(
    server: Server, url: str, *arguments: str | Path, user: str = "alice"
) -> bytes:
    """Return what curl writes of ``url``, ``<scheme>:<standard port>/<path>``."""
    scheme, _, rest = url.partition(":")
    port, _, path = rest.partition("/")
    where = f"{scheme}://{server.address}:{server.port(int(port))}/{path}"
    login = ("-u", f"{user}@a.test:{PASSWORD}")
    done = run("curl", "-sSk", "--ssl-reqd", *login, *arguments, where)
    return done.stdout


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.eml"
    path.write_bytes(MESSAGE)
    return path


@pytest.mark.parametrize("url", ["smtp:587", "smtps:465"])
def test_smtp_upload(server: Server, letter: Path, url: str) -> None:
    recipients = ("--mail-rcpt", "bob@a.test", "--mail-rcpt", "alice@a.test")
    curl(server, f"{url}/client.test", "--mail-from", "alice@a.test", *recipients,
         "-T", letter)  # fmt: skip
    for user in ("alice", "bob"):
        count = curl(server, "pop3s:995/", user=user).count(b"\r\n")
        assert curl(server, f"pop3s:995/{count}", user=user).endswith(MESSAGE)


@pytest.mark.parametrize("url", ["imap:143", "imaps:993"])
def test_imap(server: Server, letter: Path, url: str) -> None:
    mailbox = quote(f"{url[:4]}{len(url)}")
    curl(server, f"{url}/", "-X", f"CREATE {mailbox}")
    assert mailbox.encode() in curl(server, f"{url}/")
    curl(server, f"{url}/{mailbox}", "-T", letter)
    assert curl(server, f"{url}/{mailbox};MAILINDEX=1") == MESSAGE
    section = curl(server, f"{url}/{mailbox};UID=1;SECTION=TEXT")
    assert section == MESSAGE.split(b"\r\n\r\n", 1)[1]
    assert b"SEARCH 1\r\n" in curl(server, f"{url}/{mailbox}?FROM%20alice")
    flags = curl(server, f"{url}/{mailbox}", "-X", "FETCH 1 (FLAGS)")
    assert b"\\Seen" in flags


@pytest.mark.parametrize("url", ["pop3:110", "pop3s:995"])
def test_pop3(server: Server, letter: Path, url: str) -> None:
    curl(server, "imap:143/INBOX", "-T", letter, user="bob")
    listed = curl(server, f"{url}/", user="bob").splitlines()
    number = len(listed)
    assert listed[-1].split() == [b"%d" % number, b"%d" % len(MESSAGE)]
    assert curl(server, f"{url}/{number}", user="bob") == MESSAGE
    top = curl(server, f"{url}/", "-X", f"TOP {number} 1", user="bob")
    head = MESSAGE.split(b"\r\n..two")[0]
    assert top.rstrip(b"\r\n") == head
    curl(server, f"{url}/{number}", "-X", "DELE", "-I", user="bob")
    assert len(curl(server, f"{url}/", user="bob").splitlines()) == number - 1
