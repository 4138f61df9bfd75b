"""How SORT and THREAD compare texts: the comparator i;unicode-casemap.

Sans-IO.
Source: RFC 5051 §2; RFC 5255 §4.2, §4.6.
"""

import re
import unicodedata
from typing import Final

_OWN_TITLE: Final = re.compile(
    "[\u00df\u0149\u01c4-\u01cc\u01f0-\u01f3\u0390\u03b0\u0587\u10d0-\u10ff"
    "\u1e96-\u1e9a\u1f50-\u1fff\ufb00-\ufb17]"
)
"""Letters whose capital in titles is not what ``str.upper`` makes of them."""

_DECOMPOSED: Final = re.compile("[^\x00-\x7f\u1100-\u11ff\uac00-\ud7a3]+")
"""What is taken apart: not Hangul, whose syllables UnicodeData.txt does not list."""

_UNREADABLE: Final = "\ufffd"

_LAST: Final = "\U0010ffff"
"""In front of what could not be decoded: it goes behind the rest (RFC 5255 §4.6)."""


def collated(text: str) -> str:
    """Return ``text`` so that code points compare as i;unicode-casemap does."""
    if text.isascii():
        return text.upper()
    titled = "".join(map(_title, text)) if _OWN_TITLE.search(text) else text.upper()
    found = _DECOMPOSED.sub(_decomposed, titled)
    return _LAST + found if _UNREADABLE in text else found


def _title(letter: str) -> str:
    """Return a letter in titlecase; one that would be several stays (RFC 5051 §2)."""
    title = letter.title()
    return title if len(title) == 1 else letter


def _decomposed(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKD", match[0])
