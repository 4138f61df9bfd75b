import pytest

from pabal.store.flags import FlagAction, FlagChange, canonical


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (FlagAction.ADD, {"a", "b", "c"}),
        (FlagAction.REMOVE, {"a"}),
        (FlagAction.REPLACE, {"b", "c"}),
    ],
)
def test_apply(action: FlagAction, expected: set[str]) -> None:
    change = FlagChange(action, frozenset({"b", "c"}))
    assert change.apply(frozenset({"a", "b"})) == expected


def test_canonical() -> None:
    assert canonical("\\sEEN") == "\\Seen"
    assert canonical("$MDNSent") == "$MDNSent"
