"""Patterns of LIST: names with ``*`` and ``%``, matched without ever backtracking.

Sans-IO.
Source: RFC 9051 §6.3.9.

Security: a regular expression of many wildcards takes exponential time; this takes one
step a character of the pattern, on a bit set of the positions reached in the name.
"""

import re
from typing import Final

from pabal.store.ports import INBOX, SEPARATOR

PATTERN_MAX: Final = 1_000
"""Longest pattern, characters; names are shorter."""

_ANY: Final = "*"
_LEVEL: Final = "%"
_RUNS: Final = re.compile(r"[*%]*\*[*%]*|%+")


class Pattern:
    """One pattern; a name in INBOX's place matches in any case."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        head, slash, rest = text.partition(SEPARATOR)
        if head.upper() == INBOX:
            text = INBOX + slash + rest
        if len(text) > PATTERN_MAX:
            text = ""
        # A run of wildcards is as good as the widest of them.
        self._text = _RUNS.sub(lambda run: _ANY if _ANY in run[0] else _LEVEL, text)

    def matches(self, name: str) -> bool:
        """Return whether ``name`` as a whole is what the pattern says."""
        text = self._text
        if text == _ANY:
            return True
        if text == _LEVEL:
            return SEPARATOR not in name
        if _ANY not in text and _LEVEL not in text:
            return text == name
        return self._walk(name)

    def _walk(self, name: str) -> bool:
        """Follow the pattern through every position of ``name`` at once.

        Bit n of ``reached`` says that n characters can be matched so far.
        """
        length = len(name)
        everything = (1 << (length + 1)) - 1
        places: dict[str, int] = {}
        for index, character in enumerate(name):
            places[character] = places.get(character, 0) | 1 << (index + 1)
        steps = everything & ~1 & ~places.get(SEPARATOR, 0)
        reached = 1
        for character in self._text:
            if character == _ANY:
                reached = everything & -(reached & -reached)
            elif character == _LEVEL:
                reached = _fill(reached, steps, length)
            else:
                reached = (reached << 1) & places.get(character, 0)
            if not reached:
                return False
        return bool(reached >> length & 1)


def _fill(reached: int, steps: int, length: int) -> int:
    """Return ``reached`` and all that follows it by one or more of ``steps``."""
    shift = 1
    while shift <= length:
        reached |= steps & (reached << shift)
        steps &= steps << shift
        shift *= 2
    return reached
