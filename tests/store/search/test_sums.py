"""Answers made before are those that would be found."""

import random

import pytest

from pabal.store.predicate import Contains, TextField
from pabal.store.search import sums
from pabal.store.search.merging import merge
from pabal.store.search.segment import BODY, Kind
from pabal.store.search.shortcuts import known
from tests.store.search.letters import MemoryReader, built, check, members, truth

WORDS = [
    "other",
    "of",
    "the",
    "bathe",
    "offer",
    "회의",
    "회의를",
    "会議",
    "。",
    "e",
    "ee",
]


def words_of(rng: random.Random) -> list[str]:
    # Each is rare: its list is no bits.
    return [f"{rng.choice(WORDS)}{rng.choice('abcdef')}{one}" for one in WORDS[:4]]


def octets_of(count: int) -> list[bytes]:
    rng = random.Random(1)
    return [
        b"A: b\r\n\r\n" + rng.choice(" \n").join(words_of(rng)).encode()
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [120, 300])
def test_answers_made_before(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    octets = octets_of(count)
    half = count // 2
    halves = [built(octets[:half]), built(octets[half:], half + 1)]
    every = range(1, count + 1)
    monkeypatch.setattr(sums, "FULL", count)
    monkeypatch.setattr(sums, "DEAR_PART", 0)
    monkeypatch.setattr(sums, "MADE_MAX", 1_000)
    merged = merge(halves, every, lambda: None)
    needles = sums.dear(merged.pages, count, lambda: None)
    assert {"e ", " o", "ee"} <= set(needles)
    made = 0
    for needle in needles:
        predicate = Contains(TextField.BODY, needle)
        expected = truth(octets, predicate)
        check(merged, octets, predicate)
        at_once = known(BODY, needle, MemoryReader(merged))
        if at_once is not None:
            found, unsure = members(at_once.found), members(at_once.unsure)
            assert found <= expected <= found | unsure
        made += at_once is not None
    assert made > 20
    # They are made anew.
    again = merge([merged], every, lambda: None)
    assert again.pages[Kind.BODY_SUMS]
    for needle in needles:
        check(again, octets, Contains(TextField.BODY, needle))
