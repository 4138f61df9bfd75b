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
    columns = [
        _aligned([header, *[row[place] for row in rows]])
        for place, header in enumerate(headers)
    ]
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    lines[0] = click.style(lines[0], bold=True)
    # At once: there may be a hundred thousand.
    click.echo("\n".join(lines))


def _aligned(cells: Sequence[str]) -> list[str]:
    """Return ``cells``, each as wide as the widest."""
    if "".join(cells).isascii():
        widest = max(map(len, cells))
        return [text.ljust(widest) for text in cells]
    widest = max(map(width, cells))
    return [text + " " * (widest - width(text)) for text in cells]


def width(text: str) -> int:
    """Return the columns ``text`` takes on a terminal."""
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
