import pytest

from pabal.store.names import children, is_below, moved, normalise, parents
from pabal.store.ports import MailboxNameError


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Sent", "Sent"),
        ("inbox", "INBOX"),
        ("InBox/Old", "INBOX/Old"),
        ("a/inbox", "a/inbox"),
        ("a/b/", "a/b"),
        # Written with conjoining jamo, as macOS does, it is the same mailbox.
        ("\u1112\u116c\u110b\u1174", "회의"),
        ("a b&c", "a b&c"),
    ],
)
def test_normalise(name: str, stored: str) -> None:
    assert normalise(name) == stored
    assert normalise(stored) == stored


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a//b",
        "a\r\nb",
        "a\x7f",
        "a\u2028",
        "\udcff",
        "#shared",
        "가" * 334,
        "/".join("a" * 33),
    ],
)
def test_refused(name: str) -> None:
    with pytest.raises(MailboxNameError):
        normalise(name)


def test_families() -> None:
    assert parents("a/b/c") == ["a", "a/b"]
    assert parents("a") == []
    assert is_below("a/b", "a")
    assert not is_below("ab", "a")
    assert children("a", ["a", "a/c", "b", "a/b/d", "ab"]) == ["a/b/d", "a/c"]
    assert moved("a/b", "a", "x/y") == "x/y/b"
    with pytest.raises(MailboxNameError):
        moved("a/" + "b" * 900, "a", "c" * 200)
