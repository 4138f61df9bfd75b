import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.conversations import ALGORITHMS, Letter, rendered


def threads(algorithm: str, *letters: Letter) -> str:
    return rendered(ALGORITHMS[algorithm.encode()](letters)).decode()


def letter(number: int, *references: str, subject: str = "", sent: int = 0) -> Letter:
    is_reply = subject.startswith("re:")
    base = subject.removeprefix("re:")
    return Letter(number, sent or number, base, is_reply, f"<{number}>", references)


def test_ordered_subject_has_no_grandchildren() -> None:
    letters = [letter(n, subject=s) for n, s in enumerate("abacab", 1)]
    assert threads("ORDEREDSUBJECT", *letters) == "(1 (3)(5))(2 6)(4)"


def test_references_make_a_tree() -> None:
    letters = [
        letter(2),
        letter(3),
        letter(4, "<6>"),
        letter(6, "<3>"),
        letter(7, "<44>"),
        letter(23, "<3>", "<6>", "<4>"),
        letter(44, "<6>", sent=5),
        letter(96, "<7>"),
    ]
    assert threads("REFERENCES", *letters) == "(2)(3 6 (4 23)(44 7 96))"


def test_siblings_of_a_message_that_is_missing() -> None:
    letters = [letter(3, "<gone>"), letter(5, "<gone>")]
    assert threads("REFERENCES", *letters) == "((3)(5))"
    assert threads("REFERENCES", letter(3, "<gone>")) == "(3)"
    deep = [letter(1), letter(3, "<1>", "<gone>"), letter(5, "<1>", "<gone>")]
    assert threads("REFERENCES", *deep) == "(1 (3)(5))"


def test_the_newest_reference_wins() -> None:
    letters = [letter(1), letter(2), letter(3, "<1>", "<4>"), letter(4, "<2>")]
    assert threads("REFERENCES", *letters) == "(1)(2 4 3)"


def test_loops_are_not_made() -> None:
    letters = [letter(1, "<2>"), letter(2, "<1>"), letter(3, "<3>")]
    assert threads("REFERENCES", *letters) == "(2 1)(3)"


def test_one_message_id_twice() -> None:
    twin = Letter(2, 2, message_id="<1>")
    assert threads("REFERENCES", letter(1), twin, letter(3, "<1>")) == "(1 3)(2)"


@pytest.mark.parametrize(
    ("subjects", "told"),
    [
        (["a", "re:a", "re:a"], "(1 (2)(3))"),
        (["re:a", "a"], "(2 1)"),
        (["a", "a"], "((1)(2))"),
        (["re:a", "re:a", "b"], "((1)(2))(3)"),
        (["", ""], "(1)(2)"),
    ],
)
def test_one_subject_is_one_thread(subjects: list[str], told: str) -> None:
    letters = [letter(n, subject=s) for n, s in enumerate(subjects, 1)]
    assert threads("REFERENCES", *letters) == told
    apart = "".join(f"({n})" for n in range(1, len(subjects) + 1))
    assert threads("REFS", *letters) == apart


def test_threads_without_roots_of_one_subject_are_joined() -> None:
    letters = [
        letter(1, "<x>", subject="re:a"),
        letter(2, "<x>", subject="re:a"),
        letter(3, "<y>", subject="re:a"),
        letter(4, "<y>", subject="re:a"),
        letter(5, subject="a"),
    ]
    assert threads("REFERENCES", *letters) == "((1)(2)(3)(4)(5))"


def test_refs_shows_the_newest_thread_last() -> None:
    letters = [letter(1), letter(2), letter(3, "<1>")]
    assert threads("REFS", *letters) == "(2)(1 3)"


def test_depth_is_no_trouble() -> None:
    letters = [letter(1)] + [letter(n, f"<{n - 1}>") for n in range(2, 5000)]
    told = threads("REFERENCES", *letters)
    assert told.startswith("(1 2 3 4 ")
    assert told.endswith(" 4999)")


LETTERS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 9), max_size=4),
        st.sampled_from(["", "a", "re:a", "b"]),
        st.integers(1, 5),
    ),
    max_size=12,
)


@given(LETTERS, st.sampled_from(["ORDEREDSUBJECT", "REFERENCES", "REFS"]))
def test_every_message_is_told_once(
    drawn: list[tuple[list[int], str, int]], algorithm: str
) -> None:
    letters = [
        letter(n, *(f"<{r}>" for r in refs), subject=subject, sent=sent)
        for n, (refs, subject, sent) in enumerate(drawn, 1)
    ]
    told = threads(algorithm, *letters)
    assert sorted(map(int, re.findall(r"\d+", told))) == list(
        range(1, len(letters) + 1)
    )
    assert told.count("(") == told.count(")")
    assert "()" not in told


def test_a_link_that_would_make_a_loop_breaks_the_one_before() -> None:
    letters = [
        letter(1, sent=3),
        letter(2, "<1>", "<3>", sent=1),
        letter(3, "<2>", sent=2),
    ]
    assert threads("REFERENCES", *letters) == "(3 2)(1)"
