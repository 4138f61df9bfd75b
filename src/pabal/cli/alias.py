"""``pabal alias``: addresses that stand for others."""

from pathlib import Path

import click

from pabal.app.office import administration
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise


@click.group()
def alias() -> None:
    """Aliases: add, list, remove."""


@alias.command()
@click.argument("address")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@config_option
@json_option
def add(
    address: str, targets: tuple[str, ...], directory: Path | None, *, as_json: bool
) -> None:
    """Let ADDRESS stand for TARGETs.

    @DOMAIN stands for every address of the domain that nobody has.
    """
    with administration(load_or_raise(directory)) as office:
        office.directory.add_alias(address, targets)
        office.rang()
    output.done(f"{address} goes to {', '.join(targets)}.", as_json=as_json)


@alias.command("list")
@config_option
@json_option
def list_(directory: Path | None, *, as_json: bool) -> None:
    """List the aliases."""
    with administration(load_or_raise(directory)) as office:
        aliases = office.directory.aliases()
    if as_json:
        output.emit(
            {
                "aliases": [
                    {"address": a.address, "targets": list(a.targets)} for a in aliases
                ]
            }
        )
    elif aliases:
        output.table(
            ("ADDRESS", "TARGETS"), [(a.address, ", ".join(a.targets)) for a in aliases]
        )
    else:
        click.echo("No alias yet: `pabal alias add ADDRESS TARGET`.")


@alias.command()
@click.argument("address")
@config_option
@json_option
def remove(address: str, directory: Path | None, *, as_json: bool) -> None:
    """Remove the alias ADDRESS with all its targets."""
    with administration(load_or_raise(directory)) as office:
        office.directory.remove_alias(address)
        office.rang()
    output.done(f"{address} stands for nobody now.", as_json=as_json)
