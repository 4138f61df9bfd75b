"""fetchmail: takes mail over POP3 and IMAP, once, and leaves or removes it."""

from pathlib import Path

import pytest

from tests.interop.peer import MESSAGE, needs, run
from tests.support.server import PASSWORD, Server

pytestmark = needs("fetchmail")

BODY = MESSAGE.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")


@pytest.mark.parametrize(("protocol", "port"), [("POP3", 995), ("IMAP", 993)])
def test_takes_each_message_once(
    server: Server, tmp_path: Path, protocol: str, port: int
) -> None:
    with server.imap("bob") as bob:
        for _ in range(3):
            bob.append("INBOX", "", "", MESSAGE)
    taken = tmp_path / "taken"
    control = tmp_path / "rc"
    control.write_text(
        f"set no bouncemail\npoll {server.address} service {server.port(port)}"
        f' protocol {protocol} user "bob@a.test" password "{PASSWORD}" ssl'
        f" no sslcertck fetchall no keep"
        f' mda "cat >> {taken}"\n'
    )
    control.chmod(0o600)
    arguments = ("-f", control, "--pidfile", tmp_path / "pid", "--nosyslog")
    for _ in range(2):  # the second time there is nothing: exit 1
        done = run("fetchmail", *arguments, check=False)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode in {0, 1}, said
        assert taken.read_bytes().count(BODY) == 3, said
    with server.imap("bob") as bob:
        assert bob.search(None, "ALL")[1] == [b""]
