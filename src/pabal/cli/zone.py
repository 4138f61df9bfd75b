"""``pabal zone``: what this name server answers with."""

from collections.abc import Sequence
from pathlib import Path

import click

from pabal.app.inventory import ZoneSummary, no_collection
from pabal.app.office import (
    changed_problems,
    check_zone,
    check_zone_file,
    list_zones,
    ring_zones,
    zones_office,
)
from pabal.base.errors import NotFoundError
from pabal.cli import output
from pabal.cli.options import EXIT_USAGE, config_option, json_option
from pabal.cli.remote import LocalPath
from pabal.cli.zone_dnssec import dnssec
from pabal.cli.zone_edit import absolute, edit, undo
from pabal.cli.zone_import import import_
from pabal.config.load import load_or_raise
from pabal.config.problem import Problem


@click.group()
def zone() -> None:
    """Zones: list, show, check, edit, undo, reload, import, sign."""


for command in (import_, edit, undo, dnssec):
    zone.add_command(command)


@zone.command("list")
@config_option
@json_option
def list_(directory: Path | None, *, as_json: bool) -> None:
    """List the zones: where they come from, their serials, their size.

    Without a SERIAL: the server makes it when it reads the zone.
    STATE is ok; kept: the file has a mistake, and the last good version is served;
    wrong: it has one, and there is no version before. `pabal zone check` says which.
    """
    settings = load_or_raise(directory)
    with no_collection():
        zones = list_zones(settings)
        if as_json:
            facts = [_facts(each) for each in zones]
            output.emit({"zones": facts})
        elif zones:
            output.table(
                ("ZONE", "SERIAL", "RECORDS", "FILE", "STATE"), [*map(_cells, zones)]
            )
        else:
            click.echo("No zone yet: `pabal domain add DOMAIN`, or a file in zones/.")


def _facts(zone: ZoneSummary) -> dict[str, output.Json]:
    return {
        "zone": zone.name,
        "serial": zone.serial,
        "records": zone.records,
        "file": zone.file,
        "state": zone.state,
    }


def _cells(zone: ZoneSummary) -> tuple[str, ...]:
    name, serial, records, file, state = zone
    return name, str(serial or "-"), str(records), file or "-", state


@zone.command()
@click.argument("name", metavar="ZONE")
@config_option
@json_option
def show(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Show the records of ZONE.

    FROM says where each is from: the owner's file, which always wins; derived from
    this server's domains, keys and certificate; set by a dynamic update; added by
    signing; or a copy of another server's zone.
    """
    with zones_office(load_or_raise(directory)) as office:
        records = office.records(absolute(name))
    if as_json:
        output.emit(
            {
                "zone": name,
                "records": [
                    {
                        "name": r.owner,
                        "ttl": r.ttl_s,
                        "type": r.rdtype,
                        "data": r.rdata,
                        "from": r.origin,
                    }
                    for r in records
                ],
            }
        )
        return
    output.table(
        ("NAME", "TTL", "TYPE", "FROM", "DATA"),
        [(r.owner, str(r.ttl_s), r.rdtype, r.origin, r.rdata) for r in records],
    )


@zone.command()
@click.argument("name", metavar="[DOMAIN]", required=False)
@click.argument(
    "file",
    required=False,
    type=LocalPath(exists=True, dir_okay=False, path_type=Path),
)
@config_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    name: str | None,
    file: Path | None,
    directory: Path | None,
    *,
    as_json: bool,
) -> None:
    """Check every zone, or DOMAIN; says what is wrong, and where.

    With FILE, that one is read as the master file of DOMAIN, wherever it is and
    whether DOMAIN is served here or not.
    """
    problems = _problems(name, file, directory)
    if as_json:
        output.emit(
            {
                "ok": not any(not p.warning for p in problems),
                "problems": [p.facts() for p in problems],
            }
        )
    else:
        for problem in problems:
            click.echo(problem.render())
        if not problems:
            what = "All zones are" if name is None else f"Zone {name} is"
            click.echo(f"{what} well.")
    if any(not problem.warning for problem in problems):
        ctx.exit(EXIT_USAGE)


def _problems(
    name: str | None, file: Path | None, directory: Path | None
) -> Sequence[Problem]:
    """Return what is wrong with a file, a zone, or all zones."""
    if name is not None and file is not None:
        text = absolute(name).to_text(omit_final_dot=True)
        return check_zone_file(file, text)
    settings = load_or_raise(directory)
    if name is None:
        with zones_office(settings) as office:
            return office.problems()
    found = check_zone(settings, absolute(name))
    if found is None:
        raise NotFoundError(
            f"there is no zone {absolute(name).to_text(omit_final_dot=True)} of ours.",
            "`pabal zone list` shows the zones; a file is checked with "
            f"`pabal zone check {name} FILE`.",
        )
    return found


@zone.command()
@click.argument("name", metavar="[DOMAIN]", required=False)
@config_option
@json_option
def reload(name: str | None, directory: Path | None, *, as_json: bool) -> None:
    """Let the running server read changed zones, or DOMAIN only.

    It does so by itself, within a second unless there are thousands of files; a zone
    with a mistake stays as it was.
    """
    settings = load_or_raise(directory)
    if name is None:
        # First: to look here at a hundred thousand files takes a while.
        ring_zones(settings, asked=True)
        problems: Sequence[Problem] = changed_problems(settings)
    else:
        ring_zones(settings, absolute(name))
        problems = _problems(name, None, directory)
    if not as_json:
        for problem in problems:
            click.echo(problem.render())
    done = "its zones" if name is None else f"zone {name}"
    output.done(f"The server reads {done} again.", as_json=as_json)
