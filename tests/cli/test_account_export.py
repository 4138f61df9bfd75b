from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.migration.places import PLAIN, drop, make_maildir


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_out_and_in_again(desk: Desk, tmp_path: Path, form: str) -> None:
    root = make_maildir(tmp_path / "Maildir")
    drop(root, "1.x.h:2,S", PLAIN)
    drop(make_maildir(root / ".Sent"), "2.x.h:2,S", PLAIN)
    desk.ok("account", "import", "alice@a.test", str(root))
    out = str(tmp_path / "out")
    said = desk.ok("account", "export", "alice@a.test", out, "--format", form)
    assert "nothing is missing" in said
    assert "is not empty" in desk.fails(2, "account", "export", "alice@a.test", out)
    desk.ok("account", "add", "bob@a.test", "--password-stdin", stdin="secret")
    brought = desk.json("account", "import", "bob@a.test", out)
    assert (brought["ok"], brought["added"]) == (True, 2)


def test_only_some(desk: Desk, tmp_path: Path) -> None:
    words = ("account", "export", "alice@a.test", str(tmp_path / "o"), "--folder")
    assert "no mailbox" in desk.fails(1, *words, "Nope")
    assert desk.json(*words, "INBOX")["added"] == 0
