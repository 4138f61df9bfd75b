"""A master file cut into entries: lines joined by parentheses, comments left out.

Sans-IO. Linear in the characters. Source: RFC 1035 §5.1 (format, quoting, parentheses).
"""

import re
from dataclasses import dataclass
from typing import Final

from pabal.dns.zone.problem import Place, Problem, Severity

_TOKEN: Final = re.compile(
    r"""[ \t\r\f\v]*(?:
        (?P<text>(?:"(?:[^"\\]|\\.)*"|[^\s;()"\\]+|\\.)+)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<comment>;.*)
      | (?P<end>$)
      | (?P<wrong>.)
    )""",
    re.VERBOSE,
)
"""What may stand in a line. A quoted string stays one token, its quotes included."""

_SILENT: Final = frozenset(("comment", "end"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an entry.

    Attributes:
        text: As written, quotes and escapes included.
        line: From 1.
        column: From 1.
    """

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A record or directive with its words.

    Attributes:
        indented: It began with a blank: the owner is that of the entry before.
        tokens: At least one.
    """

    indented: bool
    tokens: tuple[Token, ...]


class Entries:
    """Puts entries together line by line; mistakes go to ``problems``.

    Attributes:
        between: Whether the next line begins an entry: no parenthesis is open.
    """

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._lines: dict[int, str] = {}
        self._problems = problems
        self._tokens: list[Token] = []
        self._open: list[Token] = []
        self._broken = False
        self._indented = False
        self.between = True

    def place(self, token: Token) -> Place:
        """Return where ``token``, a word of the last entry, stands."""
        text = self._lines[token.line].rstrip("\r")
        return Place(self._file, token.line, token.column, text)

    def feed(self, number: int, line: str) -> Entry | None:
        """Return the entry that ``line`` completes, if it does and is well formed.

        An entry with a mistake in its form is reported and left out.
        """
        if self.between:
            self._indented = line[:1] in (" ", "\t")
            self._lines.clear()
        self._lines[number] = line
        self._scan(number, line)
        self.between = not self._open
        return self._finish() if self.between else None

    def end(self) -> None:
        """Report what the end of the file leaves open."""
        for token in self._open[:1]:
            self._wrong(token, "this parenthesis is never closed", "insert ')'")

    def _finish(self) -> Entry | None:
        tokens, self._tokens = tuple(self._tokens), []
        broken, self._broken = self._broken, False
        return Entry(self._indented, tokens) if tokens and not broken else None

    def _scan(self, number: int, line: str) -> None:
        for match in _TOKEN.finditer(line):
            kind = match.lastgroup or "end"
            if kind in _SILENT:
                continue
            token = Token(match[kind], number, match.start(kind) + 1)
            match kind:
                case "text":
                    self._tokens.append(token)
                case "open":
                    self._open.append(token)
                case "close":
                    self._close(token)
                case _:
                    self._unreadable(token)

    def _close(self, token: Token) -> None:
        if self._open:
            self._open.pop()
        else:
            self._wrong(token, "no parenthesis is open here", "remove ')'")

    def _unreadable(self, token: Token) -> None:
        if token.text == '"':
            self._wrong(token, "this string is never closed", "insert '\"'")
        else:
            self._wrong(token, f"unexpected {token.text!r}")

    def _wrong(self, token: Token, reason: str, fix: str = "") -> None:
        if not self._broken:
            place = self.place(token)
            self._problems.append(Problem(Severity.ERROR, place, reason, fix))
        self._broken = True


def column_of(line: str, word: str) -> int:
    """Return where ``word`` stands in ``line``, from 1; 0 if it does not."""
    for match in _TOKEN.finditer(line):
        if match.lastgroup == "text" and match["text"].upper() == word:
            return match.start("text") + 1
    return 0
