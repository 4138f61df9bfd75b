"""Lists: documents as octets, and sets of them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.search.lists import (
    BITS,
    Union,
    bits_of,
    from_marks,
    list_octets,
    members,
    packed,
    to_marks,
)

SIZE = 40_000
sets = st.sets(st.integers(0, SIZE - 1), min_size=1)


def spread(count: int, size: int) -> list[int]:
    return sorted(random.Random(count).sample(range(size), count))


@pytest.mark.parametrize("size", [1 << 16, 16_384, 300])
@pytest.mark.parametrize("count", [1, 16, 17, 100, 254, 255, 256, 1_000, 4_000, 9_000])
def test_what_is_packed_comes_out(count: int, size: int) -> None:
    numbers = spread(min(count, size), size)
    length, octets = packed(numbers, size)
    assert len(octets) == list_octets(length, size)
    assert list(members(length, octets, size)) == numbers
    assert len(octets) <= max(2.5 * count, (size + 7) // 8)


@settings(max_examples=60, deadline=None)
@given(st.lists(sets, min_size=1, max_size=4), st.sets(st.integers(0, SIZE - 1)))
def test_union_is_one_of_sets(several: list[set[int]], among: set[int]) -> None:
    union = Union(SIZE, bits_of(among, SIZE))
    for numbers in several:
        length, octets = packed(sorted(numbers), SIZE)
        assert list(members(length, octets, SIZE)) == sorted(numbers)
        union.add(length, octets, [0])
    expected = set().union(*several) & among
    assert union.found() == bits_of(expected, SIZE)
    assert union.missing() == len(among - expected)


def test_gaps_are_an_octet_each() -> None:
    length, octets = packed(spread(1_000, 1 << 16), 1 << 16)
    assert length == -len(octets)
    assert 1_000 < -length < 1_500
    evenly = list(range(254, 1 << 16, 255))  # what just does not fit into one
    assert list(members(*packed(evenly, 1 << 16), 1 << 16)) == evenly
    assert packed(spread(100, 1 << 16), 1 << 16)[0] > 0
    assert packed(spread(9_000, 1 << 16), 1 << 16)[0] == BITS


@given(st.sets(st.integers(0, 99)))
def test_bits_and_marks(numbers: set[int]) -> None:
    found = bits_of(numbers, 100)
    marks = to_marks(found, 100)
    assert {at for at, mark in enumerate(marks) if mark} == numbers
    assert from_marks(marks) == found


def test_many_lists_are_gathered_in_between() -> None:
    union = Union(1 << 16, (1 << (1 << 16)) - 1)
    lists = b"".join(number.to_bytes(2, "little") for number in range(1 << 16))
    union.add(1, lists, range(1 << 16))
    assert union.decoded == len(lists)
    assert not union.missing()
