"""``pabal dig``: ask the own resolver, and see every step."""

import asyncio
from pathlib import Path
from typing import Final

import click
import dns.exception
import dns.name
import dns.rdatatype

from pabal.app.explaining import explain_name
from pabal.base.errors import OperatorError
from pabal.cli import dig_trace, output
from pabal.cli.options import EXIT_FAILED, config_option, json_option
from pabal.config.load import load_or_raise
from pabal.dns.resolver.explanation import Explanation

_SPELLING: Final = dns.name.IDNA2008Codec(uts_46=True, allow_pure_ascii=True)
"""As browsers and mail spell names; ``_dmarc`` is as good as any label."""


@click.command()
@click.argument("name")
@click.argument("rdtype", default="A", metavar="[TYPE]")
@click.option(
    "--trace",
    is_flag=True,
    help="Explain: the questions, the chain of trust, the cache afterwards.",
)
@click.option(
    "--view",
    metavar="VIEW",
    default="",
    help="As the clients of [dns.view.VIEW] see it; without: who is in no view.",
)
@config_option
@json_option
def dig(
    name: str,
    rdtype: str,
    directory: Path | None,
    *,
    view: str,
    trace: bool,
    as_json: bool,
) -> None:
    """Resolve NAME step by step, as the server would.

    It starts from an empty cache, so every question is seen. TYPE is A unless given.
    """
    try:
        wanted = dns.rdatatype.from_text(rdtype)
        absolute = dns.name.from_text(name, idna_codec=_SPELLING)
    except (dns.exception.DNSException, ValueError) as error:
        reason = str(error).rstrip(".")
        raise OperatorError(f"{name} {rdtype}: {reason}.") from error
    settings = load_or_raise(directory)
    found = asyncio.run(explain_name(settings, absolute, wanted, view))
    if as_json:
        output.emit(_facts(found, trace=trace))
    elif trace:
        _explain(found)
    else:
        _show(found)
    if found.trouble:
        click.get_current_context().exit(EXIT_FAILED)


def _show(found: Explanation) -> None:
    written = dig_trace.spelt(found.name)
    if written:
        click.echo(f"{written} is {found.name}")
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
    _answer(found)


def _answer(found: Explanation) -> None:
    click.echo(
        click.style(f"{found.rcode}", bold=True) + f"  {found.elapsed_ms:.1f} ms"
    )
    for line in found.answer:
        written = dig_trace.spelt(line)
        click.echo(line + (click.style(f"  ; {written}", dim=True) if written else ""))
    for line in found.authority:
        click.echo(click.style(line, dim=True))
    if found.trouble:
        click.echo(f"Why: {found.trouble}")
    verdict = dig_trace.verdict(found)
    if verdict:
        click.echo(f"DNSSEC: {verdict}")
    for line in dig_trace.remedies(found):
        click.echo(line)


def _explain(found: Explanation) -> None:
    """Tell a learner how the answer was found, and why it is believed."""
    written = dig_trace.spelt(found.name)
    if written:
        click.echo(f"{written} is {found.name} in the DNS, where names are ASCII")
    sent, known = dig_trace.asked(found.steps)
    _heading(f"Questions: {sent} sent, {known} answered without asking")
    _note("from an empty cache; `pabal cache show` tells what the server knows")
    if dig_trace.is_minimised(found):
        _note("servers see no more of the name than they need: QNAME minimisation")
    for line in dig_trace.questions(found.steps, found.rdtype, found.name):
        click.echo(line)
    links = list(dig_trace.chain_of_trust(found.steps))
    if links:
        _heading("Chain of trust, from the trust anchor down")
        for line in links:
            click.echo(f"  {line}")
        for line in dig_trace.links_legend(found.steps):
            click.echo(click.style(line, dim=True))
    _heading("Answer")
    _answer(found)
    if found.kept:
        _heading("In the cache now")
        output.table(
            ("NAME", "TYPE", "FOR", "BELIEVED", "WHAT"),
            list(dig_trace.cache(found.kept)),
        )
        for line in dig_trace.legend(found.kept):
            click.echo(click.style(line, dim=True))


def _heading(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True))


def _note(text: str) -> None:
    click.echo(click.style(f"({text})", dim=True))


def _of_zone(zone: str) -> str:
    """Say whose server it is; our own zones have none to ask."""
    return f" (zone {zone})" if zone else ""


def _facts(found: Explanation, *, trace: bool) -> dict[str, output.Json]:
    facts: dict[str, output.Json] = {
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
    if trace:
        facts["cache"] = [
            {
                "name": each.name,
                "type": each.rdtype,
                "ttl": each.ttl_s,
                "what": each.what,
                "trust": each.trust,
                "security": each.security,
            }
            for each in found.kept
        ]
    return facts
