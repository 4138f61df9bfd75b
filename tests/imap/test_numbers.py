import time
from array import array
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.numbers import (
    CHANGED_UIDS_MAX,
    FLAGS_AT_ONCE,
    NumberError,
    Numbers,
    join,
)
from pabal.imap.wire.grammar import Reader
from pabal.store.ports import MailboxInfo


@dataclass
class FakeView:
    """A mailbox whose arrays behave as the port says."""

    uids: "array[int]" = field(default_factory=lambda: array("I"))
    modseqs: "array[int]" = field(default_factory=lambda: array("Q"))
    next_uid: int = 1

    @property
    def mailbox(self) -> MailboxInfo:
        return MailboxInfo(1, "INBOX", "", True, 1, self.next_uid, 1)

    @property
    def emails(self) -> "array[int]":
        return self.modseqs

    @property
    def flags(self) -> "array[int]":
        return self.uids

    def newer(self, since: int, start: int, end: int) -> list[tuple[int, int]]:
        return [(start, end)]

    def close(self) -> None:
        pass

    def arrive(self, count: int, modseq: int = 1) -> None:
        for _ in range(count):
            self.uids.append(self.next_uid)
            self.modseqs.append(modseq)
            self.next_uid += 1

    def expunge(self, uids: set[int]) -> None:
        pairs = zip(self.uids, self.modseqs, strict=True)
        kept = [(uid, modseq) for uid, modseq in pairs if uid not in uids]
        self.uids = array("I", [uid for uid, _ in kept])
        self.modseqs = array("Q", [modseq for _, modseq in kept])


def numbers_of(count: int) -> tuple[FakeView, Numbers]:
    view = FakeView()
    view.arrive(count)
    return view, Numbers(view)


def test_arrivals_are_told_as_a_count() -> None:
    view, numbers = numbers_of(3)
    view.arrive(2)
    assert numbers.behind
    assert numbers.count == 3
    advance = numbers.advance(expunges=False)
    assert (advance.gone, advance.exists) == ((), 5)
    assert not numbers.behind


def test_expunges_are_told_from_the_end() -> None:
    view, numbers = numbers_of(5)
    view.expunge({2, 4})
    advance = numbers.advance(expunges=True)
    assert advance.gone == [4, 2]
    assert list(advance.gone_uids) == [2, 4]
    assert advance.exists is None, "EXPUNGE said it all"
    assert list(numbers.uids[: numbers.count]) == [1, 3, 5]


def test_expunges_wait_and_arrivals_with_them() -> None:
    view, numbers = numbers_of(3)
    view.expunge({1})
    view.arrive(1)
    advance = numbers.advance(expunges=False)
    assert (advance.gone, advance.exists) == ((), None)
    assert list(numbers.uids[: numbers.count]) == [1, 2, 3]
    advance = numbers.advance(expunges=True)
    assert (advance.gone, advance.exists) == ([1], 3)


def test_everything_gone_and_more_than_a_bisection_finds() -> None:
    view, numbers = numbers_of(500)
    view.expunge(set(range(1, 500)))
    assert numbers.advance(expunges=True).gone == list(range(499, 0, -1))
    view.expunge({500})
    advance = numbers.advance(expunges=True)
    assert (advance.gone, numbers.count, numbers.last_uid) == ([1], 0, 0)


def test_flag_changes_of_others_are_told_once() -> None:
    _, numbers = numbers_of(5)
    numbers.note_flags(7, [2, 5, 9])
    assert numbers.advance(expunges=True).reflagged == [(1, 2), (4, 5)]
    assert not numbers.behind


def test_many_changed_flags_are_told_part_by_part() -> None:
    _, numbers = numbers_of(4 * FLAGS_AT_ONCE)
    for modseq in range(4):
        first = modseq * FLAGS_AT_ONCE + 1
        numbers.note_flags(modseq, range(first, first + FLAGS_AT_ONCE))
    told: list[tuple[int, int]] = []
    while numbers.reflagged:
        told += numbers.advance(expunges=False).reflagged
    starts = range(0, 4 * FLAGS_AT_ONCE, FLAGS_AT_ONCE)
    assert told == [(start, start + FLAGS_AT_ONCE) for start in starts]
    assert not numbers.behind


@pytest.mark.parametrize("every", [1, 2, 3, 100, 9_999, 1_000_000])
def test_what_is_gone_of_very_many_is_found_soon(every: int) -> None:
    gone = list(range(1, 50_001, every))
    took: list[float] = []
    for _ in range(3):
        view, numbers = numbers_of(50_000)
        view.expunge(set(gone))
        begun = time.thread_time()
        advance = numbers.advance(expunges=True)
        took.append(time.thread_time() - begun)
        assert list(advance.gone) == gone[::-1]
        assert list(advance.gone_uids) == gone
    assert min(took) < 0.005 or every in {2, 3}  # two of three runs, no set of all


