"""User names and passwords in the one form they are compared in.

Sans-IO.
Source: RFC 4013 (SASLprep), a profile of RFC 3454 (stringprep).

Deviates from RFC 4013 §2.5 (stored strings have no unassigned code points): letters
and signs newer than Unicode 3.2 are let through, as every client does that sends one
in a query string; an emoji in a password would be impossible otherwise.
"""

import re
import stringprep
import unicodedata
from collections.abc import Callable
from typing import Final

from pabal.base.errors import PabalError

_PLAIN: Final = re.compile(r"[\x20-\x7e]*")

_PROHIBITED: Final[tuple[Callable[[str], bool], ...]] = (
    # RFC 4013 §2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class SaslPrepError(PabalError):
    """The text has a character no user name or password may have."""


def prepare(text: str) -> str:
    """Return ``text`` prepared: widths, compositions and ligatures made equal.

    Raises:
        SaslPrepError: A control, private or otherwise prohibited character, or text of
            both directions (RFC 4013 §2.3, §2.4).
    """
    if _PLAIN.fullmatch(text):
        return text
    # RFC 4013 §2.1: other spaces become a space, what is nothing goes away.
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c
        for c in text
        if not stringprep.in_table_b1(c)
    )
    # RFC 4013 §2.2: today's tables; they agree with 3.2's on what 3.2 had assigned.
    prepared = unicodedata.normalize("NFKC", mapped)
    if any(test(c) for c in prepared for test in _PROHIBITED):
        raise SaslPrepError("a control or otherwise prohibited character")
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """Check RFC 3454 §6: text that runs right to left does so from end to end."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    ends_right = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if not ends_right or any(map(stringprep.in_table_d2, text)):
        raise SaslPrepError("text of both directions")
