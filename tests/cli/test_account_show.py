from tests.cli.desk import Desk

WORDS = ("account", "expiry", "alice@a.test")


def test_rules_of_mailboxes(desk: Desk) -> None:
    assert desk.ok(*WORDS, "INBOX", "90") == "INBOX of alice@a.test: 90.\n"
    said = desk.ok("account", "show", "alice@a.test")
    assert "90 days (own rule)" in said
    assert "alice@a.test  id 1, enabled" in said
    desk.ok(*WORDS, "INBOX", "never")
    assert "never (own rule)" in desk.ok("account", "show", "alice@a.test")
    desk.ok(*WORDS, "INBOX", "default")
    box = desk.first("mailboxes", "account", "show", "alice@a.test")
    assert (box["name"], box["expiry_days"], box["expiry_own_rule"]) == (
        "INBOX",
        0,
        False,
    )


def test_mistakes_are_said(desk: Desk) -> None:
    for days in ("0", "3651", "soon"):
        assert "no number of days" in desk.fails(2, *WORDS, "INBOX", days)
    assert "no mailbox" in desk.fails(1, *WORDS, "nope", "3")
