"""Joints: however they are cut, they say no more than what is in the text."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.message.folding import fold
from pabal.store.search.joints import (
    KEPT,
    RARE_PART,
    Joint,
    asked,
    built,
    is_decided,
    joint_of,
    joints,
    judged,
    limit,
    lines,
    merged,
    octets_of,
    waiting,
)
from tests.store.search.letters import SPACES, WORDS

SOME = ["ab", "of", "the", "other", "bathe", "offer", "x" * 30]
SOME += ["회", "회의", "회의를", "하의", "東", "会議"]
text = st.lists(
    st.tuples(
        st.sampled_from([*SOME, *SOME, *WORDS]),
        st.sampled_from([*" " * 12, *SPACES]),
    ),
    max_size=12,
).map(lambda pairs: "".join(word + space for word, space in pairs))
needle = st.one_of(
    st.builds(
        lambda words, start, end: " ".join(words)[start : -end or None],
        st.lists(st.sampled_from(SOME), min_size=2, max_size=3),
        st.integers(0, 6),
        st.integers(0, 6),
    ),
    text.map(lambda whole: whole[:40]),
    st.sampled_from(["e o", "e ", " 회", "a  b", " ", "를 회", "의 東"]),
)

Lists = Mapping[str, Sequence[int]]


def go_on() -> None:
    pass


def built_of(texts: Sequence[str], most: int) -> Lists:
    return built([waiting([one]) for one in texts], most, go_on)


def said(lists: Lists, joint: Joint) -> tuple[set[int], set[int]]:
    words = sorted(lists, key=octets_of)
    assert [*map(joint_of, map(octets_of, words))] == words
    page = b"\n".join([b"", *map(octets_of, words), b""])
    sure, unsure = judged(page, joint)
    return (
        {one for number in sure for one in lists[words[number]]},
        {one for number in unsure for one in lists[words[number]]},
    )


def check(lists: Lists, texts: Sequence[str], wanted: str) -> None:
    truth = {number for number, one in enumerate(texts) if wanted in one}
    for joint in asked(wanted):
        sure, unsure = said(lists, joint)
        assert truth <= sure | unsure
        if is_decided(wanted):
            assert sure <= truth


@settings(max_examples=200, deadline=None)
@given(
    st.lists(text.map(fold), min_size=1, max_size=6),
    st.lists(needle.map(fold), min_size=1, max_size=6),
    st.integers(0, 6),
)
def test_joints_say_what_is_so(texts: list[str], needles: list[str], most: int) -> None:
    lists = built_of(texts, most)
    for wanted in needles:
        check(lists, texts, wanted)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(text.map(fold), max_size=4), min_size=1, max_size=4),
    st.lists(needle.map(fold), min_size=1, max_size=6),
    st.lists(st.integers(0, 4), min_size=5, max_size=5),
)
def test_merged_ones_too(
    groups: list[list[str]], needles: list[str], most: list[int]
) -> None:
    texts: list[str] = []
    gathered: dict[str, list[int]] = {}
    for group, few in zip(groups, most, strict=False):
        for joint, numbers in built_of(group, few).items():
            gathered.setdefault(joint, []).extend(one + len(texts) for one in numbers)
        texts += group
    lists = merged(gathered, most[-1], go_on)
    for numbers in lists.values():
        assert list(numbers) == sorted(set(numbers))
    for wanted in needles:
        check(lists, texts, wanted)


def test_where_blanks_stand() -> None:
    found = joints(lines("one two\r\nthree  four \tfive\r\n six" + " " + "x" * 40))
    long = "x" * KEPT
    assert found == {"one two", "three ", " four", "four ", " six", f"six {long}"}


def test_what_is_asked() -> None:
    assert asked("e o") == [Joint("e", "o")]
    assert asked("of the o") == [
        Joint("of", "the", begins=False, ends=True),
        Joint("the", "o", begins=True, ends=False),
    ]
    assert asked("a  b\tc") == [
        Joint("a", "", begins=False, ends=True),
        Joint("", "b", begins=True, ends=True),
    ]
    assert asked(" ") == asked("word") == asked("a\tb") == []


@pytest.mark.parametrize("wanted", ["e o", "회의를 회", " the", "the "])
def test_two_words_are_decided(wanted: str) -> None:
    assert is_decided(wanted)


@pytest.mark.parametrize("wanted", ["", " ", "word", "a b c", "a  b", "a\tb", "a b\n"])
def test_others_are_not(wanted: str) -> None:
    assert not is_decided(wanted)


def test_frequent_ones_are_told_apart() -> None:
    texts = ["of the first, bathe often"] * 40 + ["the other"] * 3 + ["bathe once"] * 2
    lists = built_of(texts, limit(len(texts)))
    assert limit(RARE_PART * 3) == 3
    frequent = set(range(40))
    assert said(lists, Joint("of", "the")) == (frequent, set())
    assert said(lists, Joint("he", "f")) == (frequent, set())
    assert said(lists, Joint("bathe", "often")) == (frequent, set())
    # What is rare is not spelt out: it may be this or that.
    sure, unsure = said(lists, Joint("bathe", "once"))
    assert not sure
    assert {43, 44} <= unsure
    assert not unsure & frequent


def test_pauses() -> None:
    paused = []
    texts = [" ".join(f"{one}{number}" for one in range(600)) for number in range(9)]
    built([waiting([one]) for one in texts], 3, lambda: paused.append(1))
    assert len(paused) >= len(texts)
    paused.clear()
    merged(built_of(texts, 0), 3, lambda: paused.append(1))
    assert len(paused) >= len(texts)
