"""Folding finds all that i;unicode-casemap finds, and little besides."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message import folding
from pabal.message.folding import MARKS, fold, unvoiced, voiced
from pabal.message.needle import Needle

LETTERS = (
    "aAeEßẞﬁſıİΣςᾳ\u0345\u0301\u0323éÉǆǅぽほか゛ｶﾞ\u3099\u309aヿヴ㌐㈎각ㄱㅏ ８Ａ\u0131"
)


def titled(character: str) -> str:
    """Return what RFC 5051 §2 makes of a character."""
    title = character.title()
    title = title if len(title) == 1 else character
    if 0xAC00 <= ord(title) <= 0xD7A3:  # no decomposition in UnicodeData.txt
        return title
    return unicodedata.normalize("NFKD", title)


def casemapped(text: str) -> str:
    return "".join(map(titled, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ Straße", "abc strasse"),
        ("ABC", "abc"),
        ("caf\u00e9", "cafe\u0301"),
        ("\u01c4 \u01c6", "dz\u030c dz\u030c"),
        ("ﬁn", "fin"),
        ("\u1112\u1169\u11bc \u1112\u1169 호\u11bc", "홍 호 홍"),
        ("ㅎㅏ ㈎ ㉮", "\u1112\u1161 (가) 가"),
        ("か\u3099 ｶﾞ ㌐ ゛", "が ガ ギガ  \u3099"),
        ("ΌΣΟΣ", "ο\u0301σοσ"),
        ("I\u0130\u0131", "ii\u0307i"),
        ("\ud800é", "\ud800e\u0301"),
    ],
)
def test_what_is_compared(text: str, expected: str) -> None:
    assert fold(text) == expected


def test_every_character_as_it_is_defined() -> None:
    """What is the same to the comparator is the same folded (RFC 5051 §2)."""
    for start in range(0x80, 0x30000):
        character = chr(start)
        if 0xD800 <= start < 0xE000:
            continue
        folded = fold(character)
        assert unvoiced(folded) == unvoiced(fold(titled(character))), hex(start)
        assert fold(folded) == folded, hex(start)


@given(st.text(LETTERS, max_size=9), st.integers(0, 8), st.integers(1, 9))
def test_what_the_comparator_finds_is_found(text: str, start: int, size: int) -> None:
    needle = text[start : start + size]
    assert casemapped(needle) in casemapped(text)
    assert Needle(needle).is_in(fold(text))


@given(st.text(LETTERS, max_size=3), st.text(LETTERS, max_size=9))
def test_so_are_parts_of_letters(needle: str, text: str) -> None:
    if casemapped(needle) in casemapped(text):
        assert Needle(needle).is_in(fold(text))


@given(st.text())
def test_many_characters_are_replaced_as_few_are(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "ONE_BY_ONE", 0)
        many = fold(text)
    assert many == fold(text)


def test_kana() -> None:
    assert voiced("は") == ["ば", "ぱ"]
    assert voiced("カ") == ["ガ"]
    assert voiced("ば") == voiced("あ") == voiced("a") == voiced("") == []
    assert unvoiced("がハﾟé".replace("ﾟ", MARKS[1])) == "か\u3099ハ\u309aé"
