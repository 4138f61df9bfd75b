"""The notation in which ``pabal.config.named.schema`` writes the statements down.

A pattern is what follows the name of a statement, up to its ``;``:

=================  ==========================================================
``word``           that very word
``<integer>``      a value of a kind (``pabal.config.named.values``)
``@key``           a text that names a ``key`` defined elsewhere
``{match}``        a list or a block in braces, by its name in the schema
``a|b|<integer>``  one of several
``...?``           it may be missing
``[port:<port>]``  a word and what follows it (``,`` between items), or neither;
                   several in a row come in any order
``...``            anything up to the ``;``
=================  ==========================================================

Sans-IO.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from pabal.config.named.lexer import Token
from pabal.config.named.values import KINDS


class Status(Enum):
    """Whether BIND still takes a statement."""

    CURRENT = "current"
    DEPRECATED = "deprecated"
    OBSOLETE = "obsolete"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Item:
    """One value, or one pair of braces.

    Attributes:
        words: Words that fit, lower-case.
        kinds: Names of kinds that fit.
        refers: What a text names: ``key``, ``acl``, ``tls``; empty: nothing.
        braces: What braces here hold; empty: none fit.
        rest: Whether everything up to ``;`` fits.
    """

    words: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    refers: str = ""
    braces: str = ""
    optional: bool = False
    rest: bool = False

    def fits(self, token: Token) -> bool:
        """Return whether a word or text may stand here."""
        if not token.is_word:
            return False
        if token.text.lower() in self.words:
            return True
        return any(KINDS[kind].fits(token) for kind in self.kinds)

    def says(self) -> str:
        """Return what belongs here, for people."""
        said = [f"`{word}`" for word in self.words[:6]]
        said += [KINDS[kind].says for kind in self.kinds]
        if self.refers:
            said = [
                *(f"`{word}`" for word in self.words),
                f"the name of a {self.refers}",
            ]
        if self.braces:
            said.append("a list in braces")
        return " or ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)

    def example(self) -> str:
        """Return what might stand here."""
        if self.words:
            return self.words[0]
        if self.kinds:
            return KINDS[self.kinds[0]].example
        return "{ … }"


@dataclass(frozen=True, slots=True)
class Options:
    """Words with what follows each, in any order, all of them optional."""

    items: Mapping[str, tuple[Item, ...]]


Pattern = tuple[Item | Options, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement that may stand in a block.

    Attributes:
        multiple: Whether the same block may have it twice.
        zones: Letters of the zone types that take it; empty: not in zones.
        hint: What to write instead of one that is no longer current.
    """

    name: str
    pattern: Pattern
    multiple: bool = False
    zones: str = ""
    status: Status = Status.CURRENT
    hint: str = ""


@dataclass(slots=True, eq=False)
class Braces:
    """``{ … }`` and what is in it.

    Attributes:
        close: The closing brace; ``None`` if there is none.
    """

    opening: Token
    items: "list[Statement]" = field(default_factory=list)
    close: Token | None = None


@dataclass(slots=True, eq=False)
class Statement:
    """A statement or an element of a list.

    Attributes:
        parts: Its words, texts and braces in order, its name first.
        clause: What the schema says about it; ``None``: an element, or unknown.
    """

    parts: list[Token | Braces]
    clause: Clause | None = None

    @property
    def name(self) -> str:
        """The first word, lower-case; empty if it begins with braces."""
        first = self.parts[0] if self.parts else None
        return first.text.lower() if isinstance(first, Token) else ""

    @property
    def token(self) -> Token:
        """The first token."""
        first = self.parts[0]
        return first if isinstance(first, Token) else first.opening

    def words(self) -> list[Token]:
        """Return the words and texts behind the name, outside braces."""
        return [p for p in self.parts[1:] if isinstance(p, Token)]

    def value(self) -> str:
        """Return the text of the first word behind the name; may be empty."""
        words = self.words()
        return words[0].text if words else ""

    def option(self, word: str) -> str:
        """Return what follows a word: ``option("port")``; may be empty."""
        for part, after in zip(self.parts, self.parts[1:], strict=False):
            if isinstance(part, Token) and part.text.lower() == word:
                return after.text if isinstance(after, Token) else ""
        return ""

    @property
    def has_body(self) -> bool:
        """Whether it has braces."""
        return any(isinstance(p, Braces) for p in self.parts)

    def body(self) -> "list[Statement]":
        """Return what is in its first braces."""
        return next((p.items for p in self.parts if isinstance(p, Braces)), [])

    def find(self, *names: str) -> "Statement | None":
        """Return the first statement of its body that has one of the names."""
        return next((s for s in self.body() if s.name in names), None)


def pattern_of(notation: str) -> Pattern:
    """Return the pattern a text of the notation means."""
    found: list[Item | Options] = []
    for part in notation.split():
        if not part.startswith("["):
            found.append(_item(part))
            continue
        key, _, rest = part.strip("[]").partition(":")
        items = tuple(_item(each) for each in rest.split(",") if each)
        if found and isinstance(found[-1], Options):
            found[-1] = Options(MappingProxyType({**found[-1].items, key: items}))
        else:
            found.append(Options(MappingProxyType({key: items})))
    return tuple(found)


def _item(part: str) -> Item:
    if part == "...":
        return Item(rest=True)
    optional = part.endswith("?")
    words, kinds, refers, braces = [], [], "", ""
    for choice in part.removesuffix("?").split("|"):
        if choice.startswith("<"):
            kinds.append(choice.strip("<>"))
        elif choice.startswith("@"):
            kinds.append("text")
            refers = choice[1:]
        elif choice.startswith("{"):
            braces = choice.strip("{}")
        else:
            words.append(choice)
    return Item(tuple(words), tuple(kinds), refers, braces, optional)


def previous_word(statement: Statement) -> Token:
    """Return the last token of a statement so far."""
    last = statement.parts[-1]
    if isinstance(last, Token):
        return last
    return last.close or last.opening


def names_in(statements: Sequence[Statement], *names: str) -> list[Statement]:
    """Return the statements that have one of the names."""
    return [s for s in statements if s.name in names]
