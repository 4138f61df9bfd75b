"""i;unicode-casemap, against its definition."""

import pytest

from pabal.imap.collation import collated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello [x]", "HELLO [X]"),
        ("\u01c4", "Dz\u030c"),  # the example of RFC 5051 §2
        ("caf\u00e9", "CAFE\u0301"),
        ("Stra\u00dfe", "STRA\u00dfE"),
        ("\ufb01n", "fiN"),
        ("\u1fb3", "\u0391\u0345"),
        ("\u10d0", "\u10d0"),
        ("\uff21\u2460\u00bd", "A11\u20442"),
        ("회의 Café", "회의 CAFE\u0301"),
        ("a\u0301\u0323", "A\u0301\u0323"),  # marks stay in their order
        ("", ""),
    ],
)
def test_what_is_compared(text: str, expected: str) -> None:
    assert collated(text) == expected


def test_order() -> None:
    """Letters with accents stand with those without; Hangul in its order."""
    words = ["zebra", "\u00c9tude", "etude", "Fall", "[list]", "_x", "가나", "각", "간"]
    by_key = sorted(words, key=collated)
    assert by_key == [
        *("etude", "\u00c9tude", "Fall", "zebra", "[list]", "_x"),
        *("가나", "각", "간"),
    ]
    assert sorted(["b\ufffd", "한글", "a\ufffd", "漢字"], key=collated) == [
        *("漢字", "한글", "a\ufffd", "b\ufffd")
    ], "what could not be decoded stands behind the rest"
