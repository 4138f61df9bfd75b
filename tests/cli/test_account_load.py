from pathlib import Path

from tests.cli.desk import Desk

LIST = """\
# students
bob@a.test  first secret
  carol@a.test\tΠassword with  blanks\x20

세종@a.test 훈민정음
"""


def quotas(desk: Desk) -> dict[object, object]:
    accounts = desk.json("account", "list")["accounts"]
    assert isinstance(accounts, list)
    rows = [one for one in accounts if isinstance(one, dict)]
    return {one["address"]: one["quota_octets"] for one in rows}


def test_many_at_once(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(LIST, "utf-8")
    words = ("account", "load", str(file), "--quota", "1GB")
    assert desk.ok(*words) == "3 accounts made, 0 were there already.\n"
    assert quotas(desk) == {
        "alice@a.test": 0,
        "bob@a.test": 1_000_000_000,
        "carol@a.test": 1_000_000_000,
        "세종@a.test": 1_000_000_000,
    }
    # A load that was stopped is run again.
    file.write_text(LIST + "dan@a.test x\n", "utf-8")
    found = desk.json("account", "load", str(file))
    assert (found["made"], found["there"]) == (1, 3)


def test_from_standard_input(desk: Desk) -> None:
    said = desk.ok("account", "load", "-", stdin="bob@a.test secret\n")
    assert said == "1 account made, 0 were there already.\n"


def test_every_mistake_is_shown_and_no_password(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(
        "good@a.test secret\n"
        "no-address secret\n"
        "  bob@b.test secret\n"
        "bob@a.test\n"
        "good@a.test secret\n"
        "eve@a.test secr\x07et\n"
    )
    said = desk.fails(2, "account", "load", str(file))
    for number, text in (
        ("2:1", "'no-address': not an address"),
        ("3:3", "b.test is not hosted here"),
        ("4:11", "bob@a.test has no password"),
        ("5:1", "good@a.test is in line 1 already"),
        ("6:11", "the password has"),
        ("", "5 mistakes: no account was made"),
    ):
        assert f"{file}:{number}: {text}" in said or (not number and text in said)
    assert "secr" not in said
    assert len(quotas(desk)) == 1


def test_no_text(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(b"bob@a.test \xff\xfe\n")
    assert "is not UTF-8" in desk.fails(2, "account", "load", str(file))
