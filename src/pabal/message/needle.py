"""What is looked for in a text: a substring, or Korean by its first consonants.

Sans-IO.
Source: RFC 9051 §6.4.4 (a substring), RFC 5051 §2 (of what texts are decomposed to: so
``か`` is in ``が``). Beyond them: a needle that is consonants only also finds the
syllables that begin with them, as Korean address books do: ``ㅎㅇ`` finds 회의. The
text ``ㅎㅇ`` itself is found too, so nothing that the RFCs find is missed.
"""

import re
from typing import Final

from pabal.message.folding import MARKS, fold, unvoiced, voiced

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
        variants: A folded text that holds any of these holds the needle: more than
            ``text`` when that ends with Kana which may be voiced.
        begins_inside: It begins with the mark of Kana, which may be part of a character
            of a folded text: ``variants`` are not all there is.
    """

    __slots__ = ("begins_inside", "initials", "text", "variants")

    def __init__(self, text: str) -> None:
        self.text = fold(text)
        self.initials = _initials(self.text)
        last = [self.text[-1:], *voiced(self.text[-1:])]
        self.variants = [self.text[:-1] + one for one in last]
        self.begins_inside = self.text[:1] in MARKS and bool(self.text)

    def is_in(self, folded: str) -> bool:
        """Return whether a folded text holds it."""
        if self.initials is not None:
            return self.initials.search(folded) is not None
        if self.begins_inside:
            return unvoiced(self.text) in unvoiced(folded)
        return self.text in folded or (
            len(self.variants) > 1 and any(one in folded for one in self.variants)
        )


def _initials(text: str) -> re.Pattern[str] | None:
    numbers = [ord(character) - _CONSONANT_FIRST for character in text]
    if not numbers or not all(0 <= number < _CONSONANTS for number in numbers):
        return None
    return re.compile("".join(map(_class_of, numbers)))


def _class_of(number: int) -> str:
    first = _SYLLABLE_FIRST + number * _SYLLABLES_EACH
    last = first + _SYLLABLES_EACH - 1
    return f"[{chr(_CONSONANT_FIRST + number)}{chr(first)}-{chr(last)}]"
