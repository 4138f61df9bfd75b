"""What follows the name of a statement, read by the pattern of the schema.

Sans-IO.
"""

from collections.abc import Callable, Sequence

from pabal.config.named import explain
from pabal.config.named.cursor import BRACES_MAX, Cursor
from pabal.config.named.grammar import Braces, Item, Options, Pattern, Statement
from pabal.config.named.lexer import Kind, Token
from pabal.config.named.reading import Reading, Reference
from pabal.config.named.schema import SECTIONS
from pabal.config.named.values import (
    KINDS,
    looks_like_address,
    network_misfit,
)
from pabal.config.problem import Problem, did_you_mean

Fill = Callable[[str, Braces], None]
"""Reads what is between braces: what they hold, the braces."""

MATCH = "match"
"""The list of addresses, networks, keys and other lists."""

_ENDS = frozenset({Kind.END, Kind.CLOSE, Kind.EOF})

_NEGATIONS = frozenset({"not", "except", "exclude", "deny", "but"})
"""What other programs say for ``!``."""

_CLASSES = ("in", "ch", "hs")
"""Classes of zones and views; there are others of the same meaning."""


class Arguments:
    """Reads the words and braces of statements and elements.

    ``blocks`` are the names of the blocks around, innermost last; a list is ``""``.
    """

    def __init__(
        self, cursor: Cursor, reading: Reading, blocks: Sequence[str], fill: Fill
    ) -> None:
        self._cursor = cursor
        self._reading = reading
        self._blocks = blocks
        self._fill = fill

    def follow(self, pattern: Pattern, statement: Statement) -> bool:
        """Read what a pattern asks for; ``False`` if the statement ended early."""
        return all(
            self._options(item, statement)
            if isinstance(item, Options)
            else self._item(item, statement)
            for item in pattern
        )

    def match(self, element: Statement) -> bool:
        """Read one element of a list of addresses, like ``!10.0.0.0/8``."""
        cursor = self._cursor
        self._signs(element)
        token = cursor.peek()
        if token.kind is Kind.OPEN:
            self._braces(MATCH, element)
            return True
        if not token.is_word:
            cursor.report(token.problem("an address, a network or a list belongs here"))
            cursor.skip_words()
            return False
        element.parts.append(cursor.take())
        word = token.text.lower()
        if word == "key" and cursor.peek().is_word:
            self._note("key", cursor.peek())
            element.parts.append(cursor.take())
        elif word == "geoip":
            while cursor.peek().is_word:
                element.parts.append(cursor.take())
        elif token.kind is Kind.WORD and looks_like_address(token.text):
            misfit = network_misfit(token.text)
            if misfit is not None:
                cursor.report(token.problem(misfit.reason, misfit.suggestion))
        else:
            self._note("acl", token)
        return True

    def _signs(self, element: Statement) -> None:
        """Read the ``!`` before an element; one is all there may be."""
        cursor = self._cursor
        while (token := cursor.peek()).kind is Kind.NOT or self._says_not(token):
            if token.kind is not Kind.NOT:
                reason = f"`{token.text}` is written `!` here"
                write = f"write `!{cursor.peek(1).text}`"
                cursor.report(token.problem(reason, write))
                cursor.take()
                continue
            if element.parts:
                cursor.report(token.problem("`!` stands twice", "remove it"))
            element.parts.append(cursor.take())

    def _says_not(self, token: Token) -> bool:
        """Whether a word stands for ``!``: another one follows in its line."""
        after = self._cursor.peek(1)
        is_word = token.kind is Kind.WORD and token.text.lower() in _NEGATIONS
        return is_word and after.is_word and after.line == token.line

    def finish(self, statement: Statement) -> None:
        """Expect the ``;`` behind a statement."""
        cursor = self._cursor
        last = statement.parts[-1] if statement.parts else None
        if cursor.accept(Kind.END):
            return
        if isinstance(last, Braces) and last.close is None:
            return  # reported at its opening
        token = cursor.peek()
        if token.text == ",":
            cursor.report(token.problem("`,` separates nothing here", "write `;`"))
            cursor.take()
            return
        if isinstance(last, Braces) and cursor.surplus and token.is_word:
            return  # the block above sees whether its `}` came too early
        if token.kind in _ENDS or self._begins(token):
            cursor.report(explain.missing_end(cursor.previous()))
            return
        name = f" after `{statement.name}`" if statement.name else ""
        reason = f"{explain.shown(token)} is left over{name}"
        cursor.report(token.problem(reason, "remove it"))
        self.skip()

    def skip_line(self) -> None:
        """Pass over the rest of a line that is a comment of another language."""
        cursor = self._cursor
        while not cursor.is_done and not self._is_later(cursor.peek()):
            cursor.take()

    def skip(self) -> None:
        """Pass over the rest of a statement that cannot be read."""
        cursor = self._cursor
        while (token := cursor.peek()).kind not in {Kind.CLOSE, Kind.EOF}:
            if self._is_later(token) and self._begins(token):
                cursor.report(explain.missing_end(cursor.previous()))
                return
            if token.kind is Kind.OPEN:
                cursor.skip_braces()
            elif cursor.take().kind is Kind.END:
                return

    def _options(self, options: Options, statement: Statement) -> bool:
        cursor = self._cursor
        while (token := cursor.peek()).kind is Kind.WORD:
            word = token.text.lower()
            if word not in options.items:
                near = explain.nearest(word, options.items)
                if not near or not statement.parts or self._is_later(token):
                    return True
                reason = f"unknown word `{token.text}`"
                cursor.report(token.problem(reason, f"did you mean `{near}`?"))
                word = near
            statement.parts.append(cursor.take())
            if not self.follow(options.items[word], statement):
                return False
        return True

    def _item(self, item: Item, statement: Statement) -> bool:
        cursor = self._cursor
        token = cursor.peek()
        if item.rest:
            self._rest(statement)
        elif item.fits(token):
            statement.parts.append(cursor.take())
            if item.refers and token.text.lower() not in item.words:
                self._refer(item, token)
        elif token.kind is Kind.OPEN and item.braces:
            self._braces(item.braces, statement)
        elif not item.optional:
            return self._misfit(item, token, statement)
        return True

    def _refer(self, item: Item, token: Token) -> None:
        if "address" in item.kinds and KINDS["address"].fits(token):
            return
        if "address" in item.kinds and looks_like_address(token.text):
            self._cursor.report(explain.wrong_value(item, token, ""))
            return
        self._note(item.refers, token)

    def _note(self, kind: str, token: Token) -> None:
        block = next((name for name in reversed(self._blocks) if name), "")
        self._reading.references.append(Reference(kind, token, block))

    def _rest(self, statement: Statement) -> None:
        """Take everything up to ``;``, braces being passed over."""
        cursor = self._cursor
        while (token := cursor.peek()).kind not in _ENDS:
            if token.kind is Kind.OPEN:
                cursor.skip_braces()
            elif self._blocks[-1] and self._is_later(token) and self._begins(token):
                return
            else:
                statement.parts.append(cursor.take())

    def _misfit(self, item: Item, token: Token, statement: Statement) -> bool:
        """Explain what stands in the place of a value."""
        cursor, name = self._cursor, statement.name
        if token.kind in {Kind.EQUALS, Kind.NOT} or token.text == ":":
            reason = f"`{token.text}` does not belong here"
            cursor.report(token.problem(reason, "remove it"))
            cursor.take()
            return self._item(item, statement)
        only_braces = bool(item.braces and not item.kinds)
        if only_braces and cursor.surplus and token.kind is not Kind.EOF:
            return self._unopened(item, token, statement)
        started = bool(statement.parts) and self._begins(token)
        if token.kind in _ENDS or started:
            cursor.report(explain.missing_value(cursor.previous(), item, name))
            cursor.accept(Kind.END)
            return False
        if token.kind is Kind.OPEN:
            reason = f"`{name}` takes {item.says()} here, no braces"
            cursor.report(token.problem(reason))
            cursor.skip_braces()
            cursor.accept(Kind.END)
            return False
        if only_braces:
            return self._unopened(item, token, statement)
        cursor.report(explain.wrong_value(item, token, name))
        statement.parts.append(cursor.take())
        return True

    def _unopened(self, item: Item, token: Token, statement: Statement) -> bool:
        """Explain a word where ``{`` should stand."""
        cursor = self._cursor
        if cursor.peek(1).kind is Kind.OPEN and not self._is_later(token):
            cursor.report(_needless(token, statement.name))
            cursor.take()
            return self._item(item, statement)
        if cursor.surplus:
            cursor.report(cursor.previous().behind("a `{` is missing", "insert `{`"))
            cursor.balance += 1
            braces = Braces(cursor.previous())
            if token.kind in _ENDS:  # it was written in the place of the `{`
                cursor.balance += token.kind is Kind.CLOSE
                cursor.take()
            statement.parts.append(braces)
            self._fill(item.braces, braces)
            return True
        reason = f"`{statement.name}` takes a list in braces"
        cursor.report(token.problem(reason, f"write `{{ {token.text}; }}`"))
        self.skip()
        return False

    def _braces(self, content: str, statement: Statement) -> None:
        cursor = self._cursor
        braces = Braces(cursor.peek())
        statement.parts.append(braces)
        if len(self._blocks) >= BRACES_MAX:
            cursor.report(braces.opening.problem("braces are nested too deeply"))
            cursor.skip_braces()
            braces.close = cursor.previous()
            return
        cursor.take()
        self._fill(content, braces)

    def _is_later(self, token: Token) -> bool:
        return token.line > self._cursor.previous().last_line

    def _begins(self, token: Token) -> bool:
        """Whether a new statement or element seems to begin at a token."""
        if not self._blocks[-1]:
            later = self._is_later(token)
            return token.is_word or token.kind is Kind.NOT or later
        known = token.text.lower() in SECTIONS[self._blocks[-1]]
        after = self._cursor.peek(1).kind
        return token.kind is Kind.WORD and (
            known or (self._is_later(token) and after is not Kind.END)
        )


def _needless(token: Token, name: str) -> Problem:
    """Return what to say about a word before ``{``."""
    if name in {"zone", "view"}:
        hint = did_you_mean(token.text.lower(), _CLASSES)
        return token.problem(f"`{token.text}` is no class", hint or "remove it")
    return token.problem(f"`{token.text}` does not belong here", "remove it")
