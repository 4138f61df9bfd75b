import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.fetch import Attribute
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.notify import (
    OF_MESSAGES,
    Event,
    Group,
    Notify,
    Watched,
    parse_notify,
)

BOTH = "MessageNew MessageExpunge"


def parsed(text: str) -> Notify:
    reader = Reader(f" {text}".encode())
    found = parse_notify(reader)
    reader.expect_end()
    return found


def test_none() -> None:
    assert parsed("none") == Notify(())


def test_groups() -> None:
    found = parsed(
        "SET STATUS (selected (MessageNew (FLAGS) MessageExpunge FlagChange))"
        ' (subtree ("a b" c) (MailboxName)) (personal NONE)'
    )
    items = (Attribute.FLAGS,)
    assert found == Notify(
        (
            Group(Watched.SELECTED, (), OF_MESSAGES, items),
            Group(Watched.SUBTREE, (b"a b", b"c"), frozenset((Event.MAILBOX_NAME,))),
            Group(Watched.PERSONAL, (), frozenset()),
        ),
        status=True,
    )


def test_unknown_events_are_noted() -> None:
    (group,) = parsed("SET (personal (AnnotationChange MailboxName))").groups
    assert group.unknown
    assert group.events == frozenset((Event.MAILBOX_NAME,))


@pytest.mark.parametrize(
    "text",
    [
        "SET",
        "SET ()",
        "SET (nowhere NONE)",
        "SET (selected (MessageNew))",
        "SET (personal (FlagChange))",
        "SET (selected (MailboxName))",
        f"SET (selected ({BOTH})) (selected-delayed ({BOTH}))",
        "SET (mailboxes (MailboxName))",
        "SET " + " ".join(["(personal NONE)"] * 101),
    ],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(ScanError):
        parsed(text)
