"""TOML with places: every key and value knows its line and column.

The standard library's reader knows the values only, and stops at the first mistake.
This one reads what a configuration needs (tables, dotted and quoted keys, basic and
literal strings, integers, booleans, arrays over several lines) and goes on after a
mistake at the next line, so that all of them are reported at once. Dates, floats,
multi-line strings and inline tables are out of place: no option takes one.

Sans-IO. Source: TOML v1.0.0.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from pabal.base.errors import PabalError
from pabal.config.problem import Problem, Span

ARRAY_ITEMS_MAX: Final = 10_000
"""Most items in one array: a list of addresses has dozens."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_INTEGER: Final = re.compile(r"[+-]?(?:0|[1-9](?:_?[0-9])*)(?![0-9A-Za-z_.:-])")
_WORD: Final = re.compile(r"[^\s,\]#]+")
_HEX4: Final = re.compile(r"[0-9A-Fa-f]{4}")
_HEX8: Final = re.compile(r"[0-9A-Fa-f]{8}")
_BLANK: Final = re.compile(r"[ \t]*")
_ESCAPES: Final = {
    "b": "\b",
    "t": "\t",
    "n": "\n",
    "f": "\f",
    "r": "\r",
    '"': '"',
    "\\": "\\",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it stands; an array's ``data`` is a tuple of values."""

    data: "str | int | bool | tuple[Value, ...]"
    span: Span


@dataclass(slots=True)
class Table:
    """Keys of one ``[table]``, in order; ``broken`` ones have no value."""

    span: Span
    keys: dict[str, tuple[Span, Value]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Document:
    """What a file says, and what is wrong with it.

    Attributes:
        tables: By dotted name; the keys above the first header are in ``""``.
        problems: Mistakes of syntax, in the order of the file.
    """

    tables: dict[str, Table]
    problems: list[Problem]


class _MistakeError(PabalError):
    """Stops the reading of one line; ``table``: what the next ones belong to."""

    def __init__(
        self, span: Span, reason: str, suggestion: str = "", table: Table | None = None
    ) -> None:
        super().__init__(reason)
        self.span, self.reason, self.suggestion = span, reason, suggestion
        self.table = table


def parse(text: str, file: str) -> Document:
    """Return everything in ``text``; mistakes are in ``Document.problems``."""
    reader = _Reader(text)
    document = Document({"": Table(Span(1, 1))}, [])
    current = document.tables[""]
    while not reader.at_end:
        try:
            current = _line(reader, document, current)
        except _MistakeError as mistake:
            document.problems.append(
                Problem(
                    file,
                    mistake.span,
                    mistake.reason,
                    mistake.suggestion,
                    reader.source(mistake.span.line),
                )
            )
            current = mistake.table or current
            reader.recover(mistake.span.line)
    return document


def _line(reader: "_Reader", document: Document, current: Table) -> Table:
    reader.blanks()
    if reader.end_of_line():
        return current
    if reader.peek() == "[":
        current = _header(reader, document)
    else:
        _assignment(reader, current)
    reader.blanks()
    if not reader.end_of_line():
        rest = reader.rest_of_line()
        raise _MistakeError(
            reader.span(len(rest)), f"`{rest}` is left over after the value"
        )
    return current


def _header(reader: "_Reader", document: Document) -> Table:
    start = reader.span()
    reader.advance()
    if reader.peek() == "[":
        raise _MistakeError(
            start, "arrays of tables are not used here", "write [table]"
        )
    reader.blanks()
    parts = [_key(reader)]
    while reader.take("."):
        parts.append(_key(reader))
    reader.blanks()
    name = ".".join(parts)
    known = document.tables.get(name)
    if known is None:
        known = document.tables[name] = Table(Span(start.line, start.column + 1))
    if not reader.take("]"):
        # What follows is meant for this table all the same.
        raise _MistakeError(
            reader.span(), "the table header is not closed", "insert `]`", known
        )
    return known


def _assignment(reader: "_Reader", table: Table) -> None:
    start = reader.span()
    name = _key(reader)
    while reader.take("."):
        name += "." + _key(reader)
    span = Span(start.line, start.column, max(1, reader.column - start.column))
    reader.blanks()
    table.broken.add(name)
    if not reader.take("="):
        raise _MistakeError(
            reader.span(), f"`{name}` is not followed by a value", "insert `=`"
        )
    reader.blanks()
    value = _value(reader)
    if name in table.keys:
        first = table.keys[name][0].line
        raise _MistakeError(
            span, f"`{name}` was set before, in line {first}", "keep one"
        )
    table.keys[name] = (span, value)
    table.broken.discard(name)


def _key(reader: "_Reader") -> str:
    reader.blanks()
    quote = reader.peek()
    if quote in {'"', "'"}:
        return _string(reader, quote)
    name = reader.match(_BARE_KEY)
    if not name:
        raise _MistakeError(
            reader.span(), "a key belongs here", "letters, digits, _ and -"
        )
    return name


def _value(reader: "_Reader") -> Value:
    start, character = reader.span(), reader.peek()
    if character in {'"', "'"}:
        text = _string(reader, character)
        return Value(text, Span(start.line, start.column, reader.column - start.column))
    if character == "[":
        return _array(reader)
    for word, data in (("true", True), ("false", False)):
        if reader.match(re.compile(word + r"(?![0-9A-Za-z_-])")):
            return Value(data, Span(start.line, start.column, len(word)))
    number = reader.match(_INTEGER)
    if number:
        return Value(
            int(number.replace("_", "")), Span(start.line, start.column, len(number))
        )
    return _no_value(reader, start)


def _no_value(reader: "_Reader", start: Span) -> Value:
    word = reader.match(_WORD)
    if not word:
        raise _MistakeError(start, "a value belongs here")
    span = Span(start.line, start.column, len(word))
    if word.lower() in {"true", "false", "yes", "no", "on", "off"}:
        right = "true" if word.lower() in {"true", "yes", "on"} else "false"
        raise _MistakeError(
            span, f"`{word}` is not a value", f"did you mean `{right}`?"
        )
    raise _MistakeError(
        span,
        f"`{word}` is not a value",
        f'text goes in quotes: "{word.strip(chr(34))}"',
    )


def _array(reader: "_Reader") -> Value:
    start = reader.span()
    reader.advance()
    items: list[Value] = []
    while True:
        reader.blank_lines()
        if reader.take("]"):
            break
        if reader.starts_something_else() or len(items) >= ARRAY_ITEMS_MAX:
            raise _MistakeError(start, "this list is not closed", "insert `]`")
        items.append(_value(reader))
        reader.blank_lines()
        if not reader.take(",") and reader.peek() != "]":
            before = reader.previous_span()
            if reader.starts_something_else():
                raise _MistakeError(start, "this list is not closed", "insert `]`")
            raise _MistakeError(before, "two items without a comma", "insert `,`")
    length = reader.column - start.column if reader.line == start.line else 1
    return Value(tuple(items), Span(start.line, start.column, length))


def _string(reader: "_Reader", quote: str) -> str:
    start = reader.span()
    reader.advance()
    characters: list[str] = []
    while True:
        character = reader.peek()
        if character in {"", "\n"}:
            raise _MistakeError(start, "this text is not closed", f"insert `{quote}`")
        reader.advance()
        if character == quote:
            return "".join(characters)
        if character == "\\" and quote == '"':
            characters.append(_escape(reader))
        else:
            characters.append(character)


def _escape(reader: "_Reader") -> str:
    span = reader.previous_span()
    letter = reader.peek()
    reader.advance()
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter in {"u", "U"}:
        digits = reader.match(_HEX4 if letter == "u" else _HEX8)
        if digits and int(digits, 16) < 0x110000:
            return chr(int(digits, 16))
    raise _MistakeError(
        Span(span.line, span.column, 2),
        f"`\\{letter}` is no escape",
        "write `\\\\` for a backslash",
    )


class _Reader:
    """A cursor over the text that knows its line and column."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n").removeprefix("\ufeff")
        self._lines = self._text.split("\n")
        self._position = 0
        self.line = 1
        self._line_start = 0

    @property
    def column(self) -> int:
        return self._position - self._line_start + 1

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._text)

    def source(self, line: int) -> str:
        return self._lines[line - 1]

    def span(self, length: int = 1) -> Span:
        return Span(self.line, self.column, max(1, length))

    def previous_span(self) -> Span:
        """Return the place right behind the last octet that was not blank."""
        position = self._position
        while position > 0 and self._text[position - 1] in " \t\n":
            position -= 1
        line = self._text.count("\n", 0, position) + 1
        start = self._text.rfind("\n", 0, position) + 1
        return Span(line, max(1, position - start))

    def peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def advance(self) -> None:
        if self.peek() == "\n":
            self.line += 1
            self._line_start = self._position + 1
        self._position += 1

    def take(self, character: str) -> bool:
        if self.peek() == character:
            self.advance()
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._position)
        if not found:
            return ""
        self._position = found.end()
        return found[0]

    def blanks(self) -> None:
        self.match(_BLANK)

    def blank_lines(self) -> None:
        """Pass blanks, line ends and comments inside an array."""
        while True:
            self.blanks()
            if self.peek() == "#":
                self.rest_of_line(consume=True)
            if self.peek() != "\n":
                return
            self.advance()

    def end_of_line(self) -> bool:
        """Consume a comment and the line end; ``False`` if anything else is left."""
        if self.peek() == "#":
            self.rest_of_line(consume=True)
        if self.at_end:
            return True
        return self.take("\n")

    def rest_of_line(self, *, consume: bool = False) -> str:
        end = self._text.find("\n", self._position)
        end = len(self._text) if end < 0 else end
        rest = self._text[self._position : end]
        if consume:
            self._position = end
        return rest.rstrip()

    def starts_something_else(self) -> bool:
        """Whether the text ends here or ``key =`` or ``[table]`` begins: no item."""
        rest = self.rest_of_line()
        return self.at_end or bool(
            re.match(r"[A-Za-z0-9_-]+[ \t]*=|\[[a-z.]+\]\s*(#|$)", rest)
        )

    def recover(self, line: int) -> None:
        """Go on with the line after ``line``."""
        self.line = line
        start = 0
        for _ in range(line - 1):
            start = self._text.index("\n", start) + 1
        end = self._text.find("\n", start)
        self._position = len(self._text) if end < 0 else end + 1
        self._line_start = self._position
        self.line += 1
