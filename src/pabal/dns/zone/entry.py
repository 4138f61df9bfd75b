"""A master file cut into entries: lines joined by parentheses, comments left out.

Sans-IO. Linear in the characters. Source: RFC 1035 §5.1 (format, quoting, parentheses).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pabal.dns.zone.problem import Place, Problem, Severity

_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r\f\v]+)
      | (?P<comment>;.*)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<text>(?:"(?:[^"\\]|\\.)*"|[^\s;()"\\]|\\.)+)
      | (?P<wrong>.)
    """,
    re.VERBOSE,
)
"""What may stand in a line. A quoted string stays one token, its quotes included."""


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
    """Iterates over the entries of ``text``; mistakes go to ``problems``."""

    def __init__(self, file: str, text: str, problems: list[Problem]) -> None:
        self._file = file
        self._lines = text.split("\n")
        self._problems = problems
        self._tokens: list[Token] = []
        self._open: list[Token] = []
        self._broken = False

    def place(self, token: Token) -> Place:
        """Return where ``token`` stands."""
        text = self._lines[token.line - 1].rstrip("\r")
        return Place(self._file, token.line, token.column, text)

    def __iter__(self) -> Iterator[Entry]:
        """Yield each entry; one with a mistake in its form is reported and left out."""
        indented = False
        for number, line in enumerate(self._lines, start=1):
            if not self._tokens and not self._open:
                indented = line[:1] in (" ", "\t")
            self._scan(number, line)
            if not self._open:
                yield from self._finish(indented=indented)
        for token in self._open[:1]:
            self._wrong(token, "this parenthesis is never closed", "insert ')'")

    def _finish(self, *, indented: bool) -> Iterator[Entry]:
        tokens, self._tokens = tuple(self._tokens), []
        broken, self._broken = self._broken, False
        if tokens and not broken:
            yield Entry(indented, tokens)

    def _scan(self, number: int, line: str) -> None:
        for match in _TOKEN.finditer(line):
            token = Token(match[0], number, match.start() + 1)
            match match.lastgroup:
                case "text":
                    self._tokens.append(token)
                case "open":
                    self._open.append(token)
                case "close":
                    self._close(token)
                case "wrong":
                    self._unreadable(token)
                case _:
                    pass

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
