"""A segment answers as reading every message would."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search.question import answer, question_of
from tests.store.search.letters import (
    MemoryReader,
    built,
    check,
    members,
    messages,
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
