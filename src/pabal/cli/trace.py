"""``pabal trace``: the way of a message, hop by hop."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from pabal.app.office import open_traces
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import EXIT_FAILED, config_option, json_option
from pabal.config.load import load_or_raise
from pabal.trace.brief import brief, is_question
from pabal.trace.ports import Stage, TraceEvent, TraceReader
from pabal.trace.way import Hop, Way, way_of

TO_COUNT: Final = 10
"""Ways shown with --to."""

COLOURS: Final = {
    Stage.DELIVERED: "green",
    Stage.FETCHED: "green",
    Stage.SENT: "green",
    Stage.DEFERRED: "yellow",
    Stage.REFUSED: "red",
    Stage.BOUNCED: "red",
}


@click.command()
@click.argument("message_id", required=False, default="")
@click.option("--last", is_flag=False, flag_value=1, type=int, help="The last N ways.")
@click.option("--to", "address", default="", help="The last ways to this address.")
@click.option(
    "--dialogue", is_flag=True, help="Show every fact, and what the servers said."
)
@config_option
@json_option
@click.pass_context
def trace(  # noqa: PLR0913 (an option each)
    ctx: click.Context,
    message_id: str,
    last: int | None,
    address: str,
    directory: Path | None,
    *,
    dialogue: bool,
    as_json: bool,
) -> None:
    """Show the way of a message, hop by hop.

    With the DNS questions asked for it. MESSAGE_ID may have its angle brackets.
    """
    reader = open_traces(load_or_raise(directory))
    try:
        ways = [way_of(events) for events in _events(reader, message_id, last, address)]
    finally:
        reader.close()
    if as_json:
        output.emit({"ways": [_facts(way) for way in ways]})
    else:
        for way in ways:
            _show(way, dialogue=dialogue)
    if not ways:
        if not as_json:
            click.echo("No trace of that; they are kept for 30 days.", err=True)
        ctx.exit(EXIT_FAILED)


def _events(
    reader: TraceReader, message_id: str, last: int | None, address: str
) -> Sequence[Sequence[TraceEvent]]:
    if message_id:
        events = reader.by_message_id(message_id.strip("<>"))
        return [events] if events else []
    if address:
        return reader.to(address, last or TO_COUNT)
    if last is not None:
        return reader.last(last)
    raise OperatorError(
        "which message?", "Name its Message-ID, or use --last or --to ADDRESS."
    )


def _show(way: Way, *, dialogue: bool) -> None:
    name = f"<{way.message_id}>" if way.message_id else "(no Message-ID)"
    click.echo(click.style(name, bold=True))
    start = way.hops[0].at if way.hops else 0.0
    if way.hops:
        click.echo(time.strftime("  %Y-%m-%d %H:%M:%S", time.localtime(start)))
    for hop in way.hops:
        _show_hop(hop, start, dialogue=dialogue)
    click.echo()


def _show_hop(hop: Hop, start: float, *, dialogue: bool) -> None:
    label, colour, recipient = "asks", "yellow", ""
    if not is_question(hop):
        label, colour = hop.stage.value, COLOURS.get(hop.stage, "")
        recipient = f"<{hop.recipient}> " if hop.recipient else ""
        for question in hop.questions:
            click.echo(
                click.style(
                    f"  {'':>9}  {question.host}  asks       {question.question}"
                    f" @ {question.asked}: {question.answer}",
                    fg="yellow",
                )
            )
    click.echo(
        f"  {(hop.at - start) * 1000:>6.0f} ms  {hop.host}  "
        + click.style(f"{label:<9}", bold=not is_question(hop), fg=colour or None)
        + f"  {recipient}{brief(hop)}"
    )
    if dialogue:
        for line in (
            *([hop.detail] if hop.detail != brief(hop) else []),
            *hop.dialogue,
        ):
            click.echo(click.style(f"  {'':>9}    {line}", dim=True))


def _facts(way: Way) -> dict[str, output.Json]:
    return {
        "message_id": way.message_id,
        "hops": [
            {
                "host": hop.host,
                "stage": hop.stage.value,
                "at": hop.at,
                "ms": hop.ms,
                "recipient": hop.recipient,
                "detail": hop.detail,
                "dialogue": list(hop.dialogue),
            }
            for hop in way.hops
        ],
        "questions": [
            {
                "host": question.host,
                "question": question.question,
                "asked": question.asked,
                "answer": question.answer,
                "ms": question.ms,
            }
            for question in way.questions
        ],
    }
