"""The words of a named.conf and where each stands.

Sans-IO. Source: the configuration syntax of BIND 9.18: words, ``"quoted text"``,
``{ } ; ! =``, and comments ``//``, ``#`` to the line's end and ``/* */``.
"""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from pabal.config.problem import Problem, Span

TOKENS_MAX: Final = 5_000_000
"""Most words of one file: a server with 200,000 zones has three million."""

_SKIP: Final = re.compile(r"(?:[\s\0]+|//[^\n]*|#[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/)+")
_WORD: Final = re.compile(r'(?:[^\s\0{};"!=/#]|/(?![/*]))+')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_SECRET: Final = re.compile(r'(\bsecret\s+"?)([^\s";]+)')
_ESCAPED: Final = re.compile(r'\\(["\\])')


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    TEXT = "text"
    OPEN = "{"
    CLOSE = "}"
    END = ";"
    NOT = "!"
    EQUALS = "="
    EOF = "end of file"


_SIGNS: Final = {
    "{": Kind.OPEN,
    "}": Kind.CLOSE,
    ";": Kind.END,
    "!": Kind.NOT,
    "=": Kind.EQUALS,
}


_NEARLY_BRACES: Final = {
    "(": Kind.OPEN,
    "[": Kind.OPEN,
    ")": Kind.CLOSE,
    "]": Kind.CLOSE,
}


