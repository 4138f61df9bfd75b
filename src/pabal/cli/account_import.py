"""``pabal account import``: an account's mail comes here from another server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pabal.app.moving import Household, at_home
from pabal.base.errors import NotFoundError
from pabal.cli import output
from pabal.cli.moving import Bar, facts, tell
from pabal.cli.options import (
    EXIT_FAILED,
    config_option,
    json_option,
    password_option,
    read_password,
)
from pabal.cli.remote import LocalPath, expect_elsewhere
from pabal.config.load import load_or_raise
from pabal.migration.checker import Checker
from pabal.migration.importer import Importer, inbox_first
from pabal.migration.mbox import STYLES
from pabal.migration.naming import chosen
from pabal.migration.opening import Wanted, opened
from pabal.migration.ports import Folder
from pabal.migration.report import Report


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    address: str
    source: str
    only: tuple[str, ...]
    exclude: tuple[str, ...]
    directory: Path | None
    verify: bool
    forget: bool
    trust: Path | None
    uidl: str
    mbox: str
    password_stdin: bool
    as_json: bool

    async def work(self, home: Household) -> Report:
        """Bring it, or compare it."""
        wanted = Wanted(self.source, self.password, self.trust, self.uidl, self.mbox)
        async with opened(wanted) as source:
            folders = _choose(await source.folders(), self.only, self.exclude)
            with Bar(hidden=self.as_json) as bar:
                if self.verify:
                    return await Checker(source, home.mailboxes, bar).run(folders)
                importer = Importer(source, home.mailboxes, home.clock, bar, home.quota)
                report = await importer.run(folders)
        if self.forget and report.complete:
            await home.mailboxes.imports.forget()
        return report

    def password(self, whose: str) -> str:
        """Ask for a password."""
        return read_password(
            from_stdin=self.password_stdin, address=whose, confirm=False
        )


@click.command("import")
@click.argument("address")
@click.argument("source", metavar="SOURCE", callback=expect_elsewhere)
@click.option(
    "--folder",
    "only",
    multiple=True,
    metavar="NAME",
    help="Only this folder and those below it; may be given again.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="NAME",
    help="Not this folder nor those below it; may be given again.",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Bring nothing: read the source again, compare every octet.",
)
@click.option(
    "--forget",
    is_flag=True,
    help="When all is here, forget what came from where: a later import is a new one.",
)
@click.option(
    "--tls-trust",
    "trust",
    type=LocalPath(path_type=Path, exists=True, dir_okay=False),
    help="Believe the certificates in this file (PEM) instead of the system's.",
)
@click.option(
    "--uidl",
    type=click.Choice(["auto", "dovecot", "courier", "cyrus", "none"]),
    default="auto",
    help="How the IMAP server's POP3 unique-ids look (auto: by its greeting).",
)
@click.option(
    "--mbox",
    type=click.Choice(STYLES),
    default="auto",
    help='How "From " in an mbox is told from the next message (auto: by a true'
    " Content-Length, else mboxrd).",
)
@password_option
@config_option
@json_option
@click.pass_context
def import_(ctx: click.Context, /, **_: object) -> None:
    """Bring the mail in SOURCE into the account ADDRESS.

    SOURCE is a Maildir, an mbox, a directory of mbox files, or a live server:
    imaps://user@host/ (the password is asked for; imap:// turns to TLS by STARTTLS).
    Folders, flags, keywords, dates and subscriptions come along; UIDs, UIDVALIDITY and
    POP3 unique-ids stay where the mailbox here never had a message.

    Stop it at any time and run it again: what is here already does not come twice,
    and flags that changed there meanwhile change here. Every message is read back and
    compared. It ends where the account's quota does. The server may run.
    """
    asked = Asked(**ctx.params)
    report = at_home(load_or_raise(asked.directory), asked.address, asked.work)
    if asked.as_json:
        output.emit(facts(report))
    else:
        tell(report, checked_only=asked.verify)
    if not report.complete:
        ctx.exit(EXIT_FAILED)


def _choose(
    folders: Sequence[Folder], only: Sequence[str], exclude: Sequence[str]
) -> Sequence[Folder]:
    found = inbox_first(chosen(folders, only, exclude))
    if not found:
        names = ", ".join("/".join(one.levels) for one in folders)
        raise NotFoundError("no folder is called that.", f"There are: {names}.")
    return found
