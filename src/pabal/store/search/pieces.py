"""Texts cut into pieces, so that what somebody looks for is inside one of them.

Sans-IO. Texts are folded already. A *run* is what stands between white space. A run
becomes pieces such that

* a substring of two characters is inside a piece, whatever its script;
* one of up to ``WITHIN`` characters is, unless it has characters of a script written
  without spaces (Chinese, most of Japanese, Thai …): there every two neighbours are a
  piece, since a whole sentence is one run;
* every piece is a substring of the text.

So most of what people look for is decided by looking at pieces alone. The rest has
*atoms* that must all be there, and the few messages that have them are read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PIECE_MAX: Final = 48
"""Characters of a piece: words are shorter; addresses of web pages are cut."""

STEP: Final = 24
"""Characters between two cuts of what is longer; pieces overlap by as many."""

WITHIN: Final = PIECE_MAX - STEP + 1
"""Characters that are inside one piece wherever they stand."""

PAIR: Final = 2
"""Characters of a pair."""

BLANKS_MAX: Final = 8
"""Blanks in a row that are counted: of more, messages with so many are read."""

_BASIC: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u109f"  # Tibetan, Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007"  # signs that stand for ideographs
    "\u3041-\u309f"  # Hiragana; words of Katakana are words by themselves
    "\u3400-\u9fff\uf900-\ufaff"  # ideographs
)
_UNSPACED: Final = f"{_BASIC}\U00020000-\U0003ffff"  # and more ideographs
_PAIR: Final = re.compile(f"[{_BASIC}]{{2}}")
_HAS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
_STRETCH: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class Atom:
    """What a piece must hold.

    Attributes:
        text: One character, or more than one for pieces.
        begins: It is at the beginning of the piece.
        ends: It is at the end.
    """

    text: str
    begins: bool = False
    ends: bool = False


def pieces(text: str) -> set[str]:
    """Return the pieces of a folded text, each once."""
    runs = set(text.split())
    if _HAS_UNSPACED.search(text):
        mixed = [run for run in runs if _HAS_UNSPACED.search(run)]
        runs.difference_update(mixed)
        for run in mixed:
            runs.update(_mixed(run))
    if runs and len(max(runs, key=len)) > PIECE_MAX:
        long = [run for run in runs if len(run) > PIECE_MAX]
        runs.difference_update(long)
        for run in long:
            runs.update(_cut(run, PIECE_MAX))
    return runs


def has_unspaced(text: str) -> bool:
    """Return whether a text has characters of a script without spaces."""
    return _HAS_UNSPACED.search(text) is not None


def is_pair(piece: str) -> bool:
    """Return whether a piece is two characters of a script without spaces.

    Of the basic plane, where all but rare ones are.

    Two such characters that stand together are a piece, and in no other piece.
    """
    return len(piece) == PAIR and _PAIR.match(piece) is not None


def characters(pieces_of_text: set[str]) -> set[str]:
    """Return every character of a text but white space, from its pieces."""
    return set("".join(pieces_of_text))


def blanks(text: str) -> str:
    """Return the longest row of blanks in a text, cut to ``BLANKS_MAX`` of them."""
    found = " " * (" " in text)
    while found and len(found) < BLANKS_MAX and found + " " in text:
        found += " "
    return found


def is_row(needle: str) -> bool:
    """Return whether the longest row of blanks tells which texts hold ``needle``."""
    return needle == blanks(needle) != ""


def atoms(needle: str) -> list[Atom]:
    """Return what a text that holds ``needle`` (folded) has in its pieces.

    Nothing for white space alone: every text may hold it.
    """
    words = needle.split()
    found: list[Atom] = []
    for number, word in enumerate(words):
        begins = number > 0 or needle[0].isspace()
        ends = number < len(words) - 1 or needle[-1].isspace()
        if len(word) <= WITHIN and not _HAS_UNSPACED.search(word):
            found.append(Atom(word, begins, ends))
        elif len(word) == 1:
            # Alone it is a piece, beside others a part of some.
            alone = begins and ends
            found.append(Atom(word, alone, alone))
        else:
            found += map(Atom, _windows(word))
    return found


def is_decided(needle: str) -> bool:
    """Return whether pieces alone tell which texts hold ``needle`` (folded)."""
    if not needle or needle.split() != [needle]:
        return False
    return len(needle) <= 2 or (
        len(needle) <= WITHIN and not _HAS_UNSPACED.search(needle)
    )


def _mixed(run: str) -> Iterator[str]:
    """Yield the pieces of a run with characters of a script without spaces."""
    if len(run) == 1:
        yield run
    for match in _STRETCH.finditer(run):
        start, stretch = match.start(), match[0]
        if start:
            yield run[start - 1 : start + 1]
        if not _HAS_UNSPACED.match(stretch):
            yield stretch
            continue
        for at in range(len(stretch) - 1):
            yield stretch[at : at + 2]


def _windows(word: str) -> Iterator[str]:
    """Yield what pieces of a text must hold if a run of it holds ``word``."""
    if not _HAS_UNSPACED.search(word):
        yield from _cut(word, WITHIN)
        return
    for piece in _mixed(word):
        # A stretch at either end may go on in the text: what is cut there is inside.
        if len(piece) > WITHIN:
            yield from _cut(piece, WITHIN)
        elif len(piece) > 1:
            yield piece


def _cut(run: str, size: int) -> Iterator[str]:
    """Yield overlapping pieces of ``size`` characters that cover ``run``."""
    for start in range(0, len(run) - size + STEP, STEP):
        yield run[start : start + size]
