import pytest

from pabal.dns.zone.entry import Entries, column_of
from pabal.dns.zone.problem import Problem


def cut(text: str) -> tuple[list[tuple[bool, list[str]]], list[Problem]]:
    problems: list[Problem] = []
    entries = Entries("f", problems)
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        entry = entries.feed(number, line)
        if entry is not None:
            found.append((entry.indented, [token.text for token in entry.tokens]))
    entries.end()
    return found, problems


def test_words_comments_and_blank_lines() -> None:
    entries, problems = cut("a  A 192.0.2.1 ; home\n\n; nothing\n\tMX 10 m\r\n")
    assert entries == [(False, ["a", "A", "192.0.2.1"]), (True, ["MX", "10", "m"])]
    assert not problems


def test_parentheses_join_lines() -> None:
    entries, _ = cut("@ SOA a b ( 1 ; serial\n  2\n3 ) 4\n  NS x\n")
    assert entries == [
        (False, ["@", "SOA", "a", "b", "1", "2", "3", "4"]),
        (True, ["NS", "x"]),
    ]


def test_quotes_and_escapes() -> None:
    entries, problems = cut('a TXT "one; (two)" \\; "a\\"b"\n')
    assert entries == [(False, ["a", "TXT", '"one; (two)"', "\\;", '"a\\"b"'])]
    assert not problems


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a A 1\n@ SOA (\n 1\n 2\n", 2, 7, "never closed"),
        ("a A 1 )\nb A 2\n", 1, 7, "no parenthesis"),
        ('a TXT "open\nb A 2\n', 1, 7, "never closed"),
    ],
)
def test_form_errors_have_their_place(
    text: str, line: int, column: int, word: str
) -> None:
    _, problems = cut(text)
    assert len(problems) == 1
    place = problems[0].place
    assert (place.file, place.line, place.column) == ("f", line, column)
    assert word in problems[0].reason


def test_an_entry_with_a_mistake_does_not_hide_the_next() -> None:
    entries, _ = cut("a A 1 )\nb A 2\n")
    assert entries == [(False, ["b", "A", "2"])]


def test_a_word_has_its_column() -> None:
    assert column_of("a\t60 mx 10 b", "MX") == 6
    assert column_of('a TXT "mx" ; MX', "MX") == 0
