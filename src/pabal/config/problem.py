"""A mistake in a file, shown at its very place.

Sans-IO.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

TAB_WIDTH: Final = 1
"""A tab counts as one column, as editors that jump to file:line:column do."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A run of characters in one line.

    Attributes:
        line: From 1.
        column: From 1, in characters.
        length: At least 1.
    """

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        file: The file, as the user named it.
        span: Where; line 0: the file as a whole.
        reason: What is wrong, one sentence without a full stop.
        suggestion: What to write instead; may be empty.
        source: The text of the line.
        warning: Whether it works all the same.
    """

    file: str
    span: Span
    reason: str
    suggestion: str = ""
    source: str = ""
    warning: bool = False

    def render(self) -> str:
        """Return ``file:line:column: reason``, the line, a caret, the suggestion."""
        kind = "warning: " if self.warning else ""
        tail = f"; {self.suggestion}" if self.suggestion else ""
        if not self.span.line:
            return f"{self.file}: {kind}{self.reason}{tail}"
        place = f"{self.file}:{self.span.line}:{self.span.column}"
        gutter = f"{self.span.line:>5} | "
        blank = " " * (len(gutter) - 2) + "| "
        before = self.source[: self.span.column - 1]
        indent = "".join("\t" if c == "\t" else _blank_for(c) for c in before)
        return "\n".join(
            [
                f"{place}: {kind}{self.reason}{tail}",
                f"{gutter}{self.source}",
                f"{blank}{indent}{'^' * max(1, self.span.length)}",
            ]
        )

    def facts(self) -> dict[str, str | int | bool]:
        """Return the same for programs (``--json``)."""
        return {
            "file": self.file,
            "line": self.span.line,
            "column": self.span.column,
            "length": self.span.length,
            "reason": self.reason,
            "suggestion": self.suggestion,
            "warning": self.warning,
        }


def _blank_for(character: str) -> str:
    """Return blanks as wide as ``character`` on a terminal: Hangul takes two."""
    wide = "\u1100" <= character <= "\u115f" or "\u2e80" <= character <= "\uffdc"
    return "  " if wide else " "


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean `x`?`` for the nearest of ``known``, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
