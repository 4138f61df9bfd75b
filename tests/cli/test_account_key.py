from pathlib import Path

import pytest

from pabal.directory.publickey import fingerprint, line
from tests.cli.desk import Desk
from tests.support import sshkeys

ALICE = "alice@a.test"


def test_added_listed_and_removed(desk: Desk, tmp_path: Path) -> None:
    _, key = sshkeys.ed25519_key("laptop")
    file = tmp_path / "id.pub"
    file.write_text(line(key) + "\n")
    shown = fingerprint(key.blob)
    assert "No key yet" in desk.ok("account", "key", "list")
    said = desk.ok("account", "key", "add", ALICE, str(file))
    assert said == f"{ALICE} has the key {shown}.\n"
    head, row = desk.ok("account", "key", "list", ALICE).splitlines()
    assert head.split() == ["ADDRESS", "KEY", "BITS", "FINGERPRINT", "COMMENT"]
    assert row.split() == [ALICE, "ssh-ed25519", "256", shown, "laptop"]
    assert "already" in desk.fails(1, "account", "key", "add", ALICE, str(file))
    desk.ok("account", "key", "remove", ALICE, "laptop")
    assert "No key yet" in desk.ok("account", "key", "list", ALICE)


def test_from_standard_input_for_programs(desk: Desk) -> None:
    _, key = sshkeys.ed25519_key()
    made = desk.json("account", "key", "add", ALICE, "-", stdin=line(key))
    shown = fingerprint(key.blob)
    assert made == {"ok": True, "address": ALICE, "fingerprint": shown}
    assert desk.first("keys", "account", "key", "list") == {
        "address": ALICE,
        "algorithm": "ssh-ed25519",
        "bits": 256,
        "fingerprint": shown,
        "comment": "me@home",
        "key": line(key),
    }
    assert desk.json("account", "key", "remove", ALICE, shown) == {"ok": True}


def test_who_is_no_administrator_is_told(desk: Desk) -> None:
    desk.ok("account", "add", "bob@a.test", "--password-stdin", stdin="a secret 42")
    key = sshkeys.keys()["ssh-ed25519"]
    said = desk.ok("account", "key", "add", "bob@a.test", "-", stdin=key)
    assert "Not an administrator" in said


@pytest.mark.parametrize(
    ("words", "stdin", "complaint"),
    [
        (("add", ALICE, "-"), "nonsense\n", "no kind of key"),
        (("add", ALICE, "-"), "", "0 keys"),
        (("add", "nobody@a.test", "-"), sshkeys.keys()["ssh-rsa"], "no account"),
        (("list", "nobody@a.test"), "", "no account"),
        (("remove", ALICE, "laptop"), "", "No key"),
    ],
)
def test_mistakes(
    desk: Desk, words: tuple[str, ...], stdin: str, complaint: str
) -> None:
    assert complaint in desk.fails(1, "account", "key", *words, stdin=stdin)


def test_a_file_that_is_not_there(desk: Desk, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert "cannot read" in desk.fails(2, "account", "key", "add", ALICE, missing)
