"""``pabal zone``: what this name server answers with."""

from pathlib import Path

import click
import dns.name

from pabal.app.office import zones_office
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import EXIT_USAGE, config_option, json_option
from pabal.cli.zone_import import import_
from pabal.config.load import load_or_raise


@click.group()
def zone() -> None:
    """Zones: list, show, check, reload, import."""


zone.add_command(import_)


@zone.command("list")
@config_option
@json_option
def list_(directory: Path | None, *, as_json: bool) -> None:
    """List the zones: where they come from, their serials, their size."""
    with zones_office(load_or_raise(directory)) as office:
        zones = office.summaries()
    if as_json:
        output.emit(
            {
                "zones": [
                    {
                        "zone": z.name,
                        "serial": z.serial,
                        "records": z.records,
                        "file": z.file,
                    }
                    for z in zones
                ]
            }
        )
    elif zones:
        output.table(
            ("ZONE", "SERIAL", "RECORDS", "FILE"),
            [(z.name, str(z.serial), str(z.records), z.file or "-") for z in zones],
        )
    else:
        click.echo("No zone yet: `pabal domain add DOMAIN`, or a file in zones/.")


@zone.command()
@click.argument("name", metavar="ZONE")
@config_option
@json_option
def show(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Show the records of ZONE.

    FROM says where each is from: the owner's file, which always wins; derived from
    this server's domains, keys and certificate; or a copy of another server's zone.
    """
    with zones_office(load_or_raise(directory)) as office:
        records = office.records(_absolute(name))
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
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, directory: Path | None, *, as_json: bool) -> None:
    """Check every zone; says what is wrong, where, and how to mend it."""
    with zones_office(load_or_raise(directory)) as office:
        problems = office.problems()
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
            click.echo("All zones are well.")
    if any(not problem.warning for problem in problems):
        ctx.exit(EXIT_USAGE)


@zone.command()
@config_option
@json_option
def reload(directory: Path | None, *, as_json: bool) -> None:
    """Let the running server read changed zones.

    It does so by itself within a second; a zone with a mistake stays as it was.
    """
    with zones_office(load_or_raise(directory)) as office:
        problems = office.problems()
        office.ring()
    if not as_json:
        for problem in problems:
            click.echo(problem.render())
    output.done("The server reads its zones again.", as_json=as_json)


def _absolute(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text)
    except dns.exception.DNSException as error:
        reason = str(error).rstrip(".")
        raise OperatorError(f"{text!r} is not a name: {reason}.") from error
