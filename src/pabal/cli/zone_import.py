"""``pabal zone import``: what BIND served, served by pabal."""

from collections.abc import Sequence
from pathlib import Path

import click

from pabal.app.named import Copied, ZoneCopy, check_named, copy_zones, write_keys
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import EXIT_FAILED, EXIT_USAGE, config_option, json_option
from pabal.cli.remote import LocalPath
from pabal.config.load import load_or_raise, options
from pabal.config.named.check import Checked
from pabal.config.named.keys import KEYS_FILE
from pabal.config.named.outcome import VIEWS, Note, Takeover
from pabal.config.named.takeover import take_over


@click.command("import")
@click.argument(
    "file", metavar="FILE", type=LocalPath(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@config_option
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    file: Path,
    directory: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take over the zones and settings of a BIND named.conf.

    Copies master files into zones/ and views/NAME/, TSIG keys into tsig.keys;
    overwrites nothing.
    The lines for pabal.toml are printed, not written; so is what was not taken over,
    and why.
    """
    settings = load_or_raise(directory)
    zones = settings.dns.zones
    checked = check_named(file)
    wrong = [p for p in checked.parsed.problems if not p.warning]
    if wrong:
        _refuse(checked, as_json=as_json)
        ctx.exit(EXIT_USAGE)
    known = frozenset(option.key for option in options().get("dns", ()))
    takeover = take_over(checked, known)
    views = settings.directory / VIEWS
    copies = copy_zones(takeover, checked, zones, views, dry_run=dry_run)
    keys = settings.directory / KEYS_FILE
    written = Copied.SAME
    if takeover.secrets:
        written = write_keys(takeover, keys, dry_run=dry_run)
    if as_json:
        output.emit(_facts(takeover, copies))
    else:
        _tell(takeover, copies, dry_run=dry_run)
    if written is Copied.DIFFERS:
        raise OperatorError(
            f"{keys} is there already and holds other keys.",
            "Move it away and import again, or add the keys to it yourself.",
        )
    if any(copy.outcome in {Copied.WRONG, Copied.DIFFERS} for copy in copies):
        ctx.exit(EXIT_FAILED)


def _refuse(checked: Checked, *, as_json: bool) -> None:
    if as_json:
        problems = [problem.facts() for problem in checked.problems]
        output.emit({"ok": False, "problems": problems})
        return
    for problem in checked.problems:
        click.echo(problem.render())
    click.echo("\nNothing was taken over: mend this first.")


def _tell(takeover: Takeover, copies: Sequence[ZoneCopy], *, dry_run: bool) -> None:
    for copy in copies:
        for problem in copy.problems:
            click.echo(problem.render())
    _heading("To be taken over:" if dry_run else "Taken over:")
    output.table(
        ("WHAT", "WHERE TO"),
        [
            *(
                (
                    f"zone {copy.zone.name}",
                    f"{copy.zone.directory}/{copy.zone.target}{_said(copy)}",
                )
                for copy in copies
                if copy.outcome in {Copied.NEW, Copied.SAME}
            ),
            *((note.what, note.why) for note in takeover.notes if note.taken),
        ],
    )
    left = [(n.what, n.place, n.why) for n in takeover.notes if not n.taken]
    left += [
        (f"zone {copy.zone.name}", copy.zone.place, copy.outcome.value)
        for copy in copies
        if copy.outcome in {Copied.WRONG, Copied.DIFFERS}
    ]
    if left:
        _heading("Not taken over:")
        output.table(("WHAT", "PLACE", "WHY"), left)
    if takeover.settings:
        _heading("For pabal.toml:")
        click.echo(takeover.toml())


def _heading(text: str) -> None:
    click.echo(f"\n{text}\n")


def _said(copy: ZoneCopy) -> str:
    return f" ({copy.outcome.value})" if copy.outcome is Copied.SAME else ""


def _facts(takeover: Takeover, copies: Sequence[ZoneCopy]) -> dict[str, output.Json]:
    return {
        "ok": all(copy.outcome in {Copied.NEW, Copied.SAME} for copy in copies),
        "zones": [
            {
                "zone": copy.zone.name,
                "file": copy.zone.target,
                "directory": copy.zone.directory,
                "from": copy.zone.path,
                "outcome": copy.outcome.name.lower(),
                "problems": [problem.facts() for problem in copy.problems],
            }
            for copy in copies
        ],
        "settings": [
            {"table": table, "key": key, "value": value}
            for table, key, value in takeover.settings
        ],
        "toml": takeover.toml(),
        "notes": [_note(note) for note in takeover.notes],
    }


def _note(note: Note) -> dict[str, output.Json]:
    return {
        "taken": note.taken,
        "what": note.what,
        "why": note.why,
        "place": note.place,
    }
