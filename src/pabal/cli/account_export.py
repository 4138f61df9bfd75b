"""``pabal account export``: an account's mail goes out to files."""

from dataclasses import dataclass
from pathlib import Path

import click

from pabal.app.moving import Household, at_home
from pabal.base.errors import NotFoundError
from pabal.cli import output
from pabal.cli.moving import Bar, facts, tell
from pabal.cli.options import EXIT_FAILED, config_option, json_option
from pabal.cli.remote import LocalPath
from pabal.config.load import load_or_raise
from pabal.migration.exporter import Exporter
from pabal.migration.maildir import MaildirSource
from pabal.migration.maildir_target import MaildirTarget
from pabal.migration.mbox import MboxSource
from pabal.migration.mbox_target import MboxTarget
from pabal.migration.report import Report
from pabal.store.names import is_below


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    address: str
    target: Path
    form: str
    only: tuple[str, ...]
    directory: Path | None
    as_json: bool

    async def work(self, home: Household) -> Report:
        """Write it, and read it back."""
        boxes = [
            box
            for box in await home.mailboxes.mailboxes()
            if not self.only or any(_is_at(box.name, one) for one in self.only)
        ]
        if not boxes:
            raise NotFoundError("no mailbox is called that.")
        is_mbox = self.form == "mbox"
        target = MboxTarget(self.target) if is_mbox else MaildirTarget(self.target)
        with Bar(hidden=self.as_json) as bar:
            exporter = Exporter(home.mailboxes, target, bar)
            report = await exporter.run(boxes)
        source = MboxSource(self.target) if is_mbox else MaildirSource(self.target)
        await exporter.check(source, report)
        return report


@click.command()
@click.argument("address")
@click.argument("target", metavar="TARGET", type=LocalPath(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["maildir", "mbox"]),
    default="maildir",
    help="Maildir as of Dovecot, or a directory of mbox files.",
)
@click.option(
    "--folder",
    "only",
    multiple=True,
    metavar="NAME",
    help="Only this mailbox and those below it; may be given again.",
)
@config_option
@json_option
@click.pass_context
def export(ctx: click.Context, /, **_: object) -> None:
    """Write the mail of ADDRESS into the directory TARGET.

    With flags, keywords, dates, UIDs and subscriptions, as `pabal account import` and
    Dovecot read them. Every message is read back and compared. The server may run.
    """
    asked = Asked(**ctx.params)
    report = at_home(load_or_raise(asked.directory), asked.address, asked.work)
    if asked.as_json:
        output.emit(facts(report))
    else:
        tell(report)
    if not report.complete:
        ctx.exit(EXIT_FAILED)


def _is_at(name: str, wanted: str) -> bool:
    return name == wanted or is_below(name, wanted)
