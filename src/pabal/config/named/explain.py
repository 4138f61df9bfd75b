"""What is said about a mistake of syntax in a named.conf.

Sans-IO.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from pabal.config.named.grammar import Clause, Item, Status
from pabal.config.named.lexer import COMMENT, Kind, Token
from pabal.config.named.schema import SECTIONS, TOP, homes
from pabal.config.named.values import KINDS, Misfit
from pabal.config.problem import Problem, did_you_mean

SURE: Final = 0.75
"""How near a misspelt name must be to be read as the right one."""

SHOWN_MAX: Final = 40
"""Longest word repeated in a sentence, in characters."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the one of ``known`` that ``word`` surely means, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=SURE)
    return near[0] if near else ""


def unknown_statement(section: str, name: Token) -> tuple[Problem, Clause | None]:
    """Return what to say about a name no block like this has, and what is meant."""
    clauses, word = SECTIONS[section], name.text.lower()
    others = homes(word)
    if others:
        place = "at the top level" if section == TOP else f"in `{section}`"
        reason = f"`{name.text}` does not belong {place}"
        return name.problem(reason, f"it belongs {_either(others)}"), None
    where = f" in `{section}`" if section != TOP else ""
    if is_punctuation(name):
        reason = f"`{_short(name)}` begins no statement"
        return name.problem(reason, COMMENT), None
    near = nearest(word.rstrip(":"), clauses)
    suggestion = f"did you mean `{near}`?" if near else did_you_mean(word, clauses)
    if not suggestion:
        suggestion = _elsewhere(word)
    if not suggestion and word.endswith(":"):
        suggestion = "names stand without `:` here"
    problem = name.problem(f"unknown statement `{_short(name)}`{where}", suggestion)
    return problem, clauses.get(near)


def is_punctuation(name: Token) -> bool:
    """Return whether a word has no letter or digit: no name of anything."""
    return not any(character.isalnum() for character in name.text)


def old_statement(clause: Clause, name: Token) -> Problem | None:
    """Return what to say about a statement that BIND gave up."""
    said = {
        Status.REMOVED: "no longer exists",
        Status.OBSOLETE: "is obsolete and does nothing",
        Status.DEPRECATED: "is deprecated and will go",
    }
    if clause.status not in said:
        return None
    reason = f"`{clause.name}` {said[clause.status]}"
    warning = clause.status is not Status.REMOVED
    return name.problem(reason, clause.hint, warning=warning)


def repeated(name: Token, first: Token) -> Problem:
    """Return what to say about the second of what may be there once."""
    where = f"line {first.line}"
    if first.source is not name.source:
        where += f" of {first.source.file}"
    return name.problem(f"`{name.text}` was set before, in {where}", "keep one")


def missing_end(previous: Token) -> Problem:
    """Return that a ``;`` is missing, right behind the token it belongs to."""
    return previous.behind(f"a `;` is missing after {shown(previous)}", "insert `;`")


def missing_value(previous: Token, item: Item, name: str) -> Problem:
    """Return that something is missing behind a word."""
    example = item.example()
    write = (
        f"write `{name} {example};`"
        if previous.text.lower() == name
        else f"like `{previous.text} {example}`"
    )
    return previous.behind(f"{shown(previous)} needs {item.says()} behind it", write)


def wrong_value(item: Item, token: Token, name: str) -> Problem:
    """Return what to say about a value of the wrong kind."""
    misfit = None
    suggestion = did_you_mean(token.text.lower(), item.words)
    if not suggestion and item.kinds:
        misfit = KINDS[item.kinds[0]].explain(token)
    if misfit is None:
        said = f"`{name}` takes" if name else "here belongs"
        misfit = Misfit(f"{said} {item.says()}, not {shown(token)}", suggestion)
    elif item.words and not misfit.suggestion:
        misfit = Misfit(misfit.reason, f"write {item.says()}")
    elif not misfit.suggestion:
        misfit = Misfit(misfit.reason, f"like {item.example()}")
    return token.problem(misfit.reason, misfit.suggestion)


def shown(token: Token) -> str:
    """Return a token as sentences show it."""
    if token.kind is Kind.TEXT and len(token.text) <= SHOWN_MAX:
        return f'"{token.text}"'
    return f"`{token.text}`" if len(token.text) <= SHOWN_MAX else "this"


def _short(token: Token) -> str:
    return token.text if len(token.text) <= SHOWN_MAX else token.text[:SHOWN_MAX] + "…"


def _either(blocks: Sequence[str]) -> str:
    said = [f"`{b}`" for b in blocks if b != TOP]
    inside = " or ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)
    places = [f"in {inside}"] if said else []
    return " or ".join(["at the top level", *places] if TOP in blocks else places)


def _elsewhere(word: str) -> str:
    """Return a suggestion out of all blocks."""
    near = nearest(word, {name for clauses in SECTIONS.values() for name in clauses})
    return f"did you mean `{near}`, {_either(homes(near))}?" if near else ""
