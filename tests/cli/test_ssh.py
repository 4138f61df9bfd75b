from pathlib import Path

from pabal.admin.hostkey import host_key
from tests.cli.desk import Desk
from tests.support import sshkeys


def test_a_new_server_says_what_is_missing(desk: Desk) -> None:
    text = desk.ok("ssh")
    assert "127.0.0.1:20022" in text
    assert "none yet" in text
    assert "refused: keys only" in text
    assert "alice@a.test: but it has no key: `pabal account key add" in text


def test_how_to_know_the_server(desk: Desk) -> None:
    key = host_key(Path(desk.directory) / "data" / "ssh-host-key")
    desk.ok(
        "account", "key", "add", "alice@a.test", "-", stdin=sshkeys.keys()["ssh-rsa"]
    )
    text = desk.ok("ssh")
    assert "SHA256:" in text
    assert f"mail.a.test. SSHFP {key.sshfp}" in text
    assert "mail.a.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" in text
    assert "may log in   alice@a.test, 1 key\n" in text
    facts = desk.json("ssh")
    assert facts["listen"] == ["127.0.0.1:20022"]
    assert facts["sshfp"] == key.sshfp
    assert facts["passwords"] is False
    assert facts["administrators"] == [
        {"address": "alice@a.test", "keys": 1, "enabled": True}
    ]


def test_who_cannot_log_in_and_why(desk: Desk) -> None:
    file = desk.directory / "pabal.toml"
    text = file.read_text()
    file.write_text(text.replace('["alice@a.test"]', '["gone@a.test"]'))
    assert (
        "gone@a.test: but there is no such account: `pabal account add gone@a.test`"
        in desk.ok("ssh")
    )
    file.write_text(text.replace('["alice@a.test"]', "[]"))
    assert "administrators under [ssh]" in desk.ok("ssh")
    lines = text.replace('ssh = ["127.0.0.1:20022"]', "ssh = []")
    file.write_text(lines)
    assert "off: ssh under [listen]" in desk.ok("ssh")
