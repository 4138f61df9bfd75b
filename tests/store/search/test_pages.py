"""Pages: words and lists as octets."""

import re
from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.search.lists import BITS, Union, bits_of, list_octets, members
from pabal.store.search.pages import (
    WORDS_MAX,
    Page,
    Pager,
    entries,
    matching,
    pair,
    pair_numbers,
    pattern,
)

SIZE = 500


def paged(
    lists: Mapping[bytes, Sequence[int]], size: int = SIZE, *, pairs: bool = False
) -> list[Page]:
    pager = Pager(size, pairs=pairs)
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
    union = Union(SIZE, (1 << SIZE) - 1)
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


def test_frequent_words_come_first_as_bits() -> None:
    pages = paged({b"rare": [7], b"some": list(range(20)), b"often": list(range(400))})
    assert [page.length for page in pages] == [BITS, -22, 1]
    assert pages[0].words == b"\noften\n"
    assert len(pages[0].lists) == list_octets(BITS, SIZE) == 63


def test_pages_stay_short() -> None:
    pages = paged({b"%06d" % number: [1] for number in range(WORDS_MAX * 2 + 1)})
    assert [page.words.count(b"\n") - 1 for page in pages] == [WORDS_MAX, WORDS_MAX, 1]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.text("あ会議\u4e0a\ua000", min_size=2, max_size=2)))
def test_pairs_are_found_by_halving(some: set[str]) -> None:
    lists = {pair(text): [number] for number, text in enumerate(sorted(some))}
    for text in [*some, "会議", "ああ"]:
        found = [
            entry
            for page in paged(lists, pairs=True)
            for number in pair_numbers(page.words, pair(text))
            for entry in [[*entries(page, SIZE, pairs=True)][number]]
        ]
        assert [word for word, _ in found] == [pair(text)] * (text in some)
