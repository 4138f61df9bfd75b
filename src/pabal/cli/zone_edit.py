"""``pabal zone edit`` and ``pabal zone undo``: a zone changed without fear."""

import enum
import shutil
import sys
from pathlib import Path
from typing import Final

import click
import dns.exception
import dns.name

from pabal.app.editing import Verdict, ZoneEditing
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import EXIT_FAILED, config_option, json_option
from pabal.config.load import load_or_raise

_YES: Final = click.option("--yes", "-y", is_flag=True, help="Ask nothing.")


@click.command()
@click.argument("name", metavar="DOMAIN")
@_YES
@config_option
@json_option
@click.pass_context
def edit(
    ctx: click.Context, name: str, directory: Path | None, *, yes: bool, as_json: bool
) -> None:
    """Edit the file of DOMAIN in $VISUAL or $EDITOR.

    What you write is checked before it is served; the difference is shown; the serial
    number grows by itself. A version with a mistake changes nothing. The version before
    is kept: `pabal zone undo DOMAIN`.
    """
    editing = ZoneEditing(load_or_raise(directory), absolute(name))
    draft = editing.draft(editing.text())
    asks = _is_there() and not (yes or as_json)
    while True:
        end = _session(editing, draft, asks=asks, as_json=as_json)
        if end is not None:
            break
    if end is End.WRONG:
        click.echo(f"Nothing was changed. What you wrote is in {draft}.", err=True)
        ctx.exit(EXIT_FAILED)
    shutil.rmtree(draft.parent)
    output.done(end.value, as_json=as_json, facts={"changed": end is End.SAVED})


class End(enum.Enum):
    """How editing ended; what is said then."""

    SAVED = "The server reads it within a second."
    SAME = "Nothing changed."
    REFUSED = "Nothing was changed."
    WRONG = "It has a mistake."


def _session(
    editing: ZoneEditing, draft: Path, *, asks: bool, as_json: bool
) -> End | None:
    """Let an editor work on ``draft`` once; ``None``: it is to go on."""
    _edit(draft)
    text = draft.read_text(encoding="utf-8")
    if text == editing.text():
        return End.SAME
    verdict = editing.judge(text)
    if not as_json or verdict.is_wrong:
        _tell(verdict)
    if not verdict.is_wrong and (
        not asks or click.confirm("Serve this?", default=True)
    ):
        written = editing.raised(text, verdict)
        editing.save(written)
        if written != text and not as_json:
            click.echo("The serial number was raised.")
        return End.SAVED
    if asks and click.confirm("Edit again?", default=True):
        return None
    return End.WRONG if verdict.is_wrong else End.REFUSED


@click.command()
@click.argument("name", metavar="DOMAIN")
@_YES
@config_option
@json_option
@click.pass_context
def undo(
    ctx: click.Context, name: str, directory: Path | None, *, yes: bool, as_json: bool
) -> None:
    """Go back to the version of DOMAIN before the last `pabal zone edit`.

    Again and again: one version further each time. The serial number goes on, so that
    secondaries follow.
    """
    editing = ZoneEditing(load_or_raise(directory), absolute(name))
    text = editing.undo()
    verdict = editing.judge(text)
    if not as_json:
        _tell(verdict)
    if verdict.is_wrong:
        raise OperatorError(
            f"the version before has mistakes: {editing.versions()[-1]}.",
            "Nothing was changed.",
        )
    if not (yes or as_json or not _is_there()) and not click.confirm("Go back?"):
        click.echo("Nothing was changed.")
        ctx.exit(EXIT_FAILED)
    aside = editing.take_back(text)
    left = len(editing.versions())
    output.done(
        f"{name} is as it was; what it was until now is in {aside}.",
        as_json=as_json,
        facts={"zone": name, "versions": left, "aside": str(aside)},
    )


def absolute(text: str) -> dns.name.Name:
    """Return the zone called ``text``.

    Raises:
        OperatorError: It is no name.
    """
    try:
        return dns.name.from_text(text).canonicalize()
    except (dns.exception.DNSException, UnicodeError) as error:
        reason = str(error).rstrip(".")
        raise OperatorError(f"{text!r} is not a name: {reason}.") from error


def _tell(verdict: Verdict) -> None:
    for problem in verdict.problems:
        click.echo(problem, err=verdict.is_wrong)
    for line in verdict.lines or ():
        click.secho(line, fg="green" if line.startswith("+") else "red")
    if verdict.lines == ():
        click.echo("No record changes.")


def _is_there() -> bool:
    return sys.stdin.isatty()


def _edit(path: Path) -> None:
    """Let an editor work on ``path``.

    Raises:
        OperatorError: There is none, or it failed.
    """
    try:
        # VISUAL, EDITOR, else what is installed.
        click.edit(filename=str(path))
    except click.ClickException as error:
        raise OperatorError(
            f"no editing: {error.format_message()}.",
            f"Name another: EDITOR=nano pabal zone edit …; the text is in {path}.",
        ) from error