def test_own_flag_changes_are_not_told() -> None:
    _, numbers = numbers_of(5)
    numbers.note_flags(7, [2])
    numbers.own_change(7, [2])
    assert not numbers.behind
    # The store may also tell the watcher after the change has returned.
    numbers.own_change(8, [3])
    numbers.note_flags(8, [3])
    assert not numbers.behind
    numbers.own_change(9, [])
    numbers.note_flags(9, [3])
    assert numbers.behind


def test_very_many_flag_changes_cost_bounded_memory() -> None:
    view, numbers = numbers_of(5)
    numbers.note_flags(3, range(1, CHANGED_UIDS_MAX))
    numbers.note_flags(4, range(1, CHANGED_UIDS_MAX))
    numbers.note_flags(5, [2])
    view.modseqs[1] = 4
    view.modseqs[3] = 3
    assert numbers.advance(expunges=True).reflagged == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("text", "by_uid", "expected"),
    [
        ("1:*", False, [(0, 3)]),
        ("2", False, [(1, 2)]),
        ("*", False, [(2, 3)]),
        ("20:30", True, [(1, 3)]),
        ("*", True, [(2, 3)]),
        ("11:19,31:*", True, [(2, 3)]),
        ("99", True, []),
        ("1,3", False, [(0, 1), (2, 3)]),
    ],
)
def test_indexes(text: str, by_uid: bool, expected: list[tuple[int, int]]) -> None:
    view = FakeView(array("I", [10, 20, 30]), array("Q", [1, 1, 1]))
    numbers = Numbers(view)
    wanted = Reader(text.encode()).sequence_set()
    assert numbers.indexes(wanted, (), by_uid=by_uid) == expected


def test_saved_results() -> None:
    view = FakeView(array("I", [10, 20, 30]), array("Q", [1, 1, 1]))
    numbers = Numbers(view)
    saved = Reader(b"$").sequence_set()
    assert numbers.indexes(saved, [10, 20, 25], by_uid=False) == [(0, 2)]


@pytest.mark.parametrize("text", ["4", "1:4", "4:*", "2,9"])
def test_numbers_beyond_the_last_are_wrong(text: str) -> None:
    _, numbers = numbers_of(3)
    with pytest.raises(NumberError):
        numbers.indexes(Reader(text.encode()).sequence_set(), (), by_uid=False)


def test_an_empty_mailbox_has_all_of_its_messages() -> None:
    _, numbers = numbers_of(0)
    for text in (b"1:*", b"*"):
        assert numbers.indexes(Reader(text).sequence_set(), (), by_uid=False) == []
    with pytest.raises(NumberError):
        numbers.indexes(Reader(b"1").sequence_set(), (), by_uid=False)


def test_index() -> None:
    view = FakeView(array("I", [10, 20, 30]), array("Q", [1, 1, 1]))
    numbers = Numbers(view)
    view.uids.append(40)
    assert [numbers.index(uid) for uid in (10, 30, 15, 40)] == [0, 2, -1, -1]


def test_join() -> None:
    assert join([(0, 1), (1, 3), (4, 5)]) == [(0, 3), (4, 5)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(1, 70)),
        st.tuples(st.just("expunge"), st.integers(1, 2**70)),
        st.tuples(st.just("tell"), st.booleans()),
    ),
    max_size=30,
)


@given(STEPS)
def test_a_client_that_believes_everything_is_right(
    steps: list[tuple[str, int]],
) -> None:
    view, numbers = numbers_of(2)
    believed: list[int] = [1, 2]
    for what, how in [*steps, ("tell", True)]:
        if what == "arrive":
            view.arrive(how)
        elif what == "expunge":
            view.expunge({uid for uid in view.uids if how >> (uid % 70) & 1})
        else:
            advance = numbers.advance(expunges=bool(how))
            for number in advance.gone:
                del believed[number - 1]
            if advance.exists is not None:
                assert advance.exists >= len(believed)
                new = advance.exists - len(believed)
                believed += list(view.uids)[len(view.uids) - new :]
            assert believed == list(numbers.uids[: numbers.count])
    assert believed == list(view.uids)


def test_a_hundred_thousand_small_changes_cost_little() -> None:
    # Each is looked at once: quadratic work would not end while anybody waits.
    _, numbers = numbers_of(50)
    for modseq in range(CHANGED_UIDS_MAX):
        numbers.note_flags(modseq, (modseq % 50 + 1,))
    assert numbers.advance(expunges=True).reflagged == [(0, 50)]
