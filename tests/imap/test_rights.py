import pytest

from pabal.imap.rights import RightsChange, read, read_change, written
from pabal.store.acl import ALL_RIGHTS


def test_rights_older_clients_know() -> None:
    assert read("lrd") == frozenset("lrte")
    assert read("c") == frozenset("kx")
    assert read("") == frozenset()
    assert written(frozenset("xl")) == b"lxc"
    assert written(frozenset("t")) == b"td"
    assert read(written(ALL_RIGHTS).decode()) == ALL_RIGHTS


@pytest.mark.parametrize("text", ["q", "L", "l r", "1", "-l"])
def test_no_rights(text: str) -> None:
    assert read(text) is None


def test_changes() -> None:
    assert read_change(b"+c") == RightsChange("+", frozenset("kx"))
    assert read_change(b"-") == RightsChange("-", frozenset())
    assert read_change(b"\xff") is None
    before = frozenset("lr")
    assert RightsChange("+", frozenset("s")).apply(before) == frozenset("lrs")
    assert RightsChange("-", frozenset("r")).apply(before) == frozenset("l")
    assert RightsChange("", frozenset("s")).apply(before) == frozenset("s")
