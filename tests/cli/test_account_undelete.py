import pytest

from pabal.app.moving import Household, at_home
from pabal.base.errors import OperatorError
from pabal.cli.account_undelete import since_of
from pabal.config.load import load_or_raise
from tests.cli.desk import Desk
from tests.store.contract.letters import letter, new_email

WORDS = ("account", "undelete", "alice@a.test")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """One message was expunged from INBOX, two went with their mailbox."""

    async def work(home: Household) -> None:
        inbox = await home.mailboxes.mailbox("INBOX")
        box = await home.mailboxes.create("a/b")
        await home.mailboxes.append(inbox.id, [new_email(letter("one"))])
        news = [new_email(letter(text)) for text in ("two", "three")]
        await home.mailboxes.append(box.id, news)
        await home.mailboxes.expunge(inbox.id, [1])
        await home.mailboxes.remove(box.id)

    at_home(load_or_raise(desk.directory), "alice@a.test", work)
    return desk


def counts(desk: Desk) -> dict[object, object]:
    boxes = desk.json("account", "show", "alice@a.test")["mailboxes"]
    assert isinstance(boxes, list)
    return {
        box["name"]: box["messages"]
        for box in boxes
        if isinstance(box, dict) and not box["special_use"]
    }


def test_listed(desk: Desk) -> None:
    said = desk.ok(*WORDS, "--list")
    assert [line.split()[2] for line in said.splitlines()[1:]] == [
        "INBOX",
        "a/b",
        "a/b",
    ]
    assert "three" in said
    only = desk.ok(*WORDS, "--list", "--mailbox", "INBOX")
    assert len(only.splitlines()) == 2
    assert "Nothing" in desk.ok(*WORDS, "--list", "--mailbox", "other")
    assert counts(desk) == {"INBOX": 0, "a": 0}


def test_each_goes_back_where_it_was(desk: Desk) -> None:
    assert desk.ok(*WORDS) == "3 came back.\n"
    assert counts(desk) == {"INBOX": 1, "a": 0, "a/b": 2}
    assert desk.json(*WORDS)["messages"] == []


def test_into_another_mailbox(desk: Desk) -> None:
    back = desk.first("messages", *WORDS, "--mailbox", "INBOX", "--to", "found")
    assert (back["mailbox"], back["uid"], back["subject"]) == ("INBOX", 1, "one")
    assert counts(desk) == {"INBOX": 0, "a": 0, "found": 1}


def test_since(desk: Desk) -> None:
    assert "3 came back" in desk.ok(*WORDS, "--since", "1h")
    assert "no time" in desk.fails(2, *WORDS, "--since", "yesterday")


def test_moments() -> None:
    assert since_of("30m", 10_000.0) == 8_200.0
    assert since_of("2d", 200_000.0) == 27_200.0
    assert since_of("1970-01-02T00:00+00:00", 0.0) == 86_400.0
    for wrong in ("", "d", "-1d", "1y"):
        with pytest.raises(OperatorError):
            since_of(wrong, 0.0)


def test_shown(desk: Desk) -> None:
    said = desk.ok("account", "show", "alice@a.test")
    assert "INBOX" in said
    assert "(7 days): 3 messages" in said


def test_an_account_without_room_gets_nothing(desk: Desk) -> None:
    desk.ok("account", "quota", "alice@a.test", "--quota-messages", "2")
    said = desk.fails(1, *WORDS)
    assert "room for 2 of 3 messages and got none" in said
    assert counts(desk) == {"INBOX": 0, "a": 0}
    assert desk.ok(*WORDS, "--mailbox", "a/b") == "2 came back.\n"
