"""Limits of a named.conf that are numbers: over TCP, and how often it answers.

Sans-IO.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pabal.config.guard import (
    CONNECTIONS_LIMIT,
    RATE_LIMIT,
    SILENCE_LIMIT_S,
    SLIP_LIMIT,
)
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.outcome import Outcome
from pabal.config.named.reasons import OTHERWISE

TENTHS: Final = 10
"""BIND counts the silence of connections in tenths of a second."""

_IN_EACH: Final = "; it counts in each process of pabal, not in all together"


def take_figures(body: Sequence[Statement], outcome: Outcome) -> set[str]:
    """Take over what options say in numbers; return the names of what was taken."""
    ways: dict[str, Callable[[Statement], None]] = {
        "tcp-clients": lambda each: _number(
            each, outcome, "tcp_connections_max", 1, CONNECTIONS_LIMIT
        ),
        "tcp-idle-timeout": lambda each: _seconds(each, outcome, "tcp_idle"),
        "tcp-keepalive-timeout": lambda each: _seconds(each, outcome, "tcp_keepalive"),
        "rate-limit": lambda each: _rates(each, outcome),
    }
    if "tcp_idle" not in outcome.known:
        return set()
    for name, take in ways.items():
        for statement in names_in(body, name)[:1]:
            take(statement)
    return set(ways)


def _number(
    statement: Statement, outcome: Outcome, key: str, least: int, most: int
) -> None:
    text = statement.value()
    if text.isdecimal():
        outcome.settings.append(("dns", key, min(max(int(text), least), most)))
        said = f"{key} in [dns]{_IN_EACH}"
        outcome.note(statement.token, statement.name, said, taken=True)


def _seconds(statement: Statement, outcome: Outcome, key: str) -> None:
    """Take a time, a tenth of a second as a whole one."""
    text = statement.value()
    if text.isdecimal():
        seconds = min(max(-(-int(text) // TENTHS), 1), SILENCE_LIMIT_S)
        outcome.settings.append(("dns", key, seconds))
        said = f"{key} in [dns], in seconds"
        outcome.note(statement.token, statement.name, said, taken=True)


def _rates(statement: Statement, outcome: Outcome) -> None:
    """Take how many equal answers there are, and how many are cut short."""
    for each in statement.body():
        if each.name == "responses-per-second":
            _number(each, outcome, "rate_max", 0, RATE_LIMIT)
        elif each.name == "slip":
            _number(each, outcome, "rate_slip", 0, SLIP_LIMIT)
        else:
            why = OTHERWISE
            if each.name == "exempt-clients":
                why = "who may recurse is exempt: see allow_recursion in [dns]"
            outcome.note(each.token, f"rate-limit: {each.name}", why)
