"""What is looked for in a text: a substring, or Korean by its first consonants.

Sans-IO.
Source: RFC 9051 §6.4.4 (a substring, case-insensitively). Beyond it: a needle that is
consonants only also finds the syllables that begin with them, as Korean address books
do: ``ㅎㅇ`` finds 회의. The text ``ㅎㅇ`` itself is found too, so nothing that the RFC
finds is missed.
"""

import re
from typing import Final

from pabal.message.charset import fold

_CONSONANT_FIRST: Final = 0x1100
_CONSONANTS: Final = 19
"""Leading consonants of Hangul, what ``fold`` makes of ``ㄱ`` to ``ㅎ``."""

_SYLLABLE_FIRST: Final = 0xAC00
_SYLLABLES_EACH: Final = 588
"""Syllables that begin with one consonant: 21 vowels × 28 ends."""


class Needle:
    """A string to look for, folded.

    Attributes:
        text: As ``fold`` leaves it; empty: it is in every text.
        initials: Matches the needle and syllables that begin with its consonants;
            ``None``: it is not made of leading consonants only.
    """

    __slots__ = ("initials", "text")

    def __init__(self, text: str) -> None:
        self.text = fold(text)
        self.initials = _initials(self.text)

    def is_in(self, folded: str) -> bool:
        """Return whether a folded text holds it."""
        if self.initials is not None:
            return self.initials.search(folded) is not None
        return self.text in folded


def _initials(text: str) -> re.Pattern[str] | None:
    numbers = [ord(character) - _CONSONANT_FIRST for character in text]
    if not numbers or not all(0 <= number < _CONSONANTS for number in numbers):
        return None
    return re.compile("".join(map(_class_of, numbers)))


def _class_of(number: int) -> str:
    first = _SYLLABLE_FIRST + number * _SYLLABLES_EACH
    last = first + _SYLLABLES_EACH - 1
    return f"[{chr(_CONSONANT_FIRST + number)}{chr(first)}-{chr(last)}]"
