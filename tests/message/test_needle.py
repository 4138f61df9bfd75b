"""What is looked for: substrings, and Korean by its first consonants."""

import pytest

from pabal.message.folding import fold
from pabal.message.needle import Needle


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        ("회의", "내일 회의를 합니다"),
        ("STRASSE", "Hauptstraße 5"),
        ("ｃａｆé", "Cafe\u0301"),
        ("", "anything"),
        ("ㅎㅇ", "내일 회의를 합니다"),
        ("ㅎㅇ", "ㅎㅇ 반가워"),
        ("ㄲ", "꿈"),
        ("ㅇㅎㅇㄹ", "이회의록"),
        ("ㅋㅋ", "그래ㅋㅋㅋ"),
        ("ㅎ", "힣"),
        ("cafe", "ein Caf\u00e9"),
        ("caf\u00e9", "cafe\u0301s"),
        ("か", "がく"),
        ("です", "でず"),
        ("は", "ぱ"),
        ("ば", "は\u3099"),
        ("\u3099く", "がく"),
        ("\u3099", "が"),
    ],
)
def test_it_is_in(needle: str, text: str) -> None:
    assert Needle(needle).is_in(fold(text))


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        ("회의", "회 의"),
        ("ㅎㅇ", "회 의"),
        ("ㅎㅇ", "호흡"),
        ("ㄱ", "까"),
        ("ㅏ", "가"),
        ("ㅎ의", "회의"),
        ("회ㅇ", "회의"),
        ("하", "한"),
        ("cafe s", "caf\u00e9 s"),
        ("が", "か"),
        ("かく", "がく"),
        ("\u309aく", "がく"),
    ],
)
def test_it_is_not_in(needle: str, text: str) -> None:
    assert not Needle(needle).is_in(fold(text))


def test_only_consonants_are_initials() -> None:
    assert Needle("ㅎㅇ").initials is not None
    assert Needle("회의").initials is None
    assert Needle("").initials is None
    assert Needle("ㅎ ㅇ").initials is None