@dataclass(slots=True)
class Source:
    r"""The text of one file; finds lines and columns.

    Attributes:
        file: Its name, as problems show it.
        text: Line ends are ``\n``.
    """

    file: str
    text: str
    _starts: list[int] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        self.text = self.text.replace("\r\n", "\n").removeprefix("\ufeff")
        self._starts = [0, *(m.end() for m in re.finditer("\n", self.text))]

    def span(self, start: int, end: int) -> Span:
        """Return the place of a piece of text; a longer one ends with its line."""
        row = bisect.bisect_right(self._starts, start) - 1
        stop = self.text.find("\n", start)
        end = min(end, len(self.text) if stop < 0 else stop)
        return Span(row + 1, start - self._starts[row] + 1, max(1, end - start))

    def line_number(self, position: int) -> int:
        """Return the line, from 1, of a position."""
        return bisect.bisect_right(self._starts, position)

    def line(self, number: int) -> str:
        """Return the text of a line, from 1."""
        start = self._starts[number - 1]
        stop = self.text.find("\n", start)
        return self.text[start : len(self.text) if stop < 0 else stop]

    def problem(
        self,
        start: int,
        end: int,
        reason: str,
        suggestion: str = "",
        *,
        warning: bool = False,
    ) -> Problem:
        """Return a mistake with its line, the secret of a key made unreadable."""
        span = self.span(start, end)
        line = self.line(span.line)
        line = _SECRET.sub(lambda found: found[1] + "*" * len(found[2]), line)
        return Problem(self.file, span, reason, suggestion, line, warning)


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A word, text or sign.

    Attributes:
        text: Without quotes and escapes.
        start: Position of the first character in the source.
        end: Position behind the last one.
    """

    kind: Kind
    text: str
    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line it begins in."""
        return self.source.line_number(self.start)

    @property
    def last_line(self) -> int:
        """The line it ends in."""
        return self.source.line_number(max(self.start, self.end - 1))

    @property
    def is_word(self) -> bool:
        """Whether it can be a value: a word or a quoted text."""
        return self.kind in {Kind.WORD, Kind.TEXT}

    def problem(
        self, reason: str, suggestion: str = "", *, warning: bool = False
    ) -> Problem:
        """Return a mistake at this token."""
        return self.source.problem(
            self.start, self.end, reason, suggestion, warning=warning
        )

    def behind(self, reason: str, suggestion: str) -> Problem:
        """Return a mistake right behind this token."""
        return self.source.problem(self.end, self.end, reason, suggestion)


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens of a file, an EOF last, and what could not be read.

    Attributes:
        cut: Whether an unclosed comment or text swallowed the rest of the file.
    """

    tokens: list[Token]
    problems: list[Problem]
    cut: bool


def tokenize(source: Source) -> Tokens:
    """Return the tokens of ``source``; linear in its length."""
    found = Tokens([], [], cut=False)
    position, cut, text = 0, False, source.text
    while True:
        skipped = _SKIP.match(text, position)
        position = skipped.end() if skipped else position
        if position >= len(text):
            break
        if text.startswith("/*", position):
            reason, hint = "this comment is never closed", "insert `*/`"
            found.problems.append(source.problem(position, position + 2, reason, hint))
            cut = True
            break
        if text[position] == ";" and _is_comment(source, position, found.tokens):
            position = _commented(source, position, found.problems)
            continue
        if len(found.tokens) >= TOKENS_MAX:
            reason = f"more than {TOKENS_MAX} words: the rest is not read"
            found.problems.append(source.problem(position, position, reason))
            cut = True
            break
        token = _token(source, position, found.problems)
        found.tokens.append(token)
        position = token.end
    end = len(text.rstrip()) if not cut else position
    found.tokens.append(Token(Kind.EOF, "", source, end, end))
    return Tokens(found.tokens, found.problems, cut)


def _is_comment(source: Source, position: int, tokens: Sequence[Token]) -> bool:
    """Whether a ``;`` ends nothing but begins a comment, as in a zone file."""
    previous = tokens[-1] if tokens else None
    line = source.line_number(position)
    head, _, rest = source.line(line).partition(";")
    if not head.strip():
        # Behind `}` in the line above it may be the `;` of that, if it stands alone.
        closes = previous is not None and previous.kind is Kind.CLOSE and rest.strip()
        ends = previous is None or previous.kind in {Kind.END, Kind.OPEN}
        return bool(closes) or (
            ends and bool(rest.strip() or _FURTHER.match(source.text, position))
        )
    if previous is None or previous.kind not in {Kind.END, Kind.OPEN}:
        return False
    behind = source.text[position : position + len(rest) + 1].partition("\n")[0]
    is_apart = source.text[position - 1] in " \t" and behind[1:2] in {" ", "\t"}
    return is_apart and not behind.rstrip().endswith((";", "{", "}"))


_FURTHER: Final = re.compile(r";[^\n]*\n[ \t]*;")
_COMMENTS: Final = re.compile(r";[^\n]*(?:\n[ \t]*;[^\n]*)*")
"""One line, and those behind it that begin likewise."""

NO_COMMENT: Final = "`;` begins no comment here"
COMMENT: Final = "a comment begins with `//` or `#`"


def _commented(source: Source, position: int, problems: list[Problem]) -> int:
    """Report lines that are meant as comments, once; return where they end."""
    found = _COMMENTS.match(source.text, position)
    end = found.end() if found else position + 1
    more = source.text.count("\n", position, end)
    reason = NO_COMMENT + (f", nor in the {more} lines after it" if more > 1 else "")
    reason += ", nor in the line after it" if more == 1 else ""
    problems.append(source.problem(position, position + 1, reason, COMMENT))
    return end


def _token(source: Source, position: int, problems: list[Problem]) -> Token:
    text = source.text
    character = text[position]
    if character in _SIGNS:
        return Token(_SIGNS[character], character, source, position, position + 1)
    if character == '"':
        return _quoted(source, position, problems)
    word = _WORD.match(text, position)
    end = word.end() if word else position + 1
    if end - position > 1 and text[end - 1] == ",":
        end -= 1  # no word ends so: it stands in the place of a `;`
    if text[position:end] in _NEARLY_BRACES:
        return _nearly_brace(source, position, problems)
    return Token(Kind.WORD, text[position:end], source, position, end)


def _nearly_brace(source: Source, position: int, problems: list[Problem]) -> Token:
    """Return a brace for a parenthesis or bracket that stands alone."""
    character = source.text[position]
    brace = _NEARLY_BRACES[character]
    reason = f"`{character}` is no brace"
    problems.append(
        source.problem(position, position + 1, reason, f"write `{brace.value}`")
    )
    return Token(brace, brace.value, source, position, position + 1)


def _quoted(source: Source, position: int, problems: list[Problem]) -> Token:
    """Return a quoted text; it may run over lines, as keys do, but not over ``;``."""
    found = _QUOTED.match(source.text, position)
    if found and ("\n" not in found[1] or not re.search(r"[;{}]", found[1])):
        text = _ESCAPED.sub(r"\1", found[1])
        return Token(Kind.TEXT, text, source, position, found.end())
    stop = source.text.find("\n", position)
    stop = len(source.text) if stop < 0 else stop
    rest = source.text[position:stop]
    inner = re.match(r'"[^;{}]*', rest)
    end = position + (len(inner[0].rstrip()) if inner else 1)
    problems.append(
        source.problem(position, end, "this text is never closed", 'insert `"`')
    )
    return Token(Kind.TEXT, source.text[position + 1 : end], source, position, end)
