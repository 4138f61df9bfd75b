"""``pabal check``: every mistake of the configuration at once."""

from pathlib import Path
from typing import Final

import click

from pabal.app.named import check_named, is_named_conf
from pabal.app.office import check_zone_file, check_zones
from pabal.app.visitors import console_problems
from pabal.cli import output
from pabal.cli.options import EXIT_USAGE, config_option, json_option
from pabal.cli.remote import LocalPath
from pabal.config.load import find_file, load
from pabal.config.problem import Problem

ZONE_SUFFIXES: Final = (".zone", ".db")


@click.command()
@click.argument("files", nargs=-1, type=LocalPath(path_type=Path), metavar="[FILE]...")
@config_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    directory: Path | None,
    *,
    as_json: bool,
) -> None:
    """Check the configuration and the zones, all at once.

    With FILEs only those: a pabal.toml, master files (.zone, .db), or a named.conf
    of BIND with what it includes and its zones.
    """
    names = list(files) or [find_file(directory)]
    problems: list[Problem] = []
    checked = 0
    for file in names:
        if file.suffix in ZONE_SUFFIXES:
            problems += check_zone_file(file)
            checked += 1
            continue
        if is_named_conf(file):
            named = check_named(file)
            problems += named.problems
            checked += named.files
            continue
        loaded = load(find_file(file))
        problems += loaded.problems
        checked += 1
        if loaded.settings is not None and not files:
            found, count = check_zones(loaded.settings, loaded.file)
            problems += found
            problems += console_problems(loaded.settings, loaded.file)
            checked += count
    _show(problems, checked, as_json=as_json)
    if any(not problem.warning for problem in problems):
        ctx.exit(EXIT_USAGE)


def _show(problems: list[Problem], checked: int, *, as_json: bool) -> None:
    errors = sum(not problem.warning for problem in problems)
    if as_json:
        output.emit({"ok": errors == 0, "problems": [p.facts() for p in problems]})
        return
    for problem in problems:
        click.echo(problem.render())
    files = "1 file" if checked == 1 else f"{checked} files"
    if problems:
        warnings = len(problems) - errors
        click.echo(f"\n{files}: {errors} error(s), {warnings} warning(s).")
    else:
        click.echo(f"{files}: all well.")
