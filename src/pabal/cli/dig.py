"""``pabal dig``: ask the own resolver, and see every step."""

import asyncio
from pathlib import Path

import click
import dns.exception
import dns.name
import dns.rdatatype

from pabal.app.office import explain_name
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import EXIT_FAILED, config_option, json_option
from pabal.config.load import load_or_raise
from pabal.dns.resolver.explanation import Explanation


@click.command()
@click.argument("name")
@click.argument("rdtype", default="A", metavar="[TYPE]")
@config_option
@json_option
@click.pass_context
def dig(
    ctx: click.Context, name: str, rdtype: str, directory: Path | None, *, as_json: bool
) -> None:
    """Resolve NAME step by step, as the server would.

    It starts from an empty cache, so every question is seen. TYPE is A unless given.
    """
    try:
        wanted = dns.rdatatype.from_text(rdtype)
        absolute = dns.name.from_text(name)
    except (dns.exception.DNSException, ValueError) as error:
        reason = str(error).rstrip(".")
        raise OperatorError(f"{name} {rdtype}: {reason}.") from error
    found = asyncio.run(explain_name(load_or_raise(directory), absolute, wanted))
    if as_json:
        output.emit(_facts(found))
    else:
        _show(found)
    if found.trouble:
        ctx.exit(EXIT_FAILED)


def _show(found: Explanation) -> None:
    for number, step in enumerate(found.steps, 1):
        click.echo(
            f"{number:>3}  {step.name} {step.rdtype}"
            + click.style(f"  @ {step.server}{_of_zone(step.zone)}", dim=True)
        )
        click.echo(
            f"     {step.outcome}"
            + click.style(f"  {step.elapsed_ms:.1f} ms", dim=True)
        )
    if found.steps:
        click.echo()
    click.echo(
        click.style(f"{found.rcode}", bold=True) + f"  {found.elapsed_ms:.1f} ms"
    )
    for line in found.answer:
        click.echo(line)
    for line in found.authority:
        click.echo(click.style(line, dim=True))
    if found.trouble:
        click.echo(f"Why: {found.trouble}")


def _of_zone(zone: str) -> str:
    """Say whose server it is; our own zones have none to ask."""
    return f" (zone {zone})" if zone else ""


def _facts(found: Explanation) -> dict[str, output.Json]:
    return {
        "name": found.name,
        "type": found.rdtype,
        "rcode": found.rcode,
        "answer": list(found.answer),
        "authority": list(found.authority),
        "security": found.security.value,
        "authoritative": found.authoritative,
        "trouble": found.trouble,
        "ms": found.elapsed_ms,
        "steps": [
            {
                "name": step.name,
                "type": step.rdtype,
                "asked": step.server,
                "zone": step.zone,
                "outcome": step.outcome,
                "ms": step.elapsed_ms,
            }
            for step in found.steps
        ],
    }
