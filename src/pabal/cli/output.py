"""What commands print: for people a table or lines, with ``--json`` one value."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeVar

import click

T = TypeVar("T")
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def emit(value: Json) -> None:
    """Print ``value`` as JSON on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows`` under ``headers``, columns aligned, Hangul two columns wide."""
    lines = [headers, *rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(headers))]
    for number, line in enumerate(lines):
        cells = [text + " " * (widths[i] - width(text)) for i, text in enumerate(line)]
        text = "  ".join(cells).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def width(text: str) -> int:
    """Return the columns ``text`` takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def done(text: str, *, as_json: bool, facts: Mapping[str, Json] | None = None) -> None:
    """Say that a change was made."""
    if as_json:
        emit({"ok": True, **(facts or {})})
    else:
        click.echo(text)
