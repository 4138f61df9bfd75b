r"""$GENERATE: one line of a master file that stands for many.

Sans-IO. Source: BIND 9 Administrator Reference Manual, "The $GENERATE Directive":
``$GENERATE start-stop[/step] owner [TTL] [class] type RDATA``, in which ``$`` is the
number, ``${offset,width,base}`` the number in another form and ``\$`` a dollar sign.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

LINES_MAX: Final = 1_000_000
"""Lines of one directive: more is a slip, and would fill the memory."""

NUMBER_MAX: Final = 0x7FFF_FFFF
"""As in BIND."""

WIDTH_MAX: Final = 255
"""A wider number fits no name."""

_RANGE: Final = re.compile(r"([0-9]{1,10})-([0-9]{1,10})(?:/([0-9]{1,10}))?")

_PLACE: Final = re.compile(
    r"\\\$|\$(?:\{(-?[0-9]{1,10})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?\})?"
)


class GenerateError(Exception):
    """The directive cannot be understood.

    Attributes:
        argument: Which word is wrong, from 0.
    """

    def __init__(self, argument: int, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.argument = argument
        self.reason = reason
        self.fix = fix


def generate(words: Sequence[str]) -> Iterator[str]:
    """Yield the lines that the words after $GENERATE stand for.

    Raises:
        GenerateError: They stand for none.
    """
    steps = _steps(words[0])
    if len(words) < 4:
        fix = "write `$GENERATE 1-9 host$ A 192.0.2.$`"
        raise GenerateError(
            0, "$GENERATE needs a range, an owner, a type and data", fix
        )
    template = " ".join(words[1:])
    for number in steps:
        yield _PLACE.sub(partial(_form, number), template)


def _steps(word: str) -> range:
    found = _RANGE.fullmatch(word)
    if found is None:
        raise GenerateError(0, f"`{word}` is not a range", "write `1-9` or `0-8/2`")
    start, stop, step = int(found[1]), int(found[2]), int(found[3] or 1)
    if start > stop or not step or max(stop, step) > NUMBER_MAX:
        raise GenerateError(0, f"`{word}` is an empty range")
    steps = range(start, stop + 1, step)
    if len(steps) > LINES_MAX:
        raise GenerateError(0, f"`{word}` stands for more than {LINES_MAX} lines")
    return steps


def _form(number: int, found: re.Match[str]) -> str:
    """Return ``number`` as the place in the template wants it."""
    if found[0].startswith("\\"):
        return "$"
    value = number + int(found[1] or 0)
    width, base = min(int(found[2] or 0), WIDTH_MAX), found[3] or "d"
    if value < 0:
        raise GenerateError(1, f"{found[0]} makes {number} negative")
    if base in "nN":
        return _nibbles(value, width, upper=base == "N")
    return f"{value:0{width}{base}}"


def _nibbles(value: int, width: int, *, upper: bool) -> str:
    """Return hexadecimal digits as labels, the lowest first; ``width`` counts dots."""
    digits = f"{value:x}"[::-1].ljust((width + 1) // 2, "0")
    return ".".join(digits.upper() if upper else digits)
