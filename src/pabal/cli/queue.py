"""``pabal queue``: mail on its way out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import click

from pabal.app.office import queue_office
from pabal.base.clock import SystemClock
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.mta.queue.control import QueueControl
from pabal.mta.queue.item import QueuedRecipient, QueueItem

MINUTE, HOUR, DAY = 60, 3600, 86400


@click.group()
def queue() -> None:
    """The queue: list, show, retry, hold, release, remove, bounce."""


@queue.command("list")
@click.option("--after", default="", help="Go on behind this id.")
@config_option
@json_option
def list_(after: str, directory: Path | None, *, as_json: bool) -> None:
    """List what waits, oldest first, and why it waits."""

    async def items(control: QueueControl) -> tuple[Sequence[QueueItem], str]:
        found = await control.list(after=after)
        last = found[-1].id if found else ""
        return found, last if last and await control.list(1, last) else ""

    found, more_after = _with_queue(directory, items)
    if as_json:
        more = {"after": more_after} if more_after else {}
        output.emit({"items": [_facts(item) for item in found], **more})
        return
    if not found:
        click.echo("The queue is empty.")
        return
    now = SystemClock().now()
    output.table(
        ("ID", "AGE", "FROM", "TO", "STATE", "NEXT TRY", "WHY"),
        [
            (
                item.id,
                duration(now - item.created_at),
                str(item.envelope.reverse_path or "<>"),
                str(recipient.recipient.address),
                recipient.state.value,
                _next_try(recipient, now),
                recipient.reply[:60],
            )
            for item in found
            for recipient in item.recipients
        ],
    )
    if more_after:
        click.echo(f"There is more: pabal queue list --after {more_after}")


@queue.command()
@click.argument("item_id", metavar="ID")
@config_option
@json_option
def show(item_id: str, directory: Path | None, *, as_json: bool) -> None:
    """Show one message and its recipients.

    With the last reply of each, and when it is tried again.
    """

    async def item(control: QueueControl) -> QueueItem:
        return await control.show(item_id)

    found = _with_queue(directory, item)
    if as_json:
        output.emit(_facts(found))
        return
    now = SystemClock().now()
    click.echo(f"id          {found.id}")
    click.echo(f"from        {found.envelope.reverse_path or '<>'}")
    click.echo(f"message-id  <{found.message_id}>")
    click.echo(f"size        {found.size_octets} octets")
    click.echo(f"accepted    {duration(now - found.created_at)} ago")
    click.echo(f"given up    in {duration(found.expires_at - now)}")
    for recipient in found.recipients:
        click.echo(f"\nto          {recipient.recipient.address}")
        click.echo(f"  state     {recipient.state.value}, {recipient.attempts} tried")
        click.echo(f"  next try  {_next_try(recipient, now)}")
        if recipient.reply:
            click.echo(f"  last      {recipient.reply}")
        if recipient.host:
            click.echo(f"  host      {recipient.host}")


def _verb(
    name: str,
    help_text: str,
    said: str,
    act: Callable[[QueueControl, str], Awaitable[None]],
) -> None:
    @queue.command(name, help=help_text)
    @click.argument("item_ids", nargs=-1, required=True, metavar="ID...")
    @config_option
    @json_option
    def command(
        item_ids: tuple[str, ...], directory: Path | None, *, as_json: bool
    ) -> None:
        async def all_of_them(control: QueueControl) -> None:
            for item_id in item_ids:
                await act(control, item_id)

        _with_queue(directory, all_of_them)
        output.done(f"{', '.join(item_ids)}: {said}.", as_json=as_json)


_verb("retry", "Try messages again now.", "tried again now", QueueControl.retry)
_verb("hold", "Hold messages until they are released.", "on hold", QueueControl.hold)
_verb("release", "End the hold of messages.", "released", QueueControl.release)
_verb("remove", "Remove messages; nobody is told.", "removed", QueueControl.remove)
_verb(
    "bounce",
    "Send messages back to their senders.",
    "sent back",
    QueueControl.bounce,
)


def _with_queue(
    directory: Path | None, work: Callable[[QueueControl], Awaitable[output.T]]
) -> output.T:
    async def run() -> output.T:
        async with queue_office(load_or_raise(directory)) as control:
            return await work(control)

    return asyncio.run(run())


def _facts(item: QueueItem) -> dict[str, output.Json]:
    return {
        "id": item.id,
        "message_id": item.message_id,
        "from": str(item.envelope.reverse_path or ""),
        "created_at": item.created_at,
        "expires_at": item.expires_at,
        "size": item.size_octets,
        "recipients": [
            {
                "address": str(recipient.recipient.address),
                "state": recipient.state.value,
                "attempts": recipient.attempts,
                "next_attempt_at": recipient.next_attempt_at,
                "reply": recipient.reply,
                "host": recipient.host,
            }
            for recipient in item.recipients
        ],
    }


def _next_try(recipient: QueuedRecipient, now: float) -> str:
    if recipient.state.final or recipient.state.value == "hold":
        return "-"
    if recipient.owner:
        return "now"
    return "in " + duration(max(0.0, recipient.next_attempt_at - now))


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``45s``, ``12m``, ``3h 5m``, ``2d 4h``."""
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m"
    if whole < DAY:
        return f"{whole // HOUR}h {whole % HOUR // MINUTE}m"
    return f"{whole // DAY}d {whole % DAY // HOUR}h"
