"""What commands print: for people a table or lines, with ``--json`` one value."""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import Progress

T = TypeVar("T")
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def emit(value: Json) -> None:
    """Print ``value`` as JSON on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows`` under ``headers``, columns aligned, Hangul two columns wide."""
    lines = [headers, *rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    made = ["  ".join(map(_padded, line, widths)).rstrip() for line in lines]
    made[0] = click.style(made[0], bold=True)
    # At once: there may be a hundred thousand.
    click.echo("\n".join(made))


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    """Return the columns ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def done(text: str, *, as_json: bool, facts: Mapping[str, Json] | None = None) -> None:
    """Say that a change was made."""
    if as_json:
        emit({"ok": True, **(facts or {})})
    else:
        click.echo(text)


@contextmanager
def progress(text: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; yield what is told how much of how much is done.

    Nothing is shown where nobody looks: in a pipe, or if ``quiet``.
    """
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
