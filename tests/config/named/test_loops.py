"""Lists of addresses that hold themselves."""

import pytest

from tests.support.configuration import said

USED = "options { allow-query { a; }; };\n"


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ("acl a { 10/8; a; };", ["2:15: the acl `a` holds itself; remove `a` here"]),
        (
            "acl a { b; };\nacl b { !{ c; }; };\nacl c { 10/8; A; };",
            ["4:15: the acl `A` holds itself, by way of `b` and `c`; remove `A` here"],
        ),
        ("acl a { b; c; };\nacl b { c; };\nacl c { 10/8; };", []),
        ("acl a { any; };", []),
    ],
)
def test_lists_that_are_used(lists: str, expected: list[str]) -> None:
    assert said(USED + lists) == expected


def test_what_nothing_uses_does_no_harm() -> None:
    (found,) = said("acl b { b; };")
    assert found.startswith("1:9: warning: the acl `b` holds itself")


def test_a_long_way_is_no_trap() -> None:
    chain = "".join(f"acl a{n} {{ a{n + 1}; a{n + 1}; }};\n" for n in range(5000))
    text = f"{chain}acl a5000 {{ a0; }};\noptions {{ allow-query {{ a7; }}; }};\n"
    first, second = said(text)
    assert first.startswith("7:10: the acl `a7` holds itself, by way of `a8` and `a9`")
    assert first.endswith(" and `a10` and 4997 more; remove `a7` here")
    assert second.startswith("7:14: ")
