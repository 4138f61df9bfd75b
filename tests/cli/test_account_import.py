from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.migration.places import PLAIN, drop, make_maildir


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    root = make_maildir(tmp_path / "Maildir")
    drop(root, "1.x.h:2,S", PLAIN)
    drop(make_maildir(root / ".Sent"), "2.x.h:2,S", PLAIN)
    return root


def test_a_maildir_comes_here(desk: Desk, maildir: Path) -> None:
    said = desk.ok("account", "import", "alice@a.test", str(maildir))
    assert "INBOX" in said
    assert "nothing is missing" in said
    again = desk.json("account", "import", "alice@a.test", str(maildir))
    assert (again["ok"], again["added"]) == (True, 0)
    checked = desk.json("account", "import", "alice@a.test", str(maildir), "--verify")
    folders = checked["folders"]
    assert isinstance(folders, list)
    assert [one["verified"] for one in folders if isinstance(one, dict)] == [1, 1]


def test_only_some_folders(desk: Desk, maildir: Path) -> None:
    words = ("account", "import", "alice@a.test", str(maildir))
    first = desk.first("folders", *words, "--folder", "Sent")
    assert first["name"] == "Sent"
    complaint = desk.fails(1, *words, "--folder", "Nope")
    assert "INBOX, Sent" in complaint


def test_forgotten_comes_again(desk: Desk, maildir: Path) -> None:
    words = ("account", "import", "alice@a.test", str(maildir), "--forget")
    assert desk.json(*words)["added"] == 2
    assert desk.json(*words)["added"] == 2


def test_mistakes_are_said(desk: Desk, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    words = ("account", "import", "alice@a.test", nowhere)
    assert "there is no" in desk.fails(2, *words)
    make_maildir(tmp_path / "m")
    words = ("account", "import", "nobody@a.test", str(tmp_path / "m"))
    assert "no account nobody@a.test" in desk.fails(1, *words)


def test_a_message_that_differs_is_an_error(desk: Desk, maildir: Path) -> None:
    words = ("account", "import", "alice@a.test", str(maildir))
    desk.ok(*words)
    (maildir / "cur" / "1.x.h:2,S").write_bytes(b"Subject: other\n\n")
    found = desk.run(*words, "--verify")
    assert found.exit_code == 1
    assert "1 differ: UID 1" in found.stdout


def test_a_full_account_takes_no_more_and_goes_on_later(
    desk: Desk, tmp_path: Path
) -> None:
    root = make_maildir(tmp_path / "many")
    for number in range(5):
        drop(root, f"{number}.x.h:2,S", PLAIN + b"%d\n" % number)
    words = ("account", "import", "alice@a.test", str(root))
    quota = ("account", "quota", "alice@a.test", "--quota-messages")
    desk.ok(*quota, "2")
    for _ in range(2):
        said = desk.fails(1, *words)
        assert "the account is full, with more to come into INBOX" in said
        assert "pabal account quota" in said
        (inbox,) = _boxes(desk)
        assert inbox["messages"] == 2
    desk.ok(*quota, "none")
    found = desk.json(*words)
    assert (found["ok"], found["added"]) == (True, 3)
    (inbox,) = _boxes(desk)
    assert inbox["messages"] == 5


def _boxes(desk: Desk) -> list[dict[str, object]]:
    boxes = desk.json("account", "show", "alice@a.test")["mailboxes"]
    assert isinstance(boxes, list)
    return [box for box in boxes if isinstance(box, dict) and not box["special_use"]]
