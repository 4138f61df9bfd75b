"""A segment answers as reading every message would."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search.merging import merge
from pabal.store.search.question import answer, question_of
from tests.store.search.letters import (
    WORDS,
    MemoryReader,
    built,
    check,
    members,
    messages,
    needles,
    predicates,
    truth,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(messages(), min_size=1, max_size=4), st.lists(predicates, max_size=5))
def test_answers_are_right(
    octets: list[bytes], asked: list[Contains | HeaderContains]
) -> None:
    segment = built(octets)
    for predicate in asked:
        check(segment, octets, predicate)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 32), st.lists(needles, min_size=1, max_size=6))
def test_among_many_messages_too(seed: int, asked: list[str]) -> None:
    """Where there are so many that joints of rare words are cut."""
    rng = random.Random(seed)
    words = ["a", "of", "the", "other", "회의", "회의를", "東京", "会議", *WORDS]
    octets = [
        f"Subject: {word}\r\n\r\n{' '.join(rng.choices(words, k=8))}".encode()
        for word in rng.choices(words, k=50)
    ]
    whole = built(octets)
    half = len(octets) // 2
    first, second = built(octets[:half]), built(octets[half:], half + 1)
    merged = merge([first, second], range(1, len(octets) + 1), lambda: None)
    phrases = [
        " ".join(rng.choices(words, k=2 + number % 2))[rng.randrange(4) :]
        for number, _ in enumerate(asked)
    ]
    signs = ["".join(rng.choices("東京都会議室かがすず第3", k=3)) for _ in asked]
    cut = [text[: rng.randrange(len(text)) + 1] for text in phrases if text]
    for text in [*asked, *phrases, *cut, *signs, "cafe", "CAFÉ", "か", "e"]:
        for where in (TextField.BODY, TextField.TEXT):
            check(whole, octets, Contains(where, text))
            check(merged, octets, Contains(where, text))


def test_most_questions_are_decided() -> None:
    octets = [
        b"Subject: report %d\r\nX-Loop: yes\r\n\r\n%b" % (number, text.encode())
        for number, text in enumerate(
            ["내일 회의를", "明日の会議室", "the meeting"] * 30
        )
    ]
    segment = built(octets)
    for text in ("회의", "회", "会議", "室", "meeting", "the", "ㅎㅇ", "없다", "zzz"):
        for where in (TextField.BODY, TextField.TEXT):
            question = question_of(Contains(where, text))
            assert question is not None
            assert question.is_decided
            known = answer(question, MemoryReader(segment))
            assert not known.unsure
            assert members(known.found) == truth(octets, Contains(where, text))
    for text in ("the meet", "e m", "일 회", "내일 "):
        for where in (TextField.BODY, TextField.TEXT):
            question = question_of(Contains(where, text))
            assert question is not None
            known = answer(question, MemoryReader(segment))
            assert not known.unsure
            assert members(known.found) == truth(octets, Contains(where, text))
    for text in ("会議室", "明日の会議"):
        question = question_of(Contains(TextField.BODY, text))
        assert question is not None
        known = answer(question, MemoryReader(segment))
        assert members(known.unsure) == truth(octets, Contains(TextField.BODY, text))


def test_the_last_few_are_read() -> None:
    octets = [b"\r\nword" if number else b"\r\nother" for number in range(1_000)]
    question = question_of(Contains(TextField.BODY, "word"))
    assert question is not None
    known = answer(question, MemoryReader(built(octets)))
    assert len(members(known.found)) == 999
    assert members(known.unsure) == {0}


def test_fields_people_look_into_need_no_reading() -> None:
    octets = [
        b"Subject: my weekly report %d\r\nX-Note: my weekly rest\r\n\r\nx" % number
        for number in range(100)
    ]
    for text, read in (("my weekly rep", False), ("my weekly rest", True)):
        question = question_of(Contains(TextField.TEXT, text))
        assert question is not None
        known = answer(question, MemoryReader(built(octets)))
        found = members(known.unsure if read else known.found)
        assert found == truth(octets, Contains(TextField.TEXT, text))
        assert not (known.found if read else known.unsure)
