from tests.cli.desk import PASSWORD, Desk


def addresses(desk: Desk) -> list[object]:
    accounts = desk.json("account", "list")["accounts"]
    assert isinstance(accounts, list)
    return [account["address"] for account in accounts if isinstance(account, dict)]


def test_added_listed_and_removed(desk: Desk) -> None:
    said = desk.ok("account", "add", "bob@a.test", "--password-stdin", stdin=PASSWORD)
    assert said == "bob@a.test can send and receive now.\n"
    table = desk.ok("account", "list")
    assert table.splitlines()[0].split() == ["ID", "ADDRESS", "STATE", "QUOTA"]
    assert addresses(desk) == ["alice@a.test", "bob@a.test"]
    desk.ok("account", "remove", "bob@a.test", "--yes")
    assert addresses(desk) == ["alice@a.test"]


def test_for_programs(desk: Desk) -> None:
    made = desk.json("account", "add", "bob@a.test", "--password-stdin", stdin="secret")
    assert made["ok"] is True
    assert made["address"] == "bob@a.test"
    changed = desk.json(
        "account", "passwd", "bob@a.test", "--password-stdin", stdin="other"
    )
    assert changed == {"ok": True}
    assert desk.json("account", "remove", "bob@a.test") == {"ok": True}


def test_removing_asks_first(desk: Desk) -> None:
    asked = desk.run("account", "remove", "alice@a.test", stdin="n\n")
    assert asked.exit_code == 1
    assert "all its mail?" in asked.output
    assert addresses(desk) == ["alice@a.test"]


def test_mistakes_have_one_clear_line(desk: Desk) -> None:
    def add(address: str, password: str = PASSWORD) -> str:
        return desk.fails(
            1, "account", "add", address, "--password-stdin", stdin=password
        )

    assert "b.test is not hosted here" in add("bob@b.test")
    assert "local-part@domain" in add("nonsense")
    assert "alice@a.test" in add("alice@a.test")
    for complaint in (add("bob@b.test"), add("nonsense")):
        assert len(complaint.splitlines()) == 1
    assert "nobody@a.test" in desk.fails(
        1, "account", "remove", "nobody@a.test", "--yes"
    )


def test_a_password_must_be_there(desk: Desk) -> None:
    words = ("account", "passwd", "alice@a.test")
    assert "is empty" in desk.fails(2, *words, "--password-stdin", stdin="\n")
    assert "--password-stdin" in desk.fails(2, *words)


def test_no_password_is_printed(desk: Desk) -> None:
    found = desk.run("account", "add", "b@a.test", "--password-stdin", stdin=PASSWORD)
    assert PASSWORD not in found.output


def test_none_yet_says_how(desk: Desk) -> None:
    desk.ok("account", "remove", "alice@a.test", "--yes")
    assert "pabal account add" in desk.ok("account", "list")
    assert addresses(desk) == []


def test_reindex(desk: Desk) -> None:
    assert desk.ok("account", "reindex", "alice@a.test") == (
        "alice@a.test: 0 messages indexed in 0 octets.\n"
    )
    made = desk.json("account", "reindex", "alice@a.test")
    assert made == {"ok": True, "messages": 0, "octets": 0}
    complaint = desk.fails(1, "account", "reindex", "nobody@a.test")
    assert "there is no account nobody@a.test" in complaint
