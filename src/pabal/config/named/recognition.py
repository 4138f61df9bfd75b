"""Whether a text is a named.conf at all.

Sans-IO.
"""

from itertools import pairwise

from pabal.config.named.lexer import Kind, Source, Token, tokenize
from pabal.config.named.schema import SECTIONS, TOP


def looks_like(text: str) -> bool:
    """Return whether a text begins as a named.conf does: a statement, then ``{``.

    ``include "x";`` at the beginning is one as well.
    """
    tokens = tokenize(Source("", text)).tokens
    first = tokens[0]
    if first.kind is not Kind.WORD or first.text.lower() not in SECTIONS[TOP]:
        return False
    if first.text.lower() == "include":
        return tokens[1].kind is Kind.TEXT
    return _opens(tokens)


def _opens(tokens: list[Token]) -> bool:
    """Return whether ``{`` comes before anything that is no word or text."""
    for _, token in pairwise(tokens):
        if not token.is_word:
            return token.kind is Kind.OPEN
    return False
