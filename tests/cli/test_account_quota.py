import pytest

from pabal.cli.account_quota import shown, size
from pabal.directory.ports import Account
from tests.cli.desk import PASSWORD, Desk


def test_a_limit_is_set_shown_and_taken_away(desk: Desk) -> None:
    assert desk.json("account", "quota", "alice@a.test") == {
        "address": "alice@a.test",
        "octets": 0,
        "quota_octets": 0,
        "messages": 0,
        "quota_messages": 0,
    }
    said = desk.ok(
        "account", "quota", "alice@a.test", "--quota", "2GB", "--quota-messages", "100"
    )
    assert "2 GB" in said
    assert "100" in said
    assert "2 GB, 100 messages" in desk.ok("account", "list")
    listed = desk.first("accounts", "account", "list")
    assert (listed["quota_octets"], listed["quota_messages"]) == (2 * 10**9, 100)
    desk.ok("account", "quota", "alice@a.test", "--quota", "none")
    assert desk.json("account", "quota", "alice@a.test")["quota_octets"] == 0
    assert desk.json("account", "quota", "alice@a.test")["quota_messages"] == 100


def test_a_new_account_may_have_one(desk: Desk) -> None:
    desk.ok(
        *("account", "add", "carol@a.test", "--quota", "1MB", "--password-stdin"),
        stdin=PASSWORD,
    )
    assert desk.json("account", "quota", "carol@a.test")["quota_octets"] == 10**6


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--quota", "2 elephants", "is not a size"),
        ("--quota", "99000000GB", "any disk"),
        ("--quota-messages", "2GB", "is not a number"),
        ("--quota-messages", "-1", "is not a number"),
    ],
)
def test_what_is_no_limit(desk: Desk, option: str, value: str, words: str) -> None:
    assert words in desk.fails(2, "account", "quota", "alice@a.test", option, value)


def test_nobody_has_none(desk: Desk) -> None:
    found = desk.run("account", "quota", "nobody@a.test")
    assert found.exit_code == 1
    assert "There is no account" in found.output


def test_words() -> None:
    assert [size(n) for n in (0, 999, 1500, 2_500_000, 10**9)] == [
        *("", "999 B", "1.5 KB", "2.5 MB", "1 GB")
    ]
    assert shown(Account(1, "a@a.test")) == "-"
    assert shown(Account(1, "a@a.test", quota_messages=3)) == "3 messages"
