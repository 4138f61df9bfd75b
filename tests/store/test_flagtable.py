import pytest

from pabal.store.flags import SEEN, FlagAction, FlagChange
from pabal.store.flagtable import KEYWORDS_MAX, FlagTable, TooManyKeywordsError


def test_intern_folds_case() -> None:
    table = FlagTable()
    assert table.intern(frozenset()) == 0
    first = table.intern(frozenset({"$Work", "\\seen"}))
    assert table[first] == {"$Work", SEEN}
    assert table.intern(frozenset({"$WORK", SEEN})) == first
    assert table.spelled(frozenset({"$work"})) == {"$Work"}
    both = table.intern(frozenset({"New", "NEW"}))
    assert len(table[both]) == 1


def test_what_was_undone_is_forgotten() -> None:
    table = FlagTable()
    kept = table.intern(frozenset({"a"}))
    size = len(table)
    table.intern(frozenset({"B"}))
    table.forget_from(size)
    assert len(table) == size
    assert table.intern(frozenset({"b"})) == size
    assert table[size] == {"b"}
    assert table.intern(frozenset({"A"})) == kept


def test_changed_and_with_flag() -> None:
    table = FlagTable()
    work = table.intern(frozenset({"Work"}))
    add = FlagChange(FlagAction.ADD, frozenset({SEEN}))
    seen = table.changed(work, add)
    assert table[seen] == {"Work", SEEN}
    assert table.with_flag("work") == {work, seen}
    assert table.with_flag("never") == frozenset()
    assert table.is_unseen(work)
    assert not table.is_unseen(seen)
    assert not table.is_deleted(seen)


def test_limits() -> None:
    table = FlagTable()
    with pytest.raises(TooManyKeywordsError):
        table.intern(frozenset({"x" * 201}))
    for number in range(KEYWORDS_MAX):
        table.intern(frozenset({f"k{number}"}))
    with pytest.raises(TooManyKeywordsError):
        table.intern(frozenset({"one more"}))
    table.intern(frozenset({"k1", "k2"}))
