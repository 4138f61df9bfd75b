"""How SORT and THREAD compare texts: by the comparator that SEARCH goes by, too.

Sans-IO.
Source: RFC 5051 §2; RFC 5255 §4.2, §4.6.
"""

from typing import Final

from pabal.message.folding import casemapped

_UNREADABLE: Final = "\ufffd"

_LAST: Final = "\U0010ffff"
"""In front of what could not be decoded: it goes behind the rest (RFC 5255 §4.6)."""


def collated(text: str) -> str:
    """Return ``text`` so that code points compare as i;unicode-casemap does."""
    found = casemapped(text)
    return _LAST + found if _UNREADABLE in text else found
