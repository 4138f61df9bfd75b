"""Folding finds all that i;unicode-casemap finds, and little besides."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message import folding
from pabal.message.folding import MARKS, casemapped, fold, unvoiced, voiced
from pabal.message.needle import Needle

LETTERS = (
    "aAeEßẞﬁſıİΣςᾳ\u0345\u0301\u0323éÉǆǅぽほか゛ｶﾞ\u3099\u309aヿヴ㌐㈎각ㄱㅏ ８Ａ\u0131"
)


UNASSIGNED = ("Cn", "Co", "Cs")


def titled(character: str) -> str:
    """Return what RFC 5051 §2 makes of a character, by the letter.

    Steps (a) and (b): its titlecase property, then its decomposition property, of any
    kind, until nothing has one.
    """
    title = character.title()
    return listed(title if len(title) == 1 else character)


def listed(character: str) -> str:
    codes = unicodedata.decomposition(character).split()
    parts = [chr(int(code, 16)) for code in codes if code[0] != "<"]
    return "".join(map(listed, parts)) or character


def assembled(text: str) -> str:
    """Return what the comparator makes of a text, syllables of Hangul put together."""
    mapped = "".join(map(titled, text))
    return folding._SYLLABLES.sub(folding._composed, mapped)


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
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in UNASSIGNED:
            continue
        expected = titled(character)
        assert casemapped(character) == expected, hex(code)
        folded = fold(character)
        if folded != character or expected != character:
            assert unvoiced(folded) == unvoiced(fold(expected)), hex(code)
            assert fold(folded) == folded, hex(code)


@given(st.text())
def test_the_comparator_goes_character_by_character(text: str) -> None:
    assert casemapped(text) == "".join(map(titled, text))


def test_syllables_of_hangul_have_no_decomposition() -> None:
    assert casemapped("한글 か") == "한글 か"
    assert casemapped("㈎") == "(\u1100\u1161)" != casemapped("(가)")


@given(st.text(LETTERS, max_size=9), st.integers(0, 8), st.integers(1, 9))
def test_what_the_comparator_finds_is_found(text: str, start: int, size: int) -> None:
    needle = text[start : start + size]
    assert casemapped(needle) in casemapped(text)
    assert Needle(needle).is_in(fold(text))


@given(st.text(LETTERS, max_size=3), st.text(LETTERS, max_size=9))
def test_so_are_parts_of_letters(needle: str, text: str) -> None:
    if assembled(needle) in assembled(text):
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
