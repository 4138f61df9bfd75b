"""Pages: words and lists as octets."""

import random
import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.search.pages import (
    BITS,
    WORDS_MAX,
    Page,
    Pager,
    Union,
    bits_of,
    entries,
    from_marks,
    length_of,
    list_octets,
    matching,
    members,
    pattern,
    to_marks,
)

SIZE = 500


def paged(lists: Mapping[bytes, Sequence[int]], size: int = SIZE) -> list[Page]:
    pager = Pager(size)
    for word in sorted(lists):
        pager.add(word, lists[word])
    return pager.pages()


@st.composite
def dictionaries(draw: st.DrawFn) -> dict[bytes, list[int]]:
    words = draw(st.lists(st.text("ab회", min_size=1, max_size=4), unique=True))
    numbers = st.sets(st.integers(0, SIZE - 1), min_size=1, max_size=60)
    return {word.encode(): sorted(draw(numbers)) for word in words}


@settings(max_examples=40, deadline=None)
@given(dictionaries())
def test_what_goes_in_comes_out(lists: dict[bytes, list[int]]) -> None:
    found = {
        word: list(members(page.length, octets, SIZE))
        for page in paged(lists)
        for word, octets in entries(page, SIZE)
    }
    assert found == lists


@settings(max_examples=60, deadline=None)
@given(
    dictionaries(),
    st.text("ab회", min_size=1, max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_union_of_words_that_match(
    lists: dict[bytes, list[int]], text: str, begins: bool, ends: bool
) -> None:
    union = Union(SIZE)
    for page in paged(lists):
        numbers = matching(page.words, pattern(text, begins=begins, ends=ends))
        union.add(page.length, page.lists, numbers)
    expected: set[int] = set()
    for word, numbers in lists.items():
        octets = text.encode()
        if (
            octets in word
            and (not begins or word.startswith(octets))
            and (not ends or word.endswith(octets))
            and (not (begins and ends) or word == octets)
        ):
            expected.update(numbers)
    assert union.found() == bits_of(expected, SIZE)
    assert union.missing() == SIZE - len(expected)


def test_expressions_match_words() -> None:
    (page,) = paged({"회의".encode(): [1], "하루".encode(): [2], b"x": [3]})
    assert matching(page.words, re.compile("[하-힣]")) == [1, 2]
    assert matching(page.words, re.compile("z")) == []
    assert matching(b"\xff\xfea\xff\xff\xfeb\xff", re.compile("b"), b"\xff") == [2]


def test_ideographs_are_passed_over() -> None:
    words = ["a", "é하", "ミ회", "会議", "室회", "議", "하", "회의"]
    (page,) = paged({word.encode(): [1] for word in words})
    order = [word.decode() for word in page.words.split()]
    for text, expected in (
        ("[하-힣]", ["é하", "ミ회", "하", "회의"]),
        ("의", ["회의"]),
    ):
        found = matching(page.words, re.compile(text))
        assert [order[number] for number in found] == expected
    some = [word.encode() for word in words if word > "一"]
    (page,) = paged({word: [1] for word in some if word < b"\xea"})
    assert matching(page.words, re.compile("하")) == []


def test_frequent_words_come_first_as_bits() -> None:
    pages = paged({b"rare": [7], b"some": list(range(20)), b"often": list(range(400))})
    assert [page.length for page in pages] == [BITS, 22, 1]
    assert pages[0].words == b"\noften\n"
    assert len(pages[0].lists) == list_octets(BITS, SIZE) == 63
    assert length_of(32, 512) == BITS or length_of(33, 512) == BITS


@pytest.mark.parametrize("count", [1, 16, 17, 100, 4_000])
def test_a_list_is_filled_up(count: int) -> None:
    length = length_of(count, 1 << 16)
    assert count <= length <= count * 1.3
    numbers = sorted(random.Random(count).sample(range(1 << 16), count))
    (page,) = paged({b"word": numbers}, 1 << 16)
    ((_, octets),) = entries(page, 1 << 16)
    assert list(members(page.length, octets, 1 << 16)) == numbers


def test_pages_stay_short() -> None:
    pages = paged({b"%06d" % number: [1] for number in range(WORDS_MAX * 2 + 1)})
    assert [page.words.count(b"\n") - 1 for page in pages] == [WORDS_MAX, WORDS_MAX, 1]


@given(st.sets(st.integers(0, 99)))
def test_bits_and_marks(numbers: set[int]) -> None:
    found = bits_of(numbers, 100)
    marks = to_marks(found, 100)
    assert {at for at, mark in enumerate(marks) if mark} == numbers
    assert from_marks(marks) == found


def test_many_lists_are_gathered_in_between() -> None:
    union = Union(1 << 16)
    lists = b"".join(number.to_bytes(2, "little") for number in range(1 << 16))
    union.add(1, lists, range(1 << 16))
    assert not union.missing()
