"""How texts are compared: the comparator i;unicode-casemap, and what SEARCH adds to it.

Sans-IO. ``casemapped`` is the comparator: SORT and THREAD go by it. SEARCH goes by
``fold``, which is made of it: texts are folded, then one is a substring of the other.
Whatever the comparator finds is found: letters are the same in every case and form, and
one with an accent is the letter and the accent behind it, so ``cafe`` is in ``café``.
Beyond it ``ß`` is ``ss`` and the ligature ``ﬁ`` is ``fi``. Syllables of Hangul stay
whole: UnicodeData.txt lists no decomposition of them, and nobody who looks for 하 wants
한. Written by conjoining letters they are the same, which they are not to the
comparator; so a vowel alone is not found inside them.

Source: RFC 5051 §2 (each character for itself: its titlecase, then decompositions until
there is none; then octets are compared); RFC 5255 §4.2.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_SETTLED: Final = (
    "\x00-\x7f"
    "\u0300-\u033f\u03b1-\u03c9\u0430-\u0438\u043a-\u044f\u05d0-\u05ea"
    "\u0627-\u064a\u0e01-\u0e32\u2010\u2013-\u2016\u2018-\u201e"
    "\u3001-\u3003\u3008-\u3011\u3041-\u3096\u30a1-\u30fd"
    "\u4e00-\u9fff\uac00-\ud7a3"
)
"""What nothing becomes of any more once case is folded, in scripts often met."""

_UNSETTLED: Final = re.compile(f"[^{_SETTLED}\u1100-\u11ff]")
_UNUSUAL: Final = re.compile(f"[^{_SETTLED}]")

_CASELESS: Final = re.compile("[^\x00-\x7f\u3001-\u3003\u4e00-\u9fff\uac00-\ud7a3]")
"""Finds nothing where capitals of ASCII are all the comparator makes of a text."""

ONE_BY_ONE: Final = 48
"""Characters each replaced by a search through the whole text; then: in one go."""

KNOWN_MAX: Final = 8_192
"""Characters remembered: those of most scripts, 1 MB at most."""

_HANGUL: Final = re.compile("[\uac00-\ud7a3]")
_JAMO: Final = re.compile("[\u1100-\u11ff]")
_SYLLABLES: Final = re.compile("[\u1100-\u11ff][\u1100-\u11ff\uac00-\ud7a3]+")
_ENDING: Final = re.compile("[\uac00-\ud7a3][\u11a8-\u11c2]")

MARKS: Final = "\u3099\u309a"
"""What makes Kana voiced, or a P of an H: ``か`` and this are ``が``."""

_MARKS: Final = frozenset(MARKS)
_VOICED: Final = re.compile(f"[\u3041-\u30ff][{MARKS}]")
_KANA: Final = re.compile("[\u304b-\u30fe]")


def casemapped(text: str) -> str:
    """Return ``text`` so that code points compare as i;unicode-casemap does.

    What it holds is in the order in which it is written: marks are not put in order.
    """
    if text.isascii() or not _CASELESS.search(text):
        return text.upper()
    return "".join(map(_casemapped, text))


def fold(text: str) -> str:
    """Return ``text`` as SEARCH compares it; see ``pabal.message.needle``.

    But for Kana, which stays composed: it is short like that.
    """
    if text.isascii():
        return text.lower()
    text = text.casefold()
    unusual = _UNUSUAL.search(text)
    if unusual is None:
        return text
    if _JAMO.search(text, unusual.start()):
        text = _SYLLABLES.sub(_composed, _ENDING.sub(_composed, text))
    match = _UNSETTLED.search(text)
    # In bulk: what a text is written with are some dozen characters.
    for _ in range(ONE_BY_ONE):
        if match is None:
            break
        folded = _folded(match[0])
        if folded != match[0]:
            text = text.replace(match[0], folded)
        match = _UNSETTLED.search(text, match.start() + len(folded))
    else:
        text = _UNSETTLED.sub(_replaced, text)
    return _VOICED.sub(_composed, text) if _has_marks(text) else text


def voiced(character: str) -> list[str]:
    """Return the Kana that are this one and a mark: of ``は`` ``ば`` and ``ぱ``."""
    if not _KANA.match(character):
        return []
    some = [unicodedata.normalize("NFC", character + mark) for mark in MARKS]
    return [one for one in some if len(one) == 1]


def unvoiced(folded: str) -> str:
    """Return a folded text with Kana and their marks apart (RFC 5051 §2)."""
    return _KANA.sub(lambda match: unicodedata.normalize("NFD", match[0]), folded)


@lru_cache(maxsize=KNOWN_MAX)
def _casemapped(character: str) -> str:
    """Return what a character becomes.

    ``str.title`` knows capitals that are several letters; UnicodeData.txt does not.
    """
    title = character.title()
    return _apart(title if len(title) == 1 else character)


def _apart(text: str) -> str:
    """Return ``text`` taken apart as often as UnicodeData.txt lists how."""
    if _HANGUL.match(text):
        return text
    return unicodedata.normalize("NFKD", text)


@lru_cache(maxsize=KNOWN_MAX)
def _folded(character: str) -> str:
    """Return what a character becomes."""
    decomposed = unicodedata.normalize("NFKD", character)
    if (
        decomposed[1:] in _MARKS
        and unicodedata.normalize("NFC", decomposed) == character
    ):
        return character
    folded = "".join(map(_apart, _casemapped(character).casefold()))
    # The titlecase of a dotless i is I, though it is no i in any other way.
    folded = folded.replace("\u0131", "i")
    return _VOICED.sub(_composed, _SYLLABLES.sub(_composed, folded))


def _replaced(match: re.Match[str]) -> str:
    return _folded(match[0])


def _composed(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[0])


def _has_marks(text: str) -> bool:
    return any(mark in text for mark in MARKS)
