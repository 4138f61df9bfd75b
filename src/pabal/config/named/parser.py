"""A named.conf and what it includes, read into statements; mistakes are explained.

Reading goes on after every mistake where the next statement seems to begin, so that
all of them are found in one go, and none of them twice.

Sans-IO: the files come through a port.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pabal.config.named import explain
from pabal.config.named.arguments import MATCH, Arguments
from pabal.config.named.cursor import Cursor
from pabal.config.named.grammar import Braces, Item, Statement
from pabal.config.named.lexer import COMMENT, NO_COMMENT, Kind, Source, Token
from pabal.config.named.ports import Files
from pabal.config.named.reading import Reading, Reference
from pabal.config.named.schema import LISTS, SECTIONS, TOP
from pabal.config.problem import Problem

_ELEMENT_WORDS: Final = frozenset({"key", "zone", "name", "type", "class"})
"""Statements whose names begin elements of lists as well."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A configuration.

    Attributes:
        statements: Those of the file, with those of included files in their places.
        problems: Mistakes of syntax, in the order in which they were met.
        references: Names that must be defined somewhere.
        reading: How paths in the configuration are found.
    """

    statements: list[Statement]
    problems: list[Problem]
    references: list[Reference]
    reading: Reading


def parse(file: str, text: str, files: Files) -> Parsed:
    """Return the configuration that begins with a file; never raises."""
    reading = Reading(files, stack=[file], count=1)
    statements = _Parser(Source(file, text), reading).read(TOP)
    return Parsed(statements, reading.problems, reading.references, reading)


class _Parser:
    """Reads one file."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._cursor = Cursor(source, reading)
        self._reading = reading
        self._blocks: list[str] = []
        self._arguments = Arguments(self._cursor, reading, self._blocks, self._fill)

    def read(self, section: str) -> list[Statement]:
        """Return the statements of the file, which stand in a block of that name."""
        cursor, found = self._cursor, Braces(self._cursor.peek())
        while not cursor.is_done:
            self._block(section, found)
            if cursor.peek().kind is Kind.CLOSE:
                problem = cursor.take().problem("nothing is open here", "remove it")
                cursor.report(problem)
                cursor.balance += 1
                cursor.accept(Kind.END)
        return found.items

    def _fill(self, content: str, braces: Braces) -> None:
        """Read what is between braces, and the closing one."""
        cursor = self._cursor
        if content in SECTIONS:
            self._block(content, braces)
        elif content == MATCH:
            self._list(braces, self._arguments.match)
        else:
            pattern = LISTS[content]
            self._list(braces, lambda each: self._arguments.follow(pattern, each))
        braces.close = cursor.accept(Kind.CLOSE)
        if braces.close is not None:
            cursor.closed(braces.opening, braces.close)
        else:
            token = cursor.peek()
            before = token if token.kind is not Kind.EOF else None
            cursor.never_closed(braces.opening, before)

    def _block(self, section: str, braces: Braces) -> None:
        """Read statements up to a ``}``, which is left, or the end."""
        cursor = self._cursor
        self._blocks.append(section)
        seen: dict[str, Token] = {}
        while not cursor.is_done and cursor.peek().kind is not Kind.CLOSE:
            token = cursor.peek()
            if self._belongs_outside(token, braces):
                break
            if token.kind is not Kind.WORD:
                self._stray(token)
            elif not self._reopened(token, braces.items):
                self._statement(section, braces.items, seen)
        self._blocks.pop()

    def _list(self, braces: Braces, read: Callable[[Statement], bool]) -> None:
        """Read elements up to a ``}``, which is left, or the end."""
        cursor = self._cursor
        self._blocks.append("")
        while not cursor.is_done and cursor.peek().kind is not Kind.CLOSE:
            token, position = cursor.peek(), cursor.position
            if self._belongs_outside(token, braces):
                break
            if token.kind is Kind.END:
                self._stray(token)
                continue
            element = Statement([])
            if read(element):
                self._arguments.finish(element)
            if element.parts:
                braces.items.append(element)
            if cursor.position == position:
                self._stray(cursor.peek())
        self._blocks.pop()

    def _statement(
        self, section: str, items: list[Statement], seen: dict[str, Token]
    ) -> None:
        name = self._cursor.take()
        clause = SECTIONS[section].get(name.text.lower())
        if clause is None and self._is_remark(name):
            remark = self._cursor.peek(-2).problem(NO_COMMENT, COMMENT)
            self._cursor.report(remark)
            self._arguments.skip_line()
            return
        if clause is None:
            problem, clause = explain.unknown_statement(section, name)
            self._cursor.report(problem)
        if clause is None:
            if explain.is_punctuation(name):
                self._arguments.skip_line()
            else:
                self._arguments.skip()
            return
        old = explain.old_statement(clause, name)
        if old is not None:
            self._cursor.report(old)
        first = seen.setdefault(clause.name, name)
        if first is not name and not clause.multiple:
            self._cursor.report(explain.repeated(name, first))
        statement = Statement([name], clause)
        items.append(statement)
        if self._arguments.follow(clause.pattern, statement):
            self._arguments.finish(statement)
        words = statement.words()
        if clause.name == "directory" and section == "options" and words:
            self._reading.directory = words[0].text
        if clause.name == "include" and words:
            items += self._included(words[0], section)

    def _is_remark(self, name: Token) -> bool:
        """Whether ` ; ` before a word no statement is like begins a comment."""
        before = self._cursor.peek(-2)
        text = name.source.text
        if before.kind is not Kind.END or before.line != name.line:
            return False
        is_apart = before.start > 0 and text[before.start - 1] in " \t"
        stop = text.find("\n", name.end)
        rest = text[name.end : len(text) if stop < 0 else stop].rstrip()
        return is_apart and bool(rest) and not rest.endswith((";", "{", "}"))

    def _included(self, token: Token, section: str) -> list[Statement]:
        found: list[Statement] = []
        for source in self._reading.sources(token):
            self._reading.stack.append(source.file)
            found += _Parser(source, self._reading).read(section)
            self._reading.stack.pop()
        return found

    def _stray(self, token: Token) -> None:
        """Report a sign or text where a statement or element should begin."""
        cursor = self._cursor
        if token.kind is Kind.TEXT:
            cursor.report(token.problem("a statement belongs here, not a text"))
            cursor.skip_words()
            return
        suggestion = "" if token.kind is Kind.OPEN else "remove it"
        reason = f"`{token.text}` stands here without a statement"
        cursor.report(token.problem(reason, suggestion))
        if token.kind is Kind.OPEN:
            cursor.skip_braces()
            cursor.accept(Kind.END)
        else:
            cursor.take()

    def _belongs_outside(self, token: Token, braces: Braces) -> bool:
        """Whether a statement shows that the ``}`` before it was forgotten.

        It is no statement of this block but one of a block around, and either the
        file has more ``{`` than ``}``, or it stands no deeper than this block does.
        """
        name = token.text.lower()
        *outer, section = self._blocks
        if token.kind is not Kind.WORD or name in SECTIONS.get(section, {}):
            return False
        if not any(name in SECTIONS.get(each, {}) for each in outer):
            return False
        if not section and (
            name in _ELEMENT_WORDS
            or self._cursor.peek(1).kind in {Kind.END, Kind.CLOSE, Kind.EOF}
        ):
            return False
        return self._cursor.unclosed or self._cursor.outdented(token, braces.opening)

    def _reopened(self, token: Token, before: list[Statement]) -> bool:
        """Whether a ``}`` too many had closed the block ``token`` belongs to."""
        cursor, name = self._cursor, token.text.lower()
        last = before[-1] if before else None
        braces = last.parts[-1] if last is not None else None
        if last is None or not isinstance(braces, Braces) or braces.close is None:
            return False
        section = _section_of(last)
        if (
            not cursor.surplus
            or name in SECTIONS[self._blocks[-1]]
            or name not in SECTIONS.get(section, {})
        ):
            return False
        reason = (
            f"`{last.name}` ends here, but `{name}` in line {token.line} is its own"
        )
        cursor.report(braces.close.problem(reason, "remove this `}`"))
        cursor.balance += 1
        braces.close = None
        self._fill(section, braces)
        self._arguments.finish(last)
        return True


def _section_of(statement: Statement) -> str:
    """Return the block that the braces of a statement are."""
    pattern = statement.clause.pattern if statement.clause else ()
    last = pattern[-1] if pattern else None
    return last.braces if isinstance(last, Item) else ""
