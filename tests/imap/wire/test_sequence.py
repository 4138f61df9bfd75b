import itertools
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.wire.sequence import (
    STAR,
    SequenceSet,
    format_order,
    format_set,
    index_ranges,
    merge,
    ranges_of,
)

ASCENDING = st.lists(st.integers(1, 200), unique=True, max_size=80).map(sorted)


@given(ASCENDING)
def test_ranges_hold_exactly_the_numbers(numbers: list[int]) -> None:
    ranges = ranges_of(numbers)
    assert [n for low, high in ranges for n in range(low, high + 1)] == numbers
    # Neighbours do not touch: otherwise they would be one range.
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(ranges))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], b""), ([7], b"7"), ([1, 2, 3, 7, 9, 10], b"1:3,7,9:10")],
)
def test_format(numbers: list[int], text: bytes) -> None:
    assert format_set(numbers) == text


def test_a_million_numbers_cost_a_few_steps() -> None:
    numbers = array("I", range(1, 1_000_001))
    del numbers[500_000]
    assert format_set(numbers) == b"1:500000,500002:1000000"


@pytest.mark.parametrize(
    ("ranges", "largest", "expected"),
    [
        (((1, STAR),), 10, [(1, 10)]),
        (((20, STAR),), 10, [(10, 20)]),  # RFC 9051 §9: 20:* always has the last one
        (((STAR, STAR),), 0, []),
        (((5, 2), (3, 7), (9, 9)), 10, [(2, 7), (9, 9)]),
    ],
)
def test_resolve(
    ranges: tuple[tuple[int, int], ...], largest: int, expected: list[tuple[int, int]]
) -> None:
    assert list(SequenceSet(ranges).resolve(largest)) == expected


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=20))
def test_merged_ranges_hold_the_same_numbers(pairs: list[tuple[int, int]]) -> None:
    ranges = [(low, low + more) for low, more in pairs]
    numbers = {n for low, high in ranges for n in range(low, high + 1)}
    merged = merge(ranges)
    assert [n for low, high in merged for n in range(low, high + 1)] == sorted(numbers)


@given(ASCENDING, ASCENDING)
def test_index_ranges(numbers: list[int], wanted: list[int]) -> None:
    count = len(numbers) * 3 // 4
    found = index_ranges(numbers, count, ranges_of(wanted))
    picked = [numbers[i] for start, end in found for i in range(start, end)]
    assert picked == [n for n in numbers[:count] if n in wanted]


def test_an_order_keeps_its_runs() -> None:
    assert format_order([]) == b""
    assert format_order([5, 3, 4, 2, 1]) == b"5,3:4,2,1"
    assert format_order([1, 2, 3]) == b"1:3"
    assert format_order([7]) == b"7"
