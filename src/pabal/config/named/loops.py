"""Lists of addresses that hold themselves, directly or by way of others.

Sans-IO. BIND refuses them: a client would be looked for in them for ever.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pabal.config.named.grammar import Braces, Statement, names_in
from pabal.config.named.lexer import Token
from pabal.config.named.reading import Reference
from pabal.config.named.schema import TOP
from pabal.config.problem import Problem

SHOWN_MAX: Final = 3
"""Lists on the way that are named: a sentence is to be read."""


def acl_loops(
    statements: Sequence[Statement], references: Sequence[Reference]
) -> list[Problem]:
    """Return a problem for each element that makes a list hold itself.

    A list that nothing uses does no harm, and BIND does not look into it.
    """
    acls = {acl.value().lower(): acl for acl in reversed(names_in(statements, "acl"))}
    words = (
        each.token.text.lower()
        for each in references
        if each.kind == "acl" and each.block != TOP
    )
    used = [word for word in dict.fromkeys(words) if word in acls]
    done: set[str] = set()
    found: list[Problem] = []
    for name in used:
        if name not in done:
            found += _from(name, acls, done)
    for name in reversed(acls):
        if name not in done:
            found += [replace(each, warning=True) for each in _from(name, acls, done)]
    return found


def _from(
    name: str, acls: Mapping[str, Statement], done: set[str]
) -> Iterator[Problem]:
    """Walk from one list to those it holds; ``done``: need not be walked again."""
    way = {name: _held(acls[name], acls)}
    while way:
        here, rest = next(reversed(way.items()))
        if not rest:
            done.add(here)
            del way[here]
            continue
        token = rest.pop()
        word = token.text.lower()
        if word in way:
            names = [*way]
            yield _loop(token, names[names.index(word) + 1 :])
        elif word not in done:
            way[word] = _held(acls[word], acls)


def _loop(token: Token, names: Sequence[str]) -> Problem:
    reason = f"the acl `{token.text}` holds itself"
    if names:
        way = " and ".join(f"`{name}`" for name in names[:SHOWN_MAX])
        more = len(names) - SHOWN_MAX
        reason += f", by way of {way}" + (f" and {more} more" if more > 0 else "")
    return token.problem(reason, f"remove `{token.text}` here")


def _held(acl: Statement, acls: Mapping[str, Statement]) -> list[Token]:
    """Return the names of lists in a list, the last one first."""
    waiting = deque(acl.body())
    found: list[Token] = []
    while waiting:
        item = waiting.popleft()
        for part in item.parts:
            if isinstance(part, Braces):
                waiting += part.items
            elif part.is_word and part.text.lower() in acls:
                found.append(part)
                break
            elif part.is_word:
                break  # a network, or a word with others behind it
    return found[::-1]
