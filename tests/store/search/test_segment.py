"""A segment answers as reading every message would."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.matching import TextPart, text_test
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search.merging import merge
from pabal.store.search.question import answer, question_of
from pabal.store.search.segment import Builder, Segment
from tests.store.search.letters import MemoryReader, members, messages, predicates


def built(octets: list[bytes], first: int = 1) -> Segment:
    builder = Builder()
    for email, one in enumerate(octets, first):
        builder.add(email, one)
    assert len(builder) == len(octets)
    return builder.finish(lambda: None)


def truth(octets: list[bytes], predicate: Contains | HeaderContains) -> set[int]:
    part, test = text_test(predicate)
    found = set()
    for number, one in enumerate(octets):
        header = one.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        if test(header if part is TextPart.HEADER else one):
            found.add(number)
    return found


def check(
    segment: Segment, octets: list[bytes], predicate: Contains | HeaderContains
) -> None:
    question = question_of(predicate)
    if question is None:
        return
    known = answer(question, MemoryReader(segment))
    found, unsure = members(known.found), members(known.unsure)
    expected = truth(octets, predicate)
    assert not found & unsure
    assert found <= expected <= found | unsure


@settings(max_examples=80, deadline=None)
@given(st.lists(messages(), min_size=1, max_size=4), st.lists(predicates, max_size=5))
def test_answers_are_right(
    octets: list[bytes], asked: list[Contains | HeaderContains]
) -> None:
    segment = built(octets)
    for predicate in asked:
        check(segment, octets, predicate)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(messages(), min_size=1, max_size=4), min_size=1, max_size=3),
    st.sets(st.integers(1, 12)),
    st.lists(predicates, max_size=5),
)
def test_merged_ones_too(
    groups: list[list[bytes]],
    gone: set[int],
    asked: list[Contains | HeaderContains],
) -> None:
    segments, everything = [], []
    for group in groups:
        segments.append(built(group, len(everything) + 1))
        everything += group
    there = {one for one in range(1, len(everything) + 1) if one not in gone}
    merged = merge(segments, there, lambda: None)
    assert list(merged.emails) == sorted(there)
    left = [everything[email - 1] for email in sorted(there)]
    if left:
        # Made at once it would be the very same.
        again = built(left)
        assert merged.pages == again.pages
        assert merged.columns == again.columns
    for predicate in asked:
        check(merged, left, predicate)


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
    for text in ("会議室", "the meet", "明日の会議"):
        known = answer(
            question_of(Contains(TextField.BODY, text)) or 1 / 0, MemoryReader(segment)
        )
        assert members(known.unsure) == truth(octets, Contains(TextField.BODY, text))


def test_the_last_few_are_read() -> None:
    octets = [b"\r\nword" if number else b"\r\nother" for number in range(1_000)]
    question = question_of(Contains(TextField.BODY, "word"))
    assert question is not None
    known = answer(question, MemoryReader(built(octets)))
    assert len(members(known.found)) == 999
    assert members(known.unsure) == {0}
