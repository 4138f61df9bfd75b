import pytest

from pabal.store.flags import (
    DELETED,
    EVERY_FLAG,
    SEEN,
    FlagAction,
    FlagChange,
    FlagScope,
    canonical,
)


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


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (FlagAction.ADD, {SEEN, DELETED, "a", "b"}),
        (FlagAction.REMOVE, {DELETED, "a"}),
        (FlagAction.REPLACE, {SEEN, DELETED, "b"}),
    ],
)
def test_what_is_out_of_scope_stays(action: FlagAction, expected: set[str]) -> None:
    given = frozenset(
        {SEEN, "b"} if action is not FlagAction.REMOVE else {SEEN, "b", DELETED}
    )
    change = FlagChange(action, given, FlagScope.SEEN | FlagScope.OTHERS)
    assert change.apply(frozenset({DELETED, "a"})) == expected


def test_scope() -> None:
    flags = frozenset({SEEN, DELETED, "\\Flagged", "$x"})
    assert EVERY_FLAG.among(flags) == flags
    assert FlagScope.SEEN.among(flags) == {SEEN}
    assert FlagScope.DELETED.among(flags) == {DELETED}
    assert FlagScope.OTHERS.among(flags) == {"\\Flagged", "$x"}
    assert FlagScope(0).among(flags) == frozenset()
