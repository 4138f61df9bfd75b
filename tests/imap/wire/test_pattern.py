import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.wire.pattern import PATTERN_MAX, Pattern


@pytest.mark.parametrize(
    ("pattern", "name", "result"),
    [
        ("*", "a/b", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("a/*", "a/b/c", True),
        ("inbox", "INBOX", True),
        ("InBoX/%", "INBOX/a", True),
        ("a", "A", False),
        ("%/b", "a/b", True),
        ("*b", "a/b", True),
        ("a%c", "abc", True),
        ("", "a", False),
        ("회*", "회의/2026", True),
    ],
)
def test_matches(pattern: str, name: str, result: bool) -> None:
    assert Pattern(pattern).matches(name) is result


@given(st.text("ab/*%", max_size=10), st.text("ab/", max_size=10))
def test_as_a_regular_expression_would(pattern: str, name: str) -> None:
    parts = {"*": ".*", "%": "[^/]*"}
    oracle = "".join(parts.get(one, re.escape(one)) for one in pattern)
    expected = re.fullmatch(oracle, name, re.DOTALL) is not None
    assert Pattern(pattern).matches(name) is expected


def test_no_pattern_takes_long() -> None:
    # As a regular expression this would not end today.
    assert not Pattern("*a" * 400 + "b").matches("a" * 200)
    assert not Pattern("%a*" * 100 + "b").matches("a" * 200)
    assert not Pattern("*" + "a" * PATTERN_MAX).matches("a" * PATTERN_MAX)
