"""A place in the tokens of a file, and the ways to go on after a mistake.

Sans-IO.
"""

from typing import Final

from pabal.config.named.lexer import Kind, Source, Token, tokenize
from pabal.config.named.reading import Reading
from pabal.config.problem import Problem

BRACES_MAX: Final = 100
"""Braces within braces; lists of lists of lists never come near."""


class Cursor:
    """Hands out tokens one by one.

    Attributes:
        balance: How many more ``{`` than ``}`` the file has, those reported aside.
    """

    def __init__(self, source: Source, reading: Reading) -> None:
        found = tokenize(source)
        for problem in found.problems:
            reading.report(problem)
        self._tokens = found.tokens
        self._cut = found.cut
        self._reading = reading
        self._at = 0
        kinds = [token.kind for token in self._tokens]
        self.balance = kinds.count(Kind.OPEN) - kinds.count(Kind.CLOSE)
        self._misaligned: list[Token] = []

    @property
    def unclosed(self) -> bool:
        """Whether some ``{`` of the file lacks its ``}``."""
        return self.balance > 0

    @property
    def surplus(self) -> bool:
        """Whether the file has a ``}`` too many."""
        return self.balance < 0

    @property
    def position(self) -> int:
        """How many tokens were taken."""
        return self._at

    @property
    def is_done(self) -> bool:
        """Whether nothing is left, or reading on is pointless."""
        return self.peek().kind is Kind.EOF or self._reading.is_full

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without taking it; the last one is EOF."""
        return self._tokens[max(0, min(self._at + ahead, len(self._tokens) - 1))]

    def take(self) -> Token:
        """Take the next token; EOF stays."""
        token = self.peek()
        if token.kind is not Kind.EOF:
            self._at += 1
        return token

    def accept(self, kind: Kind) -> Token | None:
        """Take the next token if it is of that kind."""
        return self.take() if self.peek().kind is kind else None

    def previous(self) -> Token:
        """Return the token taken last, or the first one."""
        return self._tokens[max(0, self._at - 1)]

    def report(self, problem: Problem) -> None:
        """Note a mistake."""
        self._reading.report(problem)

    def skip_braces(self) -> None:
        """Pass over ``{ … }``, the cursor being at ``{``."""
        openings = [self.take()]
        while openings:
            token = self.take()
            if token.kind is Kind.OPEN:
                openings.append(token)
            elif token.kind is Kind.CLOSE:
                openings.pop()
            elif token.kind is Kind.EOF:
                self.never_closed(openings[0])
                return

    def skip_words(self) -> None:
        """Go behind the next ``;``, or before the ``}`` that comes first."""
        while True:
            kind = self.peek().kind
            if kind in {Kind.CLOSE, Kind.EOF}:
                return
            if kind is Kind.OPEN:
                self.skip_braces()
            elif self.take().kind is Kind.END:
                return

    def outdented(self, token: Token, opening: Token) -> bool:
        """Whether a token begins its line no deeper than the line of a ``{``."""
        line = token.source.line(token.line)
        first = line[: _indent(line) + len(token.text)].strip() == token.text
        above = opening.source.line(opening.line)
        return first and token.line > opening.line and _indent(line) <= _indent(above)

    def closed(self, opening: Token, close: Token) -> None:
        """Remember braces whose ends stand at different depths.

        A ``}`` farther left than the line of its ``{`` was meant for another one.
        """
        source = close.source
        line = source.line(close.line)
        if close.line == opening.line or line[: _indent(line) + 1].strip() != "}":
            return
        if _indent(line) < _indent(source.line(opening.line)):
            self._misaligned.append(opening)

    def never_closed(self, opening: Token, before: Token | None = None) -> None:
        """Report a ``{`` without end, unless the end of the file was cut off."""
        self.balance -= 1
        if self._cut:
            return
        inner = [o for o in self._misaligned if o.start > opening.start]
        where = "" if before is None or inner else f" before line {before.line}"
        self.report(
            (inner[0] if inner else opening).problem(
                "this `{` is never closed", f"insert `}};`{where}"
            )
        )
        self._misaligned.clear()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
