"""What is known at once is so."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.message.folding import fold
from pabal.store.search.merging import merge
from pabal.store.search.segment import BODY, HEADER, Segment
from pabal.store.search.shortcuts import known
from tests.store.search.letters import MemoryReader, built, members

WORDS = ["other", "another", "others", "bother", "of", "the", "a", "x会", "会other"]
WORDS += ["other会議", "회의를", "회의", "의를", "other" * 12]
SPACES = [*" " * 8, "  ", "\r\n", " \r\n", "\t ", "\u3000"]


def text_of(rng: random.Random, count: int) -> str:
    return "".join(
        rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randrange(count))
    )


def segments_of(texts: list[str]) -> list[Segment]:
    octets = [f"\r\n{text}".encode() for text in texts]
    half = len(octets) // 2
    first, second = built(octets[:half]), built(octets[half:], half + 1)
    every = range(1, len(octets) + 1)
    return [built(octets), merge([first, second], every, lambda: None)]


def needle_of(rng: random.Random) -> str:
    words = rng.choices([*WORDS[:8], "회의를", ""], k=rng.randint(2, 4))
    words[0] = words[0][-rng.randint(1, 5) :]
    words[-1] = words[-1][: rng.randint(1, 5)]
    return " ".join(words)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([6, 40, 150]))
def test_what_is_known_is_so(seed: int, count: int) -> None:
    rng = random.Random(seed)
    texts = [fold(text_of(rng, 12)) for _ in range(count)]
    needles = [needle_of(rng) for _ in range(60)]
    needles += ["other ", " other", " other ", "r other", "other t", "r other o"]
    needles += ["회의를 ", " 회의를", " 회의를 ", " other a", "a other "]
    for segment in segments_of(texts):
        for needle in needles:
            answer = known(BODY, needle, MemoryReader(segment))
            if answer is None:
                continue
            truth = {at for at, text in enumerate(texts) if needle in text}
            found, unsure = members(answer.found), members(answer.unsure)
            assert not found & unsure
            assert found <= truth <= found | unsure, needle


@pytest.mark.parametrize(
    ("needle", "found"),
    [
        ("other ", {0, 1, 2}),
        (" other", {0, 2, 3}),
        (" other ", {0, 2}),
        ("e other", {0, 3}),
        ("other o", {0, 1}),
        ("e other o", {0}),
        ("x other o", set[int]()),
    ],
)
def test_frequent_words_need_no_reading(needle: str, found: set[int]) -> None:
    texts = ["the other one", "other one", "a other x", "the other", "one", ""]
    for segment in segments_of(texts * 2):
        answer = known(BODY, needle, MemoryReader(segment))
        assert answer is not None
        assert not answer.unsure
        assert members(answer.found) == found | {one + len(texts) for one in found}


@pytest.mark.parametrize("needle", ["", " ", "other", "an other", "e\nother ", "of "])
def test_of_others_nothing_is(needle: str) -> None:
    segment = built([b"\r\nthe other one"])
    assert known(BODY, needle, MemoryReader(segment)) is None
    assert known(HEADER, "other ", MemoryReader(segment)) is None
