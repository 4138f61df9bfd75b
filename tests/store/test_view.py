from array import array

from hypothesis import given
from hypothesis import strategies as st

from pabal.store.delta import Delta
from pabal.store.ports import Added, Expunged, MailboxInfo, Reflagged
from pabal.store.view import (
    MailboxArrays,
    View,
    distinct,
    in_ranges,
    is_ascending,
    kept_runs,
)

INFO = MailboxInfo(1, "a", "", True, 5, 7, 9)  # subscribed


def filled(count: int) -> MailboxArrays:
    arrays = MailboxArrays(INFO)
    uids = range(1, count + 1)
    arrays.apply(Delta(Added(1, 1, uids), INFO, [u * 10 for u in uids], [0] * count))
    return arrays


def test_arrays_move_forward() -> None:
    arrays = filled(5)
    arrays.apply(Delta(Reflagged(2, 1, [2, 4]), INFO, (), [7, 8]))
    assert list(arrays.flags) == [0, 7, 0, 8, 0]
    assert list(arrays.modseqs) == [1, 2, 1, 2, 1]
    arrays.apply(Delta(Reflagged(3, 1, [1, 2, 3]), INFO, (), [9, 9, 6]))
    assert list(arrays.flags) == [9, 9, 6, 8, 0]
    old = arrays.uids
    arrays.apply(Delta(Expunged(4, 1, [1, 3, 99]), INFO))
    assert list(old) == [1, 2, 3, 4, 5]
    assert list(arrays.uids) == [2, 4, 5]
    assert list(arrays.emails) == [20, 40, 50]
    assert list(arrays.flags) == [9, 8, 0]
    assert list(arrays.modseqs) == [3, 2, 1]


def test_changes_read_back_may_overlap() -> None:
    arrays = filled(3)
    arrays.loaded_at = 1
    arrays.apply(Delta(Added(1, 1, [2, 3]), INFO, [20, 30], [0, 0]))
    assert list(arrays.uids) == [1, 2, 3]
    arrays.apply(Delta(Added(5, 1, [3, 4]), INFO, [30, 40], [0, 1], [2, 5]))
    assert list(arrays.uids) == [1, 2, 3, 4]
    assert list(arrays.modseqs) == [1, 1, 1, 5]
    arrays.apply(Delta(Reflagged(9, 1, [2, 3, 77]), INFO, (), [4, 5, 6], [8, 9, 9]))
    assert list(arrays.flags) == [0, 4, 5, 1]
    assert list(arrays.modseqs) == [1, 8, 9, 5]


def test_the_last_view_frees() -> None:
    arrays = filled(1)
    freed: list[MailboxArrays] = []
    first, second = View(arrays, freed.append), View(arrays, freed.append)
    first.close()
    first.close()
    assert not freed
    second.close()
    assert freed == [arrays]


@given(st.sets(st.integers(1, 60)), st.lists(st.integers(0, 70)))
def test_positions(there: set[int], wanted: list[int]) -> None:
    arrays = MailboxArrays(INFO)
    arrays.uids = array("I", sorted(there))
    expected = [at for at, uid in enumerate(sorted(there)) if uid in wanted]
    assert arrays.positions(wanted) == expected
    assert arrays.positions(range(5, 30)) == [
        at for at, uid in enumerate(sorted(there)) if 5 <= uid < 30
    ]


@given(st.sets(st.integers(0, 30)), st.integers(0, 30))
def test_kept_runs(gone: set[int], size: int) -> None:
    gone = {at for at in gone if at < size}
    runs = kept_runs(sorted(gone), size)
    kept = [at for start, end in runs for at in range(start, end)]
    assert kept == [at for at in range(size) if at not in gone]


def test_ranges() -> None:
    assert in_ranges([2, 4, 6, 8], [(1, 4), (5, 5), (6, 99)]) == [(0, 2), (2, 4)]
    assert is_ascending([1, 2, 9])
    assert not is_ascending([1, 1])
    assert is_ascending(range(3))
    assert not is_ascending(range(3, 0, -1))


LIKE_SURROGATES = st.integers(0xD7FF, 0xE000)
"""Numbers that are no text."""


@given(
    st.lists(
        st.one_of(
            st.integers(0, 4), st.integers(0, 300), st.just(1 << 31), LIKE_SURROGATES
        )
    )
)
def test_distinct_values(values: list[int]) -> None:
    assert distinct(array("I", values)) == set(values)
