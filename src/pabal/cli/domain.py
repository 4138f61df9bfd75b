"""``pabal domain``: which domains are hosted."""

from pathlib import Path

import click

from pabal.app.office import administration
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.message.address import domain_to_ascii, domain_to_unicode


@click.group()
def domain() -> None:
    """Hosted domains: add, list, show, remove."""


@domain.command()
@click.argument("name", metavar="DOMAIN")
@config_option
@json_option
def add(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Host DOMAIN: take its mail, sign for it, answer for its names."""
    settings = load_or_raise(directory)
    with administration(settings) as office:
        office.add_domain(name)
        records = office.derived.records(domain_to_ascii(name))
    if as_json:
        output.emit({"ok": True, "domain": name, "records": len(records)})
        return
    click.echo(f"{name} is hosted here now.")
    click.echo(f"Let its registrar point NS at {settings.hostname}, or publish what")
    click.echo(f"`pabal domain show {name}` prints at the name server it has.")


@domain.command("list")
@config_option
@json_option
def list_(directory: Path | None, *, as_json: bool) -> None:
    """List the hosted domains."""
    with administration(load_or_raise(directory)) as office:
        names = [domain_to_unicode(name) for name in office.directory.domains()]
    if as_json:
        output.emit({"domains": names})
    else:
        click.echo("\n".join(names) or "No domain yet: `pabal domain add DOMAIN`.")


@domain.command()
@click.argument("name", metavar="DOMAIN")
@config_option
@json_option
def show(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Show the DNS records DOMAIN should have.

    The own name server serves them; another one must be told.
    """
    with administration(load_or_raise(directory)) as office:
        office.expect_hosted(name)
        records = office.derived.records(domain_to_ascii(name))
    if as_json:
        output.emit(
            {
                "domain": name,
                "records": [
                    {"name": r.owner, "type": r.rdtype, "ttl": r.ttl_s, "data": r.rdata}
                    for r in records
                ],
            }
        )
        return
    output.table(
        ("NAME", "TTL", "TYPE", "DATA"),
        [(r.owner, str(r.ttl_s), r.rdtype, r.rdata) for r in records],
    )


@domain.command()
@click.argument("name", metavar="DOMAIN")
@config_option
@json_option
def remove(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Host DOMAIN no longer; its accounts must be removed before."""
    with administration(load_or_raise(directory)) as office:
        office.remove_domain(name)
    output.done(f"{name} is hosted here no longer.", as_json=as_json)
